#include "report/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/base/io.h"

enum { TRIES = 100 };

/* A symlink, a FIFO or a device is not replaced: whoever made it meant something by it. */
static int check_existing(const char *path, struct err *err)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ?
			       0 :
			       err_set(err, -errno, "cannot write '%s': %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(
			err, -EEXIST,
			"'%s' exists and is not a regular file; remove it or choose another name",
			path);
	return 0;
}

int output_open(const char *path, struct output *ret, struct err *err)
{
	*ret = (struct output){ .fd = -1, .path = path };
	if (!strcmp(path, "-")) {
		ret->fd = STDOUT_FILENO;
		return 0;
	}
	if (check_existing(path, err) < 0)
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
