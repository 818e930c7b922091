/*
 * A path may name a FIFO, a device or a dead mount's file: it is looked at before it is opened,
 * opened without blocking and looked at again.
 */
#include "report/debug/locate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/auto.h"
#include "common/base/err.h"
#include "common/base/log.h"
#include "common/format/object.h"

#define DEBUG_ROOT "/usr/lib/debug"

static int open_regular(const char *path, struct err *err)
{
	struct stat st;
	int fd;

	if (stat(path, &st) < 0)
		return err_set(err, -ENOENT, "'%s': %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(err, -ENOENT, "'%s' is not a regular file", path);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, -ENOENT, "'%s': %s", path, strerror(errno));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return err_set(err, -ENOENT, "'%s' is not a regular file", path);
	}
	return fd;
}

static int read_same_build(const char *path, const struct build_id *want, unsigned int take,
			   struct elf_image *ret, struct err *err)
{
	AUTO_CLOSE int fd = open_regular(path, err);
	struct build_id found;

	if (fd < 0)
		return fd;
	if (elf_build_id(fd, &found, err) < 0)
		return err_wrap(err, "'%s'", path);
	if (found.n != want->n || memcmp(found.bytes, want->bytes, want->n) != 0) {
		log_debug("debug", "other build: path='%s'", path);
		return err_set(err, -ENOENT, "'%s' is another build", path);
	}
	if (elf_image_read(fd, take, ret, err) < 0)
		return err_wrap(err, "'%s'", path);
	return 0;
}

int locate_object(const struct object_key *key, unsigned int take, struct elf_image *ret,
		  struct err *err)
{
	if (!key->build_id.n)
		return err_set(err, -ENODATA, "no build-id");
	if (!key->path || key->path[0] != '/')
		return err_set(err, -ENOENT, "'%s' is not a file", key->path ? key->path : "");
	return read_same_build(key->path, &key->build_id, take, ret, err);
}

int locate_debug_file(const struct object_key *key, unsigned int take, struct elf_image *ret,
		      struct err *err)
{
	char path[sizeof(DEBUG_ROOT) + 32 + 2 * BUILD_ID_MAX];
	size_t n = sizeof(DEBUG_ROOT "/.build-id/") - 1;

	if (key->build_id.n < 2)
		return err_set(err, -ENODATA, "no build-id");
	memcpy(path, DEBUG_ROOT "/.build-id/", n);
	for (unsigned int i = 0; i < key->build_id.n; i++)
		n += (size_t)sprintf(path + n, i == 1 ? "/%02x" : "%02x", key->build_id.bytes[i]);
	memcpy(path + n, ".debug", sizeof(".debug"));
	return read_same_build(path, &key->build_id, take, ret, err);
}
