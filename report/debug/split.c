/*
 * Files of split DWARF. A .dwo is found by its id, whatever it is called; a .dwp by name alone,
 * because it carries no build-id: whoever reads it looks for the ids it wants in its index, and
 * finds none in the file of another build.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/auto.h"
#include "common/base/err.h"
#include "common/format/object.h"
#include "report/debug/search.h"

enum { TEXT_MAX = 3 * PATH_MAX_BYTES };

struct split {
	const struct search_in *in;
	unsigned int flag; /* PROBE_DWO or PROBE_DWP */
	uint64_t dwo_id;   /* PROBE_DWO */
	struct place *ret;
	bool found;
	struct err near;
};

/* Takes fd. */
static void consider(struct split *s, const struct root *root, const char *path, int fd,
		     const struct identity *identity)
{
	struct err err = { 0 };
	struct probe probe;
	int r;

	if (fd < 0)
		return;
	r = probe_file(fd, &probe, &err);
	close(fd);
	if (r < 0 || !(probe.flags & s->flag) || probe.dwo_id != s->dwo_id) {
		if (!s->near.text[0] && r < 0)
			err_set(&s->near, -ENOENT, "'%s': %s", path, err.text);
		else if (!s->near.text[0])
			err_set(&s->near, -ENOENT, "'%s': id %016" PRIx64 " wanted %016" PRIx64,
				path, probe.dwo_id, s->dwo_id);
		return;
	}
	*s->ret = (struct place){
		.rank = 1,
		.root = root,
		.path = mem_strdup(path),
		.identity = *identity,
		.build_id = probe.build_id,
		.flags = probe.flags | PROBE_DEBUG_INFO,
	};
	s->found = true;
}

static void try_path(struct split *s, const char *path)
{
	struct identity identity;
	struct err err;

	if (!s->found && !s->in->no_system && path[0] == '/')
		consider(s, NULL, path, reach_path(path, &identity, &err), &identity);
}

static void try_below(struct split *s, const struct root *root, const char *path)
{
	struct identity identity;
	struct err err;

	if (!s->found && root->folder >= 0 && !root->only)
		consider(s, root, path, reach_below(root->folder, path, &identity, &err),
			 &identity);
}

static void try_roots(struct split *s, const char *path)
{
	for (size_t i = 0; i < s->in->n_roots; i++)
		try_below(s, &s->in->root[i], path);
}

/* The root that a path lies in, and the rest of it: what is found beside stays below that root. */
static const struct root *root_around(const struct split *s, const char *path, const char **ret)
{
	for (size_t i = 0; i < s->in->n_roots; i++) {
		size_t n = strlen(s->in->root[i].path);

		if (strncmp(path, s->in->root[i].path, n) != 0 || path[n] != '/')
			continue;
		*ret = path + n + 1;
		return &s->in->root[i];
	}
	return NULL;
}

/* path: absolute; in a root it is looked for below that, elsewhere only on this machine. */
static void try_anywhere(struct split *s, const char *path)
{
	const char *below;
	const struct root *root = root_around(s, path, &below);

	if (root)
		try_below(s, root, below);
	else
		try_path(s, path);
}

static void try_beside(struct split *s, const struct debug_file *beside, const char *name)
{
	const char *slash = strrchr(beside->where, '/');
	char text[TEXT_MAX];

	if (beside->provenance.member || !slash || name[0] == '/')
		return;
	snprintf(text, sizeof(text), "%.*s/%s", (int)(slash - beside->where), beside->where, name);
	try_anywhere(s, text);
}

/* Members of packages too: the place then is the package. */
static void take_item(struct split *s, const struct root *root, const struct catalog_item *item)
{
	const struct catalog_file *f = &root->catalog.file[item->file];

	*s->ret = (struct place){
		.rank = 1,
		.root = root,
		.path = mem_strdup(f->path),
		.identity = f->identity,
		.member = item->member,
		.member_name = item->member ? mem_strdup(item->name) : NULL,
		.build_id = item->build_id,
		.flags = item->flags | PROBE_DEBUG_INFO,
	};
	s->found = true;
}

static int finish(struct split *s, const char *what, struct err *err)
{
	if (s->found)
		return 0;
	if (s->near.text[0])
		return err_set(err, -ENOENT, "%s", s->near.text);
	return err_set(err, -ENOENT, "%s was not found", what);
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

int search_dwo(const struct search_in *in, uint64_t dwo_id, const char *name, const char *comp_dir,
	       const struct debug_file *beside, struct place *ret, struct err *err)
{
	struct split s = { .in = in, .flag = PROBE_DWO, .dwo_id = dwo_id, .ret = ret };
	char text[TEXT_MAX], what[64];

	if (!name || strlen(name) >= PATH_MAX_BYTES ||
	    (comp_dir && strlen(comp_dir) >= PATH_MAX_BYTES))
		name = "";
	if (name[0] == '/')
		snprintf(text, sizeof(text), "%s", name);
	else
		snprintf(text, sizeof(text), "%s/%s", comp_dir ? comp_dir : "", name);
	if (name[0]) {
		try_path(&s, text);
		try_roots(&s, text);
		try_roots(&s, base_of(name));
	}
	if (name[0] && beside) {
		try_beside(&s, beside, name);
		try_beside(&s, beside, base_of(name));
	}
	for (size_t i = 0; i < in->n_roots && !s.found; i++) {
		const struct catalog *c = root_catalog(&in->root[i], in->index, in->members);
		uint32_t at = catalog_find_dwo(c, dwo_id);

		if (at != CATALOG_NONE)
			take_item(&s, &in->root[i], &c->item[at]);
	}
	snprintf(what, sizeof(what), ".dwo with id %016" PRIx64, dwo_id);
	return finish(&s, what, err);
}

static void try_catalog_names(struct split *s, struct root *root, const char *name)
{
	const struct catalog *c = root_catalog(root, s->in->index, s->in->members);

	for (size_t i = 0; i < c->n_items && !s->found; i++) {
		const struct catalog_item *item = &c->item[i];
		const char *path = item->member ? item->name : c->file[item->file].path;

		if ((item->flags & PROBE_DWP) && !strcmp(base_of(path), name))
			take_item(s, root, item);
	}
}

int search_dwp(const struct search_in *in, const struct object_key *key,
	       const struct debug_file *beside, struct place *ret, struct err *err)
{
	struct split s = { .in = in, .flag = PROBE_DWP, .ret = ret };
	const char *path = key->path && strlen(key->path) < PATH_MAX_BYTES ? key->path : "";
	char text[TEXT_MAX], name[PATH_MAX_BYTES + 8];

	snprintf(name, sizeof(name), "%s.dwp", base_of(path));
	if (beside && !beside->provenance.member && strlen(beside->where) < PATH_MAX_BYTES) {
		snprintf(text, sizeof(text), "%s.dwp", beside->where);
		try_anywhere(&s, text);
	}
	if (path[0] == '/') {
		snprintf(text, sizeof(text), "%s.dwp", path);
		try_path(&s, text);
		try_roots(&s, text);
		try_roots(&s, name);
		for (size_t i = 0; i < in->n_roots && !s.found; i++)
			try_catalog_names(&s, &in->root[i], name);
	}
	snprintf(text, sizeof(text), "'%.200s'", name);
	return finish(&s, text, err);
}
