#include "report/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/auto.h"
#include "common/base/err.h"
#include "common/base/io.h"

enum { TRIES = 100 };

static int refuse(const char *path, const char *what, struct err *err)
{
	return err_set(err, -EEXIST, "'%s' exists and is not %s; remove it or choose another name",
		       path, what);
}

/*
 * A symlink, a FIFO or a device is not replaced: whoever made it meant something by it. Nor is a
 * file of another kind: a slip of the hand must not cost a source file.
 */
static int check_existing(const char *path, const struct output_kind *kind, struct err *err)
{
	uint8_t start[OUTPUT_START_BYTES] = { 0 };
	AUTO_CLOSE int fd = -1;
	struct stat st;
	ssize_t n;

	if (lstat(path, &st) < 0 && errno == ENOENT)
		return 0;
	if (lstat(path, &st) < 0)
		return err_set(err, -errno, "cannot write '%s': %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return refuse(path, "a regular file", err);
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	n = fd < 0 ? -errno : io_read(fd, start, sizeof(start));
	if (n < 0)
		return err_set(err, (int)n, "cannot replace '%s': %s", path, strerror((int)-n));
	return n == 0 || kind->is_ours(start, (size_t)n) ? 0 : refuse(path, kind->name, err);
}

int output_open(const char *path, const struct output_kind *kind, struct output *ret,
		struct err *err)
{
	*ret = (struct output){ .fd = -1, .path = path };
	if (!strcmp(path, "-")) {
		ret->fd = STDOUT_FILENO;
		return 0;
	}
	if (check_existing(path, kind, err) < 0)
		return err->code;
	for (int i = 0; i < TRIES; i++) {
		if (asprintf(&ret->temporary, "%s.%d.%d.tmp", path, (int)getpid(), i) < 0)
			return err_set(err, -ENOMEM, "cannot write '%s': no memory", path);
		ret->fd = open(ret->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			       0600);
		if (ret->fd >= 0)
			return 0;
		free(ret->temporary);
		ret->temporary = NULL;
		if (errno != EEXIST)
			break;
	}
	return err_set(err, -errno, "cannot write '%s': %s", path, strerror(errno));
}

int output_write(struct output *o, const void *bytes, size_t n, struct err *err)
{
	int status = io_write(o->fd, bytes, n, NULL);

	if (status < 0)
		return err_set(err, status, "cannot write '%s': %s", o->path, strerror(-status));
	return 0;
}

int output_commit(struct output *o, struct err *err)
{
	int fd = o->fd;

	o->fd = -1;
	if (!o->temporary)
		return 0;
	if (close(fd) < 0 || rename(o->temporary, o->path) < 0)
		return err_set(err, -errno, "cannot write '%s': %s", o->path, strerror(errno));
	free(o->temporary);
	o->temporary = NULL;
	return 0;
}

void output_drop(struct output *o)
{
	if (!o->temporary)
		return;
	if (o->fd >= 0)
		close(o->fd);
	unlink(o->temporary);
	free(o->temporary);
	o->temporary = NULL;
}
