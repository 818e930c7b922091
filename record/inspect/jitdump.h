/*
 * jitdump files: binary records in which a runtime tells of code that it made, moved, and how its
 * lines and call frames are. Code bytes are skipped, never kept. Private to the room.
 * Source: Linux tools/perf/Documentation/jitdump-specification.txt, util/jitdump.h.
 */
#ifndef RECORD_INSPECT_JITDUMP_H
#define RECORD_INSPECT_JITDUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/format/jit.h"

struct err;

enum {
	JITDUMP_HEADER_BYTES = 40,
	JITDUMP_PEEK_MAX = 64 << 10, /* bytes asked for at once; all of UNWIND */
};

/* Bytes of the file at an offset: n of them, or NULL. Lent until the next call. */
struct jitdump_source {
	const uint8_t *(*peek)(void *ctx, uint64_t off, size_t n);
	void *ctx;
	uint64_t size; /* bytes that are there now */
};

struct jitdump_counts {
	uint64_t n_codes;
	uint64_t n_odd;	    /* records that make no sense by themselves, left out */
	uint64_t n_other;   /* of another process than the file's */
	uint64_t n_untimed; /* times that cannot be CLOCK_MONOTONIC of the recording */
	uint64_t n_cut;	    /* call frame information too large to keep */
};

struct jitdump {
	uint32_t pid;	   /* as the runtime knows itself */
	bool untimed;	   /* the header says so: another clock */
	uint64_t start_ns; /* no time before it can be one of ours */
	int64_t ahead_ns;  /* the runtime's clock is ahead of the host's */
	uint64_t header_ns;
	struct jitdump_counts counts;
};

/*
 * Size of the header, from where records begin; 0: it is not all there yet. -EBADMSG: no jitdump;
 * -ENOTSUP: another version, byte order or machine.
 */
int jitdump_open(struct jitdump *d, const struct jitdump_source *source, struct err *err);

/*
 * Records from *off on, each given to `put` (negative stops: -ENOSPC ...); *off moves behind
 * those that need not be read again. Stops at a record that is not whole yet: 0. -EBADMSG: what
 * stands at *off is no record, nothing behind it can be read. `pid`: written into the records.
 * Times are the file's, or now_ns and since_ns where those cannot be believed.
 */
int jitdump_read(struct jitdump *d, const struct jitdump_source *source, uint32_t pid,
		 uint64_t since_ns, uint64_t now_ns, uint64_t *off, jit_got *put, void *ctx,
		 struct err *err);

#endif
