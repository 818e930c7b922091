/*
 * Files that say that they are of one recording (manifest, "recording") belong together; a file
 * without a manifest can only be a damaged one of its neighbours, if these are of one recording.
 */
#include "report/read/recordings.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/auto.h"
#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/intern.h"
#include "common/base/io.h"
#include "common/base/map.h"
#include "report/read/chunks.h"
#include "report/read/part.h"
#include "report/read/perfdata.h"
#include "report/read/spool.h"

enum { SPARE_FILES = 64 /* descriptors that everything else may want */ };

struct one_file {
	struct part part; /* of a perf.data only path and fd */
	bool perfdata, taken;
	uint32_t group; /* which recording */
};

struct recordings {
	struct one_file *file; /* in the order of the paths */
	size_t n, cap, n_groups;
	char **left_out;
	size_t n_left_out, left_out_cap;
	bool forgiving; /* one of several may be damaged */
	struct part_tools tools;
};

/* ---- files ---- */

static bool is_damaged(int code)
{
	return code == -EBADMSG || code == -ENODATA || code == -ENOTSUP;
}

static void leave_out(struct recordings *s, const char *reason)
{
	mem_grow(&s->left_out, &s->left_out_cap, s->n_left_out + 1, sizeof(*s->left_out));
	s->left_out[s->n_left_out++] = mem_strdup(reason);
}

static int open_part(struct recordings *s, const char *path, struct one_file *f, struct err *err)
{
	int fd = spool_open(path, err), code = 0;

	if (fd < 0)
		return fd;
	f->perfdata = perfdata_is(fd);
	if (f->perfdata)
		f->part = (struct part){ .path = mem_strdup(path), .fd = fd };
	else
		code = part_open(&s->tools, path, fd, &f->part, err);
	if (code < 0)
		close(fd);
	return code;
}

static int add_file(struct recordings *s, const char *path, struct err *err)
{
	struct one_file f = { .group = UINT32_MAX };
	int code;

	if (s->n == RECORDINGS_FILES_MAX)
		return err_set(err, -EFBIG, "more than %d files", RECORDINGS_FILES_MAX);
	code = open_part(s, path, &f, err);
	if (code < 0) {
		err_wrap(err, "cannot read recording '%s'",
			 strcmp(path, "-") ? path : "standard input");
		if (!s->forgiving || !is_damaged(code))
			return code;
		leave_out(s, err->text);
		return 0;
	}
	mem_grow(&s->file, &s->cap, s->n + 1, sizeof(*s->file));
	s->file[s->n++] = f;
	return 0;
}

/* ---- directories ---- */

struct names {
	char **name;
	size_t n, cap;
};

static void names_done(struct names *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->name[i]);
	free(l->name);
}

static bool begins_like_recording(int dir, const char *name)
{
	uint8_t head[FILE_HEADER_BYTES];
	struct stat st;
	AUTO_CLOSE int fd = openat(dir, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	return perfdata_is(fd) || (io_pread(fd, head, sizeof(head), 0) == (ssize_t)sizeof(head) &&
				   file_is_recording(head));
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_directory(const char *path, struct names *ret, struct err *err)
{
	DIR *dir = opendir(path);

	if (!dir)
		return err_set(err, -errno, "cannot read directory '%s': %s", path,
			       strerror(errno));
	for (struct dirent *entry; (entry = readdir(dir)) && ret->n <= RECORDINGS_FILES_MAX;) {
		if (entry->d_name[0] == '.' || !begins_like_recording(dirfd(dir), entry->d_name))
			continue;
		mem_grow(&ret->name, &ret->cap, ret->n + 1, sizeof(*ret->name));
		ret->name[ret->n++] = mem_strdup(entry->d_name);
	}
	closedir(dir);
	if (!ret->n)
		return err_set(err, -ENODATA, "no recording lies in directory '%s'", path);
	qsort(ret->name, ret->n, sizeof(*ret->name), by_name);
	return 0;
}

static void allow_files(size_t n)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= n + SPARE_FILES)
		return;
	limit.rlim_cur = MIN(limit.rlim_max, n + SPARE_FILES);
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int add_directory(struct recordings *s, const char *path, struct err *err)
{
	struct names names = { 0 };
	int code = list_directory(path, &names, err);

	if (code == 0)
		allow_files(s->n + names.n);
	s->forgiving |= names.n > 1;
	for (size_t i = 0; i < names.n && code == 0; i++) {
		AUTO_FREE char *file = mem_alloc(strlen(path) + strlen(names.name[i]) + 2);

		sprintf(file, "%s/%s", path, names.name[i]);
		code = add_file(s, file, err);
	}
	names_done(&names);
	return code;
}

static int add_path(struct recordings *s, const char *path, struct err *err)
{
	struct stat st;

	if (strcmp(path, "-") != 0 && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return add_directory(s, path, err);
	return add_file(s, path, err);
}

/* ---- groups ---- */

static bool has_manifest(const struct one_file *f)
{
	return f->perfdata || f->part.n_pairs;
}

/* Recordings by what their files have in common. */
struct groups {
	struct intern names;
	struct map by_name; /* name's id + 1 -> group */
	uint32_t n;
};

static uint32_t group_of(struct groups *g, const struct one_file *f)
{
	const char *name = part_manifest(&f->part, "recording");
	char own[24];
	bool is_new;
	uint64_t *group;

	if (f->perfdata)
		return g->n++;
	if (!name)
		snprintf(own, sizeof(own), "file %016" PRIx64, f->part.file_id);
	group = map_put(&g->by_name, intern_put(&g->names, name ? name : own).n + (uint64_t)1,
			&is_new);
	if (is_new)
		*group = g->n++;
	return (uint32_t)*group;
}

static void find_groups(struct recordings *s)
{
	struct groups g = { 0 };

	intern_init(&g.names);
	map_init(&g.by_name);
	for (size_t i = 0; i < s->n; i++)
		if (has_manifest(&s->file[i]))
			s->file[i].group = group_of(&g, &s->file[i]);
	for (size_t i = 0; i < s->n; i++)
		if (!has_manifest(&s->file[i]))
			s->file[i].group = g.n == 1 ? 0 : g.n++;
	s->n_groups = g.n;
	map_done(&g.by_name);
	intern_done(&g.names);
}

/* In the order of time; what came to an end last is the whole of a flight recorder. */
static int by_time(const void *a, const void *b)
{
	const struct part *x = a, *y = b;
	uint32_t m = part_number(x) - 1, n = part_number(y) - 1;

	if (x->latest_ns != y->latest_ns)
		return x->latest_ns < y->latest_ns ? -1 : 1;
	return m != n ? (m > n) - (m < n) : strcmp(x->path, y->path);
}

/* ---- the door ---- */

size_t recordings_n(const struct recordings *s)
{
	return s->n_groups;
}

const char *recordings_path(const struct recordings *s, size_t group)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->file[i].group == group)
			return s->file[i].part.path;
	return "";
}

static int take_perfdata(struct one_file *f, struct recording **ret, struct err *err)
{
	int code = perfdata_open(f->part.fd, ret, err);

	if (code < 0)
		return err_wrap(err, "cannot read recording '%s'",
				strcmp(f->part.path, "-") ? f->part.path : "standard input");
	f->part.fd = -1; /* the recording's */
	return 0;
}

int recordings_take(struct recordings *s, size_t group, struct recording **ret, struct err *err)
{
	struct part *part = mem_alloc(s->n * sizeof(*part));
	uint32_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		struct one_file *f = &s->file[i];

		if (f->group != group || f->taken)
			continue;
		if (f->perfdata) {
			free(part);
			return take_perfdata(f, ret, err);
		}
		f->taken = true;
		part[n++] = f->part;
		f->part.path = mem_strdup(f->part.path);
	}
	qsort(part, n, sizeof(*part), by_time);
	*ret = chunks_open(part, n);
	return 0;
}

void recordings_each_left_out(const struct recordings *s, void (*f)(void *ctx, const char *reason),
			      void *ctx)
{
	for (size_t i = 0; i < s->n_left_out; i++)
		f(ctx, s->left_out[i]);
}

int recordings_open(char *const *path, size_t n, struct recordings **ret, struct err *err)
{
	struct recordings *s = mem_zalloc(sizeof(*s));
	int code = 0;

	s->forgiving = n > 1;
	allow_files(n);
	for (size_t i = 0; i < n && code == 0; i++)
		code = add_path(s, path[i], err);
	if (code == 0 && !s->n)
		code = err->code; /* of the last one that was left out */
	if (code < 0) {
		recordings_close(s);
		return code;
	}
	find_groups(s);
	part_tools_done(&s->tools);
	memset(&s->tools, 0, sizeof(s->tools));
	*ret = s;
	return 0;
}

void recordings_close(struct recordings *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n; i++) {
		if (s->file[i].taken)
			free(s->file[i].part.path);
		else
			part_done(&s->file[i].part);
	}
	for (size_t i = 0; i < s->n_left_out; i++)
		free(s->left_out[i]);
	part_tools_done(&s->tools);
	free(s->left_out);
	free(s->file);
	free(s);
}
