/* Reading and writing whole things: EINTR and short transfers are handled here and nowhere else. */
#ifndef COMMON_BASE_IO_H
#define COMMON_BASE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

/* Bytes read: n, or fewer at the end of the file; negative errno. */
ssize_t io_read(int fd, void *bytes, size_t n);
ssize_t io_pread(int fd, void *bytes, size_t n, uint64_t off);
/* 0, or negative errno; *ret_done (may be NULL) says how many bytes went out even on failure. */
int io_write(int fd, const void *bytes, size_t n, size_t *ret_done);

/*
 * A small file (procfs) whole, zero-terminated, at most `limit` bytes, into memory to be freed.
 * Never blocks on a FIFO: opens O_NONBLOCK|O_CLOEXEC. -EFBIG past the limit.
 */
int io_read_file(const char *path, size_t limit, char **ret, size_t *ret_n, struct err *err);

uint64_t io_monotonic_ns(void);

#endif
