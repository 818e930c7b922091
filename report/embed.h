/*
 * Parts of files of this machine into a recording that is written here, as the recorder would have
 * put them there: so that it can be read elsewhere, alone.
 */
#ifndef REPORT_EMBED_H
#define REPORT_EMBED_H

#include <stdint.h>

#include "common/format/object.h"

struct chunk_writer;
struct debug;
struct err;
struct recording;

/*
 * The object's tables for unwinding and names, from the recording or from the file of its build-id
 * that `debug` finds (NULL: none). 1: embedded; 0: not to be had (why stands in the recording
 * then); negative: the writer.
 */
int embed_local_object(struct chunk_writer *w, struct recording *r, struct debug *debug,
		       const struct object_key *key, struct err *err);

/* Names of the kernel for these addresses, in any order. Negative: the writer. */
int embed_local_kernel(struct chunk_writer *w, struct recording *r, uint64_t *pc, size_t n,
		       struct err *err);

/* Code made at run time, as far as the recording knows it. Negative: the writer. */
int embed_local_jit(struct chunk_writer *w, struct recording *r, struct err *err);

#endif
