#include "common/base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/auto.h"
#include "common/base/bits.h"
#include "common/base/err.h"

ssize_t io_read(int fd, void *bytes, size_t n)
{
	size_t done = 0;

	while (done < n) {
		ssize_t got = read(fd, (char *)bytes + done, n - done);

		if (got == 0)
			break;
		if (got > 0)
			done += (size_t)got;
		else if (errno != EINTR)
			return -errno;
	}
	return (ssize_t)done;
}

ssize_t io_pread(int fd, void *bytes, size_t n, uint64_t off)
{
	size_t done = 0;

	if (off > INT64_MAX || n > INT64_MAX - off)
		return -EOVERFLOW;
	while (done < n) {
		ssize_t got = pread(fd, (char *)bytes + done, n - done, (off_t)(off + done));

		if (got == 0)
			break;
		if (got > 0)
			done += (size_t)got;
		else if (errno != EINTR)
			return -errno;
	}
	return (ssize_t)done;
}

int io_write(int fd, const void *bytes, size_t n, size_t *ret_done)
{
	size_t done = 0;
	int rc = 0;

	while (done < n) {
		ssize_t put = write(fd, (const char *)bytes + done, n - done);

		if (put > 0) {
			done += (size_t)put;
		} else if (put == 0 || errno != EINTR) {
			rc = put == 0 ? -EIO : -errno;
			break;
		}
	}
	if (ret_done)
		*ret_done = done;
	return rc;
}

/* Files of procfs have size 0: read until the end, not up to st_size. */
static int read_whole(int fd, const char *path, size_t limit, char **ret, size_t *ret_n,
		      struct err *err)
{
	enum { FIRST_BYTES = 4096 };
	size_t n = 0, cap = 0;
	AUTO_FREE char *text = NULL;

	for (;;) {
		ssize_t got;

		mem_grow(&text, &cap, n + FIRST_BYTES, 1);
		got = io_read(fd, text + n, MIN(cap - n - 1, limit - n + 1));
		if (got < 0)
			return err_set(err, (int)got, "cannot read '%s': %s", path,
				       strerror((int)-got));
		n += (size_t)got;
		if (n > limit)
			return err_set(err, -EFBIG, "'%s' is larger than the limit of %zu bytes",
				       path, limit);
		if (got == 0)
			break;
	}
	text[n] = 0;
	*ret = text;
	text = NULL;
	if (ret_n)
		*ret_n = n;
	return 0;
}

int io_read_file(const char *path, size_t limit, char **ret, size_t *ret_n, struct err *err)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	struct stat st;

	if (limit > SIZE_MAX / 4)
		limit = SIZE_MAX / 4;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(err, -errno, "cannot open '%s': %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(err, -EINVAL, "'%s' is not a regular file", path);
	return read_whole(fd, path, limit, ret, ret_n, err);
}

static int64_t monotonic_ahead_ns;

uint64_t io_monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec -
	       (uint64_t)monotonic_ahead_ns;
}

void io_monotonic_of_host(void)
{
	monotonic_ahead_ns = io_read_clock_ahead("/proc/self/timens_offsets");
}

int64_t io_monotonic_ahead_ns(void)
{
	return monotonic_ahead_ns;
}

/* "monotonic      100000         0\nboottime ..." */
int64_t io_read_clock_ahead(const char *path)
{
	static const char name[] = "monotonic ";
	AUTO_FREE char *text = NULL;
	int64_t sec, nsec, ret = 0;
	size_t n;

	if (io_read_file(path, 4096, &text, &n, NULL) < 0)
		return 0;
	const char *at = strstr(text, name);
	if (!at || sscanf(at + sizeof(name) - 1, "%" SCNd64 "%" SCNd64, &sec, &nsec) != 2 ||
	    __builtin_mul_overflow(sec, INT64_C(1000000000), &ret) ||
	    __builtin_add_overflow(ret, nsec, &ret))
		return 0;
	return ret;
}
