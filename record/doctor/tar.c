#include "record/doctor/tar.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zstd.h>

#include "common/base/auto.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/io.h"

enum { BLOCK = 512, ZSTD_LEVEL = 9 };

/* Numbers are octal digits with a zero after them. */
struct ustar {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type;
	char link[100], magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155];
	char rest[12];
};

_Static_assert(sizeof(struct ustar) == BLOCK, "a header is one block");

static void put_padded(struct buf *tar, const void *bytes, size_t n)
{
	static const char zeros[BLOCK];

	buf_put(tar, bytes, n);
	if (n % BLOCK)
		buf_put(tar, zeros, BLOCK - n % BLOCK);
}

/* The sum is taken with blanks in its own place. */
static void put_checksum(struct ustar *h)
{
	unsigned int sum = 0;

	memset(h->checksum, ' ', sizeof(h->checksum));
	for (size_t i = 0; i < sizeof(*h); i++)
		sum += ((const uint8_t *)h)[i];
	snprintf(h->checksum, sizeof(h->checksum), "%06o", sum);
}

void tar_put(struct buf *tar, const char *name, const void *bytes, size_t n, uint64_t time_s)
{
	struct ustar h = { .type = '0', .magic = "ustar", .version = { '0', '0' } };

	snprintf(h.name, sizeof(h.name), "%s", name);
	snprintf(h.mode, sizeof(h.mode), "%07o", 0600);
	snprintf(h.uid, sizeof(h.uid), "%07o", 0);
	snprintf(h.gid, sizeof(h.gid), "%07o", 0);
	snprintf(h.size, sizeof(h.size), "%011" PRIo64, (uint64_t)n);
	snprintf(h.mtime, sizeof(h.mtime), "%011" PRIo64, time_s);
	put_checksum(&h);
	buf_put(tar, &h, sizeof(h));
	put_padded(tar, bytes, n);
}

void tar_end(struct buf *tar)
{
	static const char zeros[2 * BLOCK];

	buf_put(tar, zeros, sizeof(zeros));
}

static int write_new(const char *path, const void *bytes, size_t n, struct err *err)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_set(err, -errno, "cannot make '%s': %s%s", path, strerror(errno),
			       errno == EEXIST ? "; a bundle never replaces a file" : "");
	int r = io_write(fd, bytes, n, NULL);
	if (r == 0 && fsync(fd) < 0 && errno != EINVAL)
		r = -errno;
	if (r < 0) {
		unlink(path);
		return err_set(err, r, "cannot write '%s': %s", path, strerror(-r));
	}
	return 0;
}

int tar_write(const struct buf *tar, const char *path, struct err *err)
{
	size_t cap = ZSTD_compressBound(tar->n);
	AUTO_FREE void *packed = malloc(cap);

	if (!packed)
		return err_set(err, -ENOMEM, "no memory for %zu bytes", cap);
	size_t n = ZSTD_compress(packed, cap, tar->data, tar->n, ZSTD_LEVEL);
	if (ZSTD_isError(n))
		return err_set(err, -EINVAL, "cannot compress: %s", ZSTD_getErrorName(n));
	return write_new(path, packed, n, err);
}
