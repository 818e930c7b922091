/*
 * A tar archive of small text files: POSIX.1-1988 ustar, owner and group 0, mode 0600, compressed
 * with zstd. Source: POSIX.1-2017, pax, "ustar Interchange Format". Private to the room.
 */
#ifndef RECORD_DOCTOR_TAR_H
#define RECORD_DOCTOR_TAR_H

#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;

/* name: at most 99 bytes. */
void tar_put(struct buf *tar, const char *name, const void *bytes, size_t n, uint64_t time_s);
void tar_end(struct buf *tar); /* two blocks of zeros */

/*
 * Compresses and writes into a new file of mode 0600, synced; whatever stands there already is
 * left alone (-EEXIST), and a file that could not be finished is removed.
 */
int tar_write(const struct buf *tar, const char *path, struct err *err);

#endif
