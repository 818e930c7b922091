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

/* CLOCK_MONOTONIC; of the host after io_monotonic_of_host(). */
uint64_t io_monotonic_ns(void);

/*
 * The kernel's own times are the host's, also in a time namespace, where a process's clock is ahead
 * of them (or behind: negative). From here on io_monotonic_ns() is the host's; call it once, early.
 */
void io_monotonic_of_host(void);
int64_t io_monotonic_ahead_ns(void); /* of this process; 0 before that call */
/* Of the process whose /proc/PID/timens_offsets this is; 0: there is no such file. */
int64_t io_read_clock_ahead(const char *path);

#endif
