/*
 * Answers are remembered by build-id: the symbolizer peeks at each object first and asks for few
 * of them later.
 */
#include "report/debug/debug.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/auto.h"
#include "common/base/err.h"
#include "common/base/log.h"
#include "common/base/map.h"
#include "common/format/object.h"
#include "report/debug/fetch.h"
#include "report/debug/index.h"
#include "report/debug/members.h"
#include "report/debug/search.h"

#define ALT_ROOT "/usr/lib/debug/.dwz"

/* An answer that was given. */
struct known {
	enum search_for what;
	struct build_id id;
	struct place place; /* rank 0: there is none */
	struct err why;
	struct known *next; /* of the same key */
};

struct debug {
	struct search_in in;
	struct root *root;
	size_t n_roots;
	struct root alt_root;
	struct members members;
	struct fetch *fetch;
	struct index *index;
	struct map known;
};

void debug_file_done(struct debug_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	free(f->where);
	*f = (struct debug_file){ .fd = -1 };
}

int debug_open(const struct debug_options *o, struct debug **ret, struct err *err)
{
	struct debug *d = mem_zalloc(sizeof(*d));

	(void)err;
	d->root = mem_zalloc((o->n_dirs + 1) * sizeof(*d->root));
	for (unsigned int i = 0; i < o->n_dirs; i++)
		root_init(&d->root[d->n_roots++], o->dir[i]);
	map_init(&d->known);
	members_init(&d->members);
	d->index = index_new(o->cache_dir);
	d->alt_root.folder = -1;
	if (!o->no_system && access(ALT_ROOT, R_OK) == 0)
		root_init(&d->alt_root, ALT_ROOT);
	if (o->debuginfod)
		d->fetch = fetch_new(o->debuginfod_urls, o->debuginfod_max_bytes,
				     o->debuginfod_timeout_ms);
	d->in = (struct search_in){
		.root = d->root,
		.n_roots = d->n_roots,
		.alt_root = d->alt_root.folder >= 0 ? &d->alt_root : NULL,
		.no_system = o->no_system,
		.index = d->index,
		.members = &d->members,
		.fetch = d->fetch,
	};
	*ret = d;
	return 0;
}

void debug_close(struct debug *d)
{
	if (!d)
		return;
	for (size_t i = 0; d->known.slots && i <= d->known.mask; i++) {
		struct known *k = (struct known *)(uintptr_t)d->known.slots[i].value;

		while (d->known.slots[i].key && k) {
			struct known *next = k->next;

			place_done(&k->place);
			free(k);
			k = next;
		}
	}
	map_done(&d->known);
	for (size_t i = 0; i < d->n_roots; i++)
		root_done(&d->root[i]);
	root_done(&d->alt_root);
	members_done(&d->members);
	fetch_free(d->fetch);
	index_free(d->index);
	free(d->root);
	free(d);
}

void debug_want(struct debug *d, const struct object_key *key, size_t n)
{
	for (size_t i = 0; i < n; i++)
		members_want(&d->members, &key[i].build_id);
}

static uint64_t key_of(enum search_for what, const struct build_id *id)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325) + what;

	for (unsigned int i = 0; i < id->n; i++)
		h = (h ^ id->bytes[i]) * 0x100000001b3;
	return h ? h : 1;
}

/*
 * What is known of this build-id, after searching where need be. Objects that share one share the
 * answer: a path only ever adds candidates, and the first one's are as good.
 */
static struct known *resolve(struct debug *d, enum search_for what, const struct object_key *key)
{
	bool is_new;
	uint64_t *slot = map_put(&d->known, key_of(what, &key->build_id), &is_new);
	struct known *k;

	for (k = (struct known *)(uintptr_t)*slot; k; k = k->next)
		if (k->what == what && build_id_equal(&k->id, &key->build_id))
			return k;
	k = mem_zalloc(sizeof(*k));
	k->what = what;
	k->id = key->build_id;
	k->next = (struct known *)(uintptr_t)*slot;
	*slot = (uintptr_t)k;
	members_want(&d->members, &key->build_id);
	search_run(&d->in, what, key, &k->place, &k->why);
	return k;
}

/* Asks again: the file was replaced since. */
static void forget(struct debug *d, struct known *k, const struct object_key *key)
{
	place_done(&k->place);
	k->why = (struct err){ 0 };
	search_run(&d->in, k->what, key, &k->place, &k->why);
}

static int find(struct debug *d, enum search_for what, const struct object_key *key,
		struct debug_file *ret, struct err *err)
{
	struct known *k;
	int r;

	if (!key->build_id.n)
		return err_set(err, -ENODATA, "no build-id");
	k = resolve(d, what, key);
	if (!k->place.rank)
		return err_set(err, k->why.code, "%s", k->why.text);
	r = place_open(&k->place, &d->members, ret, err);
	if (r != -ESTALE && r != -ENOENT)
		return r;
	forget(d, k, key);
	if (!k->place.rank)
		return err_set(err, k->why.code, "%s", k->why.text);
	return place_open(&k->place, &d->members, ret, err);
}

int debug_find(struct debug *d, const struct object_key *key, struct debug_file *ret,
	       struct err *err)
{
	return find(d, SEARCH_NAMES, key, ret, err);
}

int debug_find_object(struct debug *d, const struct object_key *key, struct debug_file *ret,
		      struct err *err)
{
	return find(d, SEARCH_OBJECT, key, ret, err);
}

/* "/dir/of/beside/name", or name if it is absolute; NULL: not known. Owner: caller. */
static char *path_beside(const char *name, const struct debug_file *beside)
{
	const char *slash;
	char *ret = NULL;

	if (!name || !name[0] || !beside || !beside->where || beside->provenance.member)
		return NULL;
	slash = strrchr(beside->where, '/');
	if (name[0] == '/')
		return strdup(name);
	if (!slash || asprintf(&ret, "%.*s/%s", (int)(slash - beside->where), beside->where,
			       name) < 0)
		return NULL;
	return ret;
}

int debug_find_alt(struct debug *d, const struct build_id *build_id, const char *name,
		   const struct debug_file *beside, struct debug_file *ret, struct err *err)
{
	AUTO_FREE char *path = path_beside(name, beside);
	struct object_key key = { .path = path, .build_id = *build_id };

	return find(d, SEARCH_ALT, &key, ret, err);
}

int debug_peek(struct debug *d, const struct object_key *key, struct debug_provenance *ret,
	       struct err *err)
{
	const struct known *k;

	if (!key->build_id.n)
		return err_set(err, -ENODATA, "no build-id");
	k = resolve(d, SEARCH_NAMES, key);
	if (!k->place.rank)
		return err_set(err, k->why.code, "%s", k->why.text);
	*ret = place_provenance(&k->place);
	if (err)
		*err = k->why;
	return 0;
}

static int open_found(struct debug *d, struct place *place, struct debug_file *ret,
		      struct err *err)
{
	int r = place_open(place, &d->members, ret, err);

	place_done(place);
	return r;
}

int debug_find_dwo(struct debug *d, uint64_t dwo_id, const char *name, const char *comp_dir,
		   const struct debug_file *beside, struct debug_file *ret, struct err *err)
{
	struct place place = { 0 };
	int r = search_dwo(&d->in, dwo_id, name, comp_dir, beside, &place, err);

	return r < 0 ? r : open_found(d, &place, ret, err);
}

int debug_find_dwp(struct debug *d, const struct object_key *key, const struct debug_file *beside,
		   struct debug_file *ret, struct err *err)
{
	struct place place = { 0 };
	int r = search_dwp(&d->in, key, beside, &place, err);

	return r < 0 ? r : open_found(d, &place, ret, err);
}
