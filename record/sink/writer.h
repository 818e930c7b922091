/*
 * The output file: created for its owner alone, never over something that is not ours, whole
 * chunks or nothing. What a failed write left behind is cut off again.
 */
#ifndef RECORD_SINK_WRITER_H
#define RECORD_SINK_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

struct writer {
	int fd;			/* -1: closed */
	bool seekable, reserve; /* reserve: the file system can keep room for the end */
	bool torn;		/* a failed write could not be cut off: readers resynchronise */
	uint64_t bytes;		/* whole pieces written */
	int last_code;		/* of the last failed write; 0: none failed */
	uint64_t n_failed;
};

/*
 * "-" is standard output. A recording of ours that stands at `path` becomes PATH.old; -EEXIST for
 * anything else that stands there.
 */
int writer_open(struct writer *w, const char *path, struct err *err);
/* Whether writer_open may have `path` later. */
int writer_check(const char *path, struct err *err);
void writer_take(struct writer *w, int fd); /* a new, empty file */
/* A chunk_sink: `w` as ctx. All of it, or none and a negative errno. */
int writer_put(void *w, const void *bytes, size_t n);
/* Further pieces may use the room that was kept for the end. */
void writer_begin_end(struct writer *w);
int writer_rewind(struct writer *w);			   /* to an empty file */
int writer_cut_reserve(struct writer *w, struct err *err); /* before a last sync */
int writer_close(struct writer *w, struct err *err);

#endif
