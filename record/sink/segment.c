/*
 * Names are resolved below a directory that was opened at the start: whoever moves or replaces the
 * directory meanwhile does not make us write elsewhere.
 */
#include "record/sink/segment.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/auto.h"
#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "common/format/file.h"

enum { DIGITS = 6, TRIES_MAX = 1000, SUFFIX_BYTES = sizeof(".4294967295.part") };

bool segment_is_ours(int dir, const char *name)
{
	struct stat st;
	uint8_t head[FILE_HEADER_BYTES];
	AUTO_CLOSE int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
	       st.st_nlink == 1 && io_pread(fd, head, sizeof(head), 0) == (ssize_t)sizeof(head) &&
	       file_is_recording(head);
}

void segment_name(const struct segments *s, uint32_t number, bool part, char ret[SEGMENT_NAME_MAX])
{
	snprintf(ret, SEGMENT_NAME_MAX, "%.*s.%0*u%s", SEGMENT_NAME_MAX - SUFFIX_BYTES, s->name,
		 DIGITS, number, part ? ".part" : "");
}

/* The number of a name that is one of ours in form; 0: it is none. */
static uint32_t number_of(const struct segments *s, const char *name)
{
	size_t n = strlen(s->name);
	char *end;

	if (strncmp(name, s->name, n) != 0 || name[n] != '.' ||
	    !isdigit((unsigned char)name[n + 1]))
		return 0;
	unsigned long number = strtoul(name + n + 1, &end, 10);
	if (end - (name + n + 1) < DIGITS || (*end && strcmp(end, ".part") != 0))
		return 0;
	return number < UINT32_MAX ? (uint32_t)number : 0;
}

static void look_for_older(struct segments *s)
{
	int fd = openat(s->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	for (struct dirent *entry; (entry = readdir(dir));) {
		uint32_t number = number_of(s, entry->d_name);

		if (!number)
			continue;
		s->next = MAX(s->next, number + 1);
		s->lowest = MIN(s->lowest, number);
	}
	closedir(dir);
}

static int open_directory(const char *path, size_t n)
{
	char name[PATH_MAX];

	snprintf(name, sizeof(name), "%.*s", (int)n, path);
	int fd = open(n ? name : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == EACCES) /* may be written, not listed: then it cannot be synced */
		fd = open(n ? name : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int segments_open(struct segments *s, const char *path, uint32_t keep, bool look, struct err *err)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	size_t n_dir = (size_t)(name - path);

	*s = (struct segments){ .dir = -1, .next = 1, .lowest = UINT32_MAX, .keep = keep };
	if (strlen(name) + SUFFIX_BYTES > sizeof(s->name) || n_dir >= PATH_MAX)
		return err_set(err, -ENAMETOOLONG, "output '%s': name too long", path);
	memcpy(s->name, name, strlen(name) + 1);
	s->dir = open_directory(path, n_dir);
	if (s->dir < 0)
		return err_set(err, s->dir, "cannot create '%s': %s", path, strerror(-s->dir));
	if (look)
		look_for_older(s);
	s->lowest = MIN(s->lowest, s->next);
	return 0;
}

void segments_close(struct segments *s)
{
	if (s->dir >= 0)
		close(s->dir);
	s->dir = -1;
}

int segments_create(struct segments *s, uint32_t *ret_number)
{
	char part[SEGMENT_NAME_MAX], name[SEGMENT_NAME_MAX];
	struct stat st;

	for (int i = 0; i < TRIES_MAX; i++, s->next++) {
		segment_name(s, s->next, true, part);
		segment_name(s, s->next, false, name);
		if (fstatat(s->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			continue; /* that name is taken: renaming would go over it */
		int fd = openat(s->dir, part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
				0600);
		if (fd < 0 && errno == EEXIST)
			continue;
		if (fd < 0)
			return -errno;
		*ret_number = s->next++;
		return fd;
	}
	return -EEXIST;
}

static void remove_one(const struct segments *s, uint32_t number, bool part)
{
	char name[SEGMENT_NAME_MAX];

	segment_name(s, number, part, name);
	if (segment_is_ours(s->dir, name))
		unlinkat(s->dir, name, 0);
}

static void remove_oldest(struct segments *s, uint32_t number)
{
	for (; s->keep && s->lowest + s->keep <= number; s->lowest++) {
		remove_one(s, s->lowest, false);
		remove_one(s, s->lowest, true); /* of a recorder that was killed */
	}
}

/* RENAME_NOREPLACE is not on every file system; the name was free when the file was begun. */
static int give_name(const struct segments *s, uint32_t number)
{
	char part[SEGMENT_NAME_MAX], name[SEGMENT_NAME_MAX];

	segment_name(s, number, true, part);
	segment_name(s, number, false, name);
	/* musl 1.2.3 has no renameat2() */
	if (syscall(SYS_renameat2, s->dir, part, s->dir, name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	return renameat(s->dir, part, s->dir, name) < 0 ? -errno : 0;
}

int segments_finish(struct segments *s, uint32_t number, int fd, uint64_t bytes)
{
	int r = 0;

	if (ftruncate(fd, (off_t)bytes) < 0 || fsync(fd) < 0)
		r = -errno;
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r == 0)
		r = give_name(s, number);
	if (r < 0)
		return r;
	if (fsync(s->dir) < 0 && errno == EIO)
		return -errno;
	remove_oldest(s, number);
	return 0;
}
