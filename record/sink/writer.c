/*
 * Room for the end is kept by allocating ahead of the last byte (FALLOC_FL_KEEP_SIZE): each piece
 * first allocates itself and the reserve behind it, so a full disk is met before anything is
 * written and the last chunks still fit.
 */
#include "record/sink/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/base/io.h"
#include "common/format/event.h"
#include "record/sink/segment.h"

enum { RESERVE_BYTES = 64 << 10 };

static bool exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

/* ret_old has PATH_MAX_BYTES. */
static int check_old(const char *path, char *ret_old, struct err *err)
{
	if (!segment_is_ours(AT_FDCWD, path))
		return err_set(err, -EEXIST,
			       "output '%s' exists and is not a recording of yours; "
			       "remove it or use -o",
			       path);
	if (snprintf(ret_old, PATH_MAX_BYTES, "%s.old", path) >= PATH_MAX_BYTES)
		return err_set(err, -ENAMETOOLONG, "output '%s': name too long", path);
	if (exists(ret_old) && !segment_is_ours(AT_FDCWD, ret_old))
		return err_set(err, -EEXIST,
			       "'%s' exists and is not a recording of yours, so '%s' cannot be "
			       "kept under that name; remove one of them or use -o",
			       ret_old, path);
	return 0;
}

int writer_check(const char *path, struct err *err)
{
	char old[PATH_MAX_BYTES];

	return exists(path) ? check_old(path, old, err) : 0;
}

static int move_away(const char *path, struct err *err)
{
	char old[PATH_MAX_BYTES];
	int r = check_old(path, old, err);

	if (r < 0)
		return r;
	if (rename(path, old) < 0)
		return err_set(err, -errno, "cannot rename '%s' to '%s': %s", path, old,
			       strerror(errno));
	return 0;
}

static int create(const char *path)
{
	return open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

int writer_open(struct writer *w, const char *path, struct err *err)
{
	*w = (struct writer){ .fd = -1 };
	if (!strcmp(path, "-")) {
		if (isatty(STDOUT_FILENO))
			return err_set(err, -EINVAL,
				       "a recording is not for a terminal; "
				       "redirect standard output or use -o FILE");
		w->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
		return w->fd < 0 ? err_set(err, -errno, "standard output: %s", strerror(errno)) : 0;
	}
	if (exists(path)) {
		int r = move_away(path, err);
		if (r < 0)
			return r;
	}
	w->fd = create(path);
	if (w->fd < 0)
		return err_set(err, -errno, "cannot create '%s': %s", path, strerror(errno));
	w->seekable = w->reserve = true;
	return 0;
}

void writer_take(struct writer *w, int fd)
{
	*w = (struct writer){ .fd = fd, .seekable = true, .reserve = true };
}

/* Room for `n` bytes and the end. -ENOSPC; file systems that cannot say are believed to have it. */
static int keep_room(struct writer *w, size_t n)
{
	if (!w->reserve)
		return 0;
	if (fallocate(w->fd, FALLOC_FL_KEEP_SIZE, (off_t)w->bytes, (off_t)(n + RESERVE_BYTES)) == 0)
		return 0;
	if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)
		return -errno;
	w->reserve = false;
	return 0;
}

static void cut(struct writer *w, size_t n_torn)
{
	if (!n_torn)
		return;
	if (!w->seekable || ftruncate(w->fd, (off_t)w->bytes) < 0 ||
	    lseek(w->fd, (off_t)w->bytes, SEEK_SET) < 0) {
		w->torn = true;
		w->bytes += n_torn;
	}
}

int writer_put(void *ctx, const void *bytes, size_t n)
{
	struct writer *w = ctx;
	size_t done = 0;
	int r = keep_room(w, n);

	if (r == 0)
		r = io_write(w->fd, bytes, n, &done);
	if (r == 0) {
		w->bytes += n;
		return 0;
	}
	cut(w, done);
	w->last_code = r;
	w->n_failed++;
	return r;
}

void writer_begin_end(struct writer *w)
{
	w->reserve = false;
}

int writer_rewind(struct writer *w)
{
	/* Empty, and still written to behind what was there, it would begin with a hole. */
	if (lseek(w->fd, 0, SEEK_SET) < 0)
		return -errno;
	if (ftruncate(w->fd, 0) < 0) {
		int code = -errno;
		lseek(w->fd, (off_t)w->bytes, SEEK_SET);
		return code;
	}
	w->bytes = 0;
	w->torn = false;
	w->reserve = true;
	return 0;
}

int writer_cut_reserve(struct writer *w, struct err *err)
{
	if (!w->seekable || ftruncate(w->fd, (off_t)w->bytes) == 0)
		return 0;
	return err_set(err, -errno, "cannot cut the reserve: %s", strerror(errno));
}

int writer_close(struct writer *w, struct err *err)
{
	if (w->fd < 0)
		return 0;
	int r = writer_cut_reserve(w, err);
	if (close(w->fd) < 0 && r == 0)
		r = err_set(err, -errno, "cannot close the output: %s", strerror(errno));
	w->fd = -1;
	return r;
}
