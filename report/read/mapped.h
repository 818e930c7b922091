/*
 * A whole file in memory, read only. A page that can no longer be read (the file was cut, the disk
 * failed) reads as zeros instead of ending the program. Private to the room.
 */
#ifndef REPORT_READ_MAPPED_H
#define REPORT_READ_MAPPED_H

#include <stddef.h>
#include <stdint.h>

struct err;

struct mapped {
	const uint8_t *bytes; /* page-aligned */
	size_t n;
	size_t dropped; /* of mapped_drop */
};

/* A regular file. Threads: open and close from one; at most MAPPED_MAX at a time (-EMFILE). */
enum { MAPPED_MAX = 16 };
int mapped_open(int fd, struct mapped *ret, struct err *err);
void mapped_close(struct mapped *m);
/*
 * What lies before `off` is hardly read again: memory is given back now and then. Bytes stay
 * readable.
 */
void mapped_drop(struct mapped *m, uint64_t off);
/* How many pages of it read as zeros since it was opened. */
uint64_t mapped_n_lost(const struct mapped *m);

#endif
