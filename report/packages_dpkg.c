/*
 * dpkg's lists are read whole, once, line by line; wanted paths are few and sorted. Lists know
 * files by the name they were packed with: /lib/x may be installed as /usr/lib/x, and the other way
 * round.
 */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/auto.h"
#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "report/packages.h"

/* A name under which a wanted file may be packed. */
struct alias {
	const char *path;
	size_t n;
	uint32_t wanted;
};

static bool is_merged(const char *path)
{
	static const char *const top[] = { "/bin/",   "/sbin/",	 "/lib/",
					   "/lib32/", "/lib64/", "/libx32/" };

	for (size_t i = 0; i < N_ELEMENTS(top); i++)
		if (!strncmp(path, top[i], strlen(top[i])))
			return true;
	return false;
}

static int by_path(const void *x, const void *y)
{
	const struct alias *a = x, *b = y;
	int order = memcmp(a->path, b->path, MIN(a->n, b->n));

	return order ? order : (a->n > b->n) - (a->n < b->n);
}

static struct alias *make_aliases(struct arena *a, const struct packages_wanted *wanted, size_t n,
				  size_t *ret_n)
{
	struct alias *alias = arena_alloc(a, (2 * n + 1) * sizeof(*alias));
	size_t count = 0;

	for (uint32_t i = 0; i < n; i++) {
		const char *path = wanted[i].path, *other = NULL;

		if (path[0] != '/')
			continue;
		alias[count++] = (struct alias){ path, strlen(path), i };
		if (!strncmp(path, "/usr/", 5) && is_merged(path + 4))
			other = path + 4;
		else if (is_merged(path))
			other = arena_printf(a, "/usr%s", path);
		if (other)
			alias[count++] = (struct alias){ other, strlen(other), i };
	}
	qsort(alias, count, sizeof(*alias), by_path);
	*ret_n = count;
	return alias;
}

/* "libc6:amd64.list" is libc6's. 0: not a list. */
static size_t name_length(const char *file)
{
	size_t n = strlen(file), name = strcspn(file, ":");

	if (n < 6 || strcmp(file + n - 5, ".list") != 0)
		return 0;
	name = MIN(name, n - 5);
	return name < PACKAGES_NAME_MAX &&
			       strspn(file, "abcdefghijklmnopqrstuvwxyz0123456789+-.") >= name ?
		       name :
		       0;
}

/* Of several packages with one file, the one whose name comes first. */
static void set_owner(struct packages_wanted *w, const char *name, size_t n)
{
	if (w->owner[0] &&
	    (strncmp(w->owner, name, n) < 0 || (!strncmp(w->owner, name, n) && !w->owner[n])))
		return;
	memcpy(w->owner, name, n);
	w->owner[n] = 0;
}

static void look_up(const struct alias *alias, size_t n, const struct alias *line,
		    struct packages_wanted *wanted, const char *name, size_t n_name)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (by_path(&alias[mid], line) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < n && !by_path(&alias[lo], line); lo++)
		set_owner(&wanted[alias[lo].wanted], name, n_name);
}

static void read_list(const char *path, const char *name, size_t n_name, const struct alias *alias,
		      size_t n_alias, struct packages_wanted *wanted)
{
	AUTO_FREE char *text = NULL;
	struct err err = { 0 };
	size_t n;

	if (io_read_file(path, DPKG_LIST_MAX, &text, &n, &err) < 0)
		return;
	for (size_t at = 0; at < n;) {
		const char *end = memchr(text + at, '\n', n - at);
		struct alias line = { text + at, end ? (size_t)(end - text) - at : n - at, 0 };

		look_up(alias, n_alias, &line, wanted, name, n_name);
		at += line.n + 1;
	}
}

bool packages_dpkg(const char *dir, struct packages_wanted *wanted, size_t n)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	struct alias *alias;
	struct arena arena;
	size_t n_alias, n_lists = 0;

	if (!d)
		return false;
	arena_init(&arena);
	alias = make_aliases(&arena, wanted, n, &n_alias);
	while ((entry = readdir(d)) && n_lists < DPKG_LISTS_MAX) {
		size_t n_name = name_length(entry->d_name);
		char path[PATH_MAX];

		if (!n_name ||
		    snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name) >= (int)sizeof(path))
			continue;
		n_lists++;
		read_list(path, entry->d_name, n_name, alias, n_alias, wanted);
	}
	arena_done(&arena);
	closedir(d);
	return n_lists > 0;
}
