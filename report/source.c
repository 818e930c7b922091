/*
 * A path is made plain ("a/./b/../c" is "a/c") before its ends are tried, since an end that begins
 * with ".." would only be refused. The longest end wins whatever folder has it: "src/main.c" in the
 * second folder is a better answer than some other "main.c" in the first.
 */
#include "report/source.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/auto.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/io.h"

struct folder {
	int fd;
	char *path;
};

struct sources {
	struct folder *folder;
	size_t n, cap;
	struct export_text text; /* of the last file */
	char *asked;		 /* for which path; NULL: none yet */
	bool found;
	struct buf where;
	char *bytes;
	uint32_t *start;
	struct err err;
};

struct sources *sources_new(void)
{
	struct sources *s = mem_zalloc(sizeof(*s));

	buf_init(&s->where);
	return s;
}

static char *copy_of(const char *text, size_t n)
{
	char *copy = mem_alloc(n + 1);

	memcpy(copy, text, n);
	copy[n] = 0;
	return copy;
}

static void forget(struct sources *s)
{
	free(s->asked);
	free(s->bytes);
	free(s->start);
	s->asked = s->bytes = NULL;
	s->start = NULL;
	s->found = false;
}

void sources_free(struct sources *s)
{
	if (!s)
		return;
	forget(s);
	for (size_t i = 0; i < s->n; i++) {
		close(s->folder[i].fd);
		free(s->folder[i].path);
	}
	free(s->folder);
	buf_done(&s->where);
	free(s);
}

int sources_add(struct sources *s, const char *dir, struct err *err)
{
	int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	size_t n = strlen(dir);

	if (fd < 0)
		return err_set(err, -errno, "cannot search folder '%s' for source files: %s", dir,
			       strerror(errno));
	while (n > 1 && dir[n - 1] == '/')
		n--;
	mem_grow(&s->folder, &s->cap, s->n + 1, sizeof(*s->folder));
	s->folder[s->n++] = (struct folder){ .fd = fd, .path = copy_of(dir, n) };
	return 0;
}

/* ---- what to look for ---- */

/* Parts of a path, in place: "/a/./b/../c" gives "a", "c". Returns how many, the last ones. */
static size_t split(char *path, const char *ret[SOURCE_FOLDERS_MAX])
{
	size_t n = 0;
	char *rest = NULL;

	for (char *part = strtok_r(path, "/", &rest); part; part = strtok_r(NULL, "/", &rest)) {
		if (!strcmp(part, "."))
			continue;
		if (!strcmp(part, "..")) {
			n -= n > 0;
			continue;
		}
		if (n == SOURCE_FOLDERS_MAX)
			memmove(ret, ret + 1, --n * sizeof(*ret));
		ret[n++] = part;
	}
	return n;
}

static const char *join(struct buf *b, const char *const *part, size_t n)
{
	buf_reset(b);
	for (size_t i = 0; i < n; i++)
		buf_printf(b, "%s%s", i ? "/" : "", part[i]);
	return buf_text(b);
}

/* ---- files ---- */

static int open_beneath(int folder, const char *path, int flags)
{
	struct open_how how = { .flags = (uint64_t)(flags | O_CLOEXEC),
				.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };

	return (int)syscall(SYS_openat2, folder, path, &how, sizeof(how));
}

/* Looked at before it is opened for reading: opening alone wakes a device or a FIFO's other end. */
static int open_regular(const struct folder *folder, const char *path, struct err *err)
{
	AUTO_CLOSE int look = open_beneath(folder->fd, path, O_PATH);
	struct stat st;
	int fd;

	if (look < 0)
		return errno == ENOENT || errno == ENOTDIR ?
			       -ENOENT :
			       err_set(err, -errno, "'%s/%s': %s", folder->path, path,
				       errno == EXDEV ? "leads out of the folder" :
							strerror(errno));
	if (fstat(look, &st) < 0 || !S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -ENOENT :
					     err_set(err, -EINVAL, "'%s/%s' is not a regular file",
						     folder->path, path);
	fd = open_beneath(folder->fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))) {
		close(fd);
		return err_set(err, -EINVAL, "'%s/%s' is not a regular file", folder->path, path);
	}
	return fd < 0 ? err_set(err, -errno, "'%s/%s': %s", folder->path, path, strerror(errno)) :
			fd;
}

/* Ends of lines: "\n" or "\r\n"; the last line may lack its own. */
static void find_lines(struct sources *s, uint32_t n_bytes)
{
	struct export_text *t = &s->text;
	size_t cap = 0;

	t->n_lines = 0;
	for (uint32_t at = 0; at < n_bytes;) {
		const char *end = memchr(s->bytes + at, '\n', n_bytes - at);

		mem_grow(&s->start, &cap, t->n_lines + 2, sizeof(*s->start));
		s->start[t->n_lines++] = at;
		at = end ? (uint32_t)(end - s->bytes) + 1 : n_bytes;
	}
	mem_grow(&s->start, &cap, t->n_lines + 1, sizeof(*s->start));
	s->start[t->n_lines] = n_bytes;
	t->bytes = s->bytes;
	t->start = s->start;
	t->path = buf_text(&s->where);
}

static int load(struct sources *s, int fd, const struct folder *folder, const char *path,
		struct err *err)
{
	ssize_t n;

	s->bytes = mem_alloc(SOURCE_BYTES_MAX + 1);
	n = io_read(fd, s->bytes, SOURCE_BYTES_MAX + 1);
	if (n < 0 || n > SOURCE_BYTES_MAX) {
		free(s->bytes);
		s->bytes = NULL;
		return n < 0 ? err_set(err, (int)n, "cannot read '%s/%s': %s", folder->path, path,
				       strerror((int)-n)) :
			       err_set(err, -EFBIG, "'%s/%s' has more than %d bytes", folder->path,
				       path, SOURCE_BYTES_MAX);
	}
	s->bytes = mem_realloc(s->bytes, (size_t)n + 1);
	buf_reset(&s->where);
	buf_printf(&s->where, "%s/%s", folder->path, path);
	find_lines(s, (uint32_t)n);
	return 0;
}

/* In each folder. -ENOENT: none has it; err is set when one of them has something else there. */
static int search_end(struct sources *s, const char *path, struct err *err)
{
	for (size_t i = 0; i < s->n; i++) {
		AUTO_CLOSE int fd = open_regular(&s->folder[i], path, err);

		if (fd >= 0)
			return load(s, fd, &s->folder[i], path, err);
	}
	return -ENOENT;
}

static int search(struct sources *s, const char *path, struct err *err)
{
	AUTO_FREE char *copy = copy_of(path, strlen(path));
	const char *part[SOURCE_FOLDERS_MAX];
	size_t n = split(copy, part);
	int status = -ENOENT;
	struct buf end;

	buf_init(&end);
	for (size_t i = 0; i < n && status == -ENOENT; i++)
		status = search_end(s, join(&end, part + i, n - i), err);
	buf_done(&end);
	return status;
}

const struct export_text *sources_get(void *ctx, const char *path, const char **ret_reason)
{
	struct sources *s = ctx;

	if (!s->asked || strcmp(s->asked, path) != 0) {
		forget(s);
		s->asked = copy_of(path, strlen(path));
		s->err = (struct err){ 0 };
		s->found = search(s, path, &s->err) == 0;
	}
	if (s->found)
		return &s->text;
	*ret_reason = s->err.text[0] ? s->err.text :
		      s->n	     ? "not below --source-dir" :
				       "give --source-dir";
	return NULL;
}
