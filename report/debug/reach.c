/*
 * A path may name a FIFO, a device or a dead mount's file: it is looked at before it is opened,
 * opened without blocking and looked at again.
 */
#include "report/debug/reach.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/err.h"

enum { OPEN_FLAGS = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC };

int reach_folder(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC);

	return fd < 0 ? err_set(err, -errno, "'%s': %s", path, strerror(errno)) : fd;
}

/* What was opened, once more: between looking and opening it may have been replaced. */
static int check_regular(int fd, const char *path, struct identity *ret, struct err *err)
{
	struct stat st;

	if (fd < 0)
		return err_set(err, -ENOENT, "'%s': %s", path, strerror(errno));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return err_set(err, -ENOENT, "'%s' is not a regular file", path);
	}
	*ret = identity_of(&st);
	return fd;
}

int reach_path(const char *path, struct identity *ret, struct err *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_set(err, -ENOENT, "'%s': %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(err, -ENOENT, "'%s' is not a regular file", path);
	return check_regular(open(path, OPEN_FLAGS), path, ret, err);
}

static int open_below(int folder, const char *path, int flags, uint64_t resolve)
{
	struct open_how how = { .flags = (uint64_t)flags, .resolve = resolve };

	return (int)syscall(SYS_openat2, folder, path, &how, sizeof(how));
}

/* Before Linux 5.6: each folder of the path by itself, no symbolic link, no '..'. */
static int open_by_steps(int folder, const char *path, int flags)
{
	int at = folder, next;

	while (*path == '/')
		path++;
	for (;;) {
		size_t n = strcspn(path, "/");
		char part[256];

		if (n >= sizeof(part) || !n || (n == 2 && path[0] == '.' && path[1] == '.')) {
			errno = EXDEV;
			next = -1;
		} else {
			memcpy(part, path, n);
			part[n] = 0;
			path += n;
			path += strspn(path, "/");
			next = openat(at, part, O_NOFOLLOW |
						(*path ? O_PATH | O_DIRECTORY | O_CLOEXEC : flags));
		}
		if (at != folder)
			close(at);
		if (next < 0 || !*path)
			return next;
		at = next;
	}
}

static int open_resolved(int folder, const char *path, int flags, bool follow)
{
	uint64_t resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
	int fd = open_below(folder, path, flags | (follow ? 0 : O_NOFOLLOW), resolve);

	return fd < 0 && (errno == ENOSYS || errno == EPERM) ? open_by_steps(folder, path, flags) :
							       fd;
}

static int reach(int folder, const char *path, bool follow, struct identity *ret, struct err *err)
{
	struct stat st;
	int at;

	while (*path == '/')
		path++;
	/* a handle that opens nothing: what it is, before it is opened */
	at = open_resolved(folder, path, O_PATH | O_CLOEXEC, follow);
	if (at < 0)
		return err_set(err, -ENOENT, "'%s': %s", path, strerror(errno));
	if (fstat(at, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(at);
		return err_set(err, -ENOENT, "'%s' is not a regular file", path);
	}
	close(at);
	return check_regular(open_resolved(folder, path, OPEN_FLAGS, follow), path, ret, err);
}

int reach_below(int folder, const char *path, struct identity *ret, struct err *err)
{
	return reach(folder, path, true, ret, err);
}

int reach_plain(int folder, const char *path, struct identity *ret, struct err *err)
{
	return reach(folder, path, false, ret, err);
}
