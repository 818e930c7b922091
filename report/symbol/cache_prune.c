/* All files of the cache: how much there is, and which of it goes first. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "report/symbol/cache.h"
#include "report/symbol/cache_dir.h"

struct kept {
	char name[CACHE_NAME_BYTES];
	uint64_t bytes;
	int64_t used;
};

struct listing {
	struct kept *kept;
	size_t n, cap;
};

static void list_folder(const struct symbol_cache *c, const char *folder, struct listing *l)
{
	int fd = openat(c->answers, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	struct stat st;

	if (!dir && fd >= 0)
		close(fd);
	while (dir && (e = readdir(dir))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") ||
		    strlen(e->d_name) + 4 > CACHE_NAME_BYTES ||
		    fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
			continue;
		mem_grow(&l->kept, &l->cap, l->n + 1, sizeof(*l->kept));
		l->kept[l->n] = (struct kept){ .bytes = (uint64_t)st.st_size, .used = st.st_mtime };
		memcpy(l->kept[l->n].name, folder, 2);
		l->kept[l->n].name[2] = '/';
		memcpy(l->kept[l->n].name + 3, e->d_name, strlen(e->d_name) + 1);
		l->n++;
	}
	if (dir)
		closedir(dir);
}

static int by_use(const void *x, const void *y)
{
	const struct kept *a = x, *b = y;

	if (a->used != b->used)
		return a->used < b->used ? -1 : 1;
	return strcmp(a->name, b->name);
}

/* Oldest first. */
static struct listing list_all(const struct symbol_cache *c)
{
	struct listing l = { .n = 0 };
	char folder[3];

	for (unsigned int i = 0; i < 256; i++) {
		snprintf(folder, sizeof(folder), "%02x", i & 0xff);
		list_folder(c, folder, &l);
	}
	if (l.n)
		qsort(l.kept, l.n, sizeof(*l.kept), by_use);
	return l;
}

void symbol_cache_measure(struct symbol_cache *c, struct symbol_cache_size *ret)
{
	struct listing l = list_all(c);

	*ret = (struct symbol_cache_size){ .n_files = l.n };
	for (size_t i = 0; i < l.n; i++)
		ret->bytes += l.kept[i].bytes;
	if (l.n) {
		ret->oldest = l.kept[0].used;
		ret->newest = l.kept[l.n - 1].used;
	}
	free(l.kept);
}

void symbol_cache_prune(struct symbol_cache *c, uint64_t max_bytes, int64_t before,
			struct symbol_cache_size *ret_removed)
{
	struct listing l = list_all(c);
	uint64_t bytes = 0;

	*ret_removed = (struct symbol_cache_size){ .n_files = 0 };
	for (size_t i = 0; i < l.n; i++)
		bytes += l.kept[i].bytes;
	for (size_t i = 0; i < l.n && (bytes > max_bytes || l.kept[i].used < before); i++) {
		if (unlinkat(c->answers, l.kept[i].name, 0) < 0)
			continue;
		bytes -= l.kept[i].bytes;
		ret_removed->n_files++;
		ret_removed->bytes += l.kept[i].bytes;
	}
	free(l.kept);
}
