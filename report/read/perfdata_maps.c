/* Anybody can put a file into /tmp: it is opened without following links, looked at, then read. */
#include "report/read/perfdata_maps.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/auto.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "common/format/perfmap.h"

/* "perf-1234.map" -> 1234; 0: it is not of that form. */
static uint32_t pid_of(const char *name)
{
	static const char before[] = "perf-", after[] = ".map";
	unsigned long pid;
	char *end;

	if (strncmp(name, before, sizeof(before) - 1) != 0)
		return 0;
	name += sizeof(before) - 1;
	if (*name < '1' || *name > '9')
		return 0;
	pid = strtoul(name, &end, 10);
	return !strcmp(end, after) && pid < UINT32_MAX ? (uint32_t)pid : 0;
}

static int compare(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Where the file system does not say when a file was made, it may be old enough. */
static bool made_after(DIR *dir, const char *name, int64_t until_s)
{
	struct statx st;

	return statx(dirfd(dir), name, AT_SYMLINK_NOFOLLOW, STATX_BTIME, &st) == 0 &&
	       st.stx_mask & STATX_BTIME && st.stx_btime.tv_sec > until_s;
}

size_t perf_maps_list(const char *dir, int64_t until_s, uint32_t *ret_pid)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	size_t n = 0;

	while (d && n < PERF_MAPS_MAX && (entry = readdir(d))) {
		uint32_t pid = pid_of(entry->d_name);

		if (pid && !made_after(d, entry->d_name, until_s))
			ret_pid[n++] = pid;
	}
	if (d)
		closedir(d);
	qsort(ret_pid, n, sizeof(*ret_pid), compare);
	return n;
}

/* The file; negative with err. */
static int open_map(const char *path, struct stat *st, struct err *err)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return err_set(err, -errno, "'%s': %s", path, strerror(errno));
	if (fstat(fd, st) < 0 || !S_ISREG(st->st_mode))
		err_set(err, -EINVAL, "'%s' is not a regular file", path);
	else if (st->st_uid && st->st_uid != geteuid())
		err_set(err, -EPERM, "'%s' belongs to user %u, neither to root nor to you", path,
			(unsigned int)st->st_uid);
	else if (st->st_size > PERF_MAP_BYTES_MAX)
		err_set(err, -EFBIG, "'%s' has %lld bytes, the limit is %d", path,
			(long long)st->st_size, PERF_MAP_BYTES_MAX);
	else
		return fd;
	close(fd);
	return err->code;
}

static int each_line(uint32_t pid, const char *text, size_t n, jit_got *got, void *ctx)
{
	/* nobody looked before, and at the end of time it was there: it may be of any age */
	struct jit_record r = {
		.kind = JIT_LOAD, .origin = JIT_FROM_PERF_MAP, .pid = pid, .time_ns = UINT64_MAX - 1
	};
	const char *end = text + n, *newline;
	char name[JIT_TEXT_MAX + 1];
	int status = 0;

	/* the last line may be cut: the runtime may have died while it wrote */
	for (; status >= 0 && (newline = memchr(text, '\n', (size_t)(end - text)));
	     text = newline + 1)
		if (perfmap_parse_line(text, (size_t)(newline - text), name, &r))
			status = got(ctx, &r);
	return status < 0 ? status : 0;
}

int perf_map_each(const char *dir, uint32_t pid, jit_got *got, void *ctx)
{
	AUTO_FREE char *text = NULL;
	struct err err = { 0 };
	struct stat st;
	char path[256];
	ssize_t n;

	snprintf(path, sizeof(path), "%s/perf-%" PRIu32 ".map", dir, pid);
	AUTO_CLOSE int fd = open_map(path, &st, &err);
	if (fd < 0) {
		struct jit_record note = { .kind = JIT_NOTE, .pid = pid, .name = err.text };

		return got(ctx, &note);
	}
	text = mem_alloc((size_t)st.st_size + 1);
	n = io_read(fd, text, (size_t)st.st_size);
	return n < 0 ? 0 : each_line(pid, text, (size_t)n, got, ctx);
}
