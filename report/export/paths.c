/*
 * Files of one ending are grown by a folder, all of them, until no two are alike or the paths are
 * whole.
 */
#include "report/export/paths.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "report/export/escape.h"
#include "report/profile/profile.h"

enum { FOLDERS_MAX = 8 }; /* more than this: the whole path */

struct file {
	str_id id;
	const char *path, *tail; /* tail: what is shown so far */
};

static int compare_tails(const void *a, const void *b)
{
	const struct file *x = a, *y = b;

	return strcmp(x->tail, y->tail);
}

/* One folder more; the whole path when there is none. */
static const char *longer(const struct file *f)
{
	const char *at = f->tail;

	if (at - f->path < 2)
		return f->path;
	for (at -= 2; at > f->path && *at != '/'; at--)
		;
	return at > f->path ? at + 1 : at;
}

static const char *last_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/* True: some are still alike and have grown. */
static bool grow(struct file *file, size_t n, bool whole)
{
	bool grown = false;

	qsort(file, n, sizeof(*file), compare_tails);
	for (size_t i = 0, next; i < n; i = next) {
		for (next = i + 1; next < n && !strcmp(file[next].tail, file[i].tail);)
			next++;
		if (next == i + 1)
			continue;
		/* Only now: the run was found by the old tails. */
		for (size_t k = i; k < next; k++) {
			const char *tail = whole ? file[k].path : longer(&file[k]);

			grown |= tail != file[k].tail;
			file[k].tail = tail;
		}
	}
	return grown;
}

void paths_init(struct paths *s, const struct profile *p)
{
	struct file *file = NULL;
	size_t n = 0, cap = 0;

	*s = (struct paths){ .p = p };
	map_init(&s->skip);
	for (size_t i = 0; i < p->n_places; i++) {
		const char *path = profile_text(p, p->place[i].file);
		bool is_new = false;

		if (p->place[i].file.n)
			map_put(&s->skip, p->place[i].file.n, &is_new);
		if (!is_new)
			continue;
		mem_grow(&file, &cap, n + 1, sizeof(*file));
		file[n++] = (struct file){ p->place[i].file, path, last_name(path) };
	}
	for (unsigned int i = 0; n && i <= FOLDERS_MAX && grow(file, n, i == FOLDERS_MAX); i++)
		;
	for (size_t i = 0; i < n; i++)
		*map_put(&s->skip, file[i].id.n, NULL) =
			(uint64_t)(file[i].tail - file[i].path) + 1;
	free(file);
}

void paths_done(struct paths *s)
{
	map_done(&s->skip);
}

const char *paths_short(const struct paths *s, str_id file)
{
	const uint64_t *skip = map_find(&s->skip, file.n);

	return profile_text(s->p, file) + (skip && *skip ? *skip - 1 : 0);
}

void paths_put_line(struct buf *b, const struct paths *s, const struct profile_place *place)
{
	if (!place->file.n)
		return;
	escape_text(b, paths_short(s, place->file));
	if (place->line)
		buf_printf(b, ":%" PRIu32, place->line);
}
