/*
 * Each candidate is opened (reach.h), its headers are read (probe.h, bounded, nothing allocated in
 * a size that the file claims), and only the wanted build-id counts; what has another one is
 * remembered for the message. A candidate with debug information ends the search.
 */
#include "report/debug/search.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/auto.h"
#include "common/base/err.h"
#include "common/base/log.h"
#include "common/format/object.h"
#include "report/debug/fetch.h"
#include "report/debug/members.h"

#define SYSTEM_ROOT "/usr/lib/debug"

enum { RANK_BEST = 3, PATH_TEXT_MAX = 3 * PATH_MAX_BYTES };

struct search {
	const struct search_in *in;
	enum search_for what;
	const struct build_id *id;
	struct place best;
	struct err near;	   /* text "": nothing was near */
	char link[PROBE_LINK_MAX]; /* .gnu_debuglink of the object at its recorded path */
};

void build_id_text(const struct build_id *id, char *ret)
{
	for (unsigned int i = 0; i < id->n; i++)
		sprintf(ret + 2 * i, "%02x", id->bytes[i]);
	ret[2 * id->n] = 0;
}

static unsigned int rank_of(enum search_for what, unsigned int flags)
{
	if (what == SEARCH_OBJECT)
		return flags & PROBE_CODE ? RANK_BEST : 0;
	if (flags & PROBE_DEBUG_INFO)
		return RANK_BEST;
	if (what == SEARCH_ALT)
		return flags & PROBE_STRINGS ? RANK_BEST : 0;
	return flags & PROBE_SYMTAB ? 2 : flags & PROBE_DYNSYM ? 1 : 0;
}

static bool is_done(const struct search *s)
{
	return s->best.rank == RANK_BEST;
}

static void note_other(struct search *s, const char *where, const struct build_id *found)
{
	char other[BUILD_ID_TEXT_BYTES], wanted[BUILD_ID_TEXT_BYTES];

	if (s->near.text[0])
		return;
	build_id_text(found, other);
	build_id_text(s->id, wanted);
	err_set(&s->near, -ENOENT, "'%s': build-id %s wanted %s", where, found->n ? other : "none",
		wanted);
}

/* `path` is copied. */
static void take(struct search *s, const struct root *root, const char *path,
		 const struct identity *identity, unsigned int flags)
{
	unsigned int rank = rank_of(s->what, flags);

	if (rank <= s->best.rank)
		return;
	place_done(&s->best);
	s->best = (struct place){
		.rank = rank,
		.root = root,
		.path = mem_strdup(path),
		.identity = *identity,
		.build_id = *s->id,
		.flags = flags,
	};
}

/* Why a candidate is none, with the path that people know. */
static void note_reason(struct search *s, const char *where, const char *why)
{
	log_debug("debug", "not used: path='%s' reason='%s'", where, why);
	if (!s->near.text[0])
		err_set(&s->near, -ENOENT, "'%s': %s", where, why);
}

/* Takes fd. */
static void consider(struct search *s, const struct root *root, const char *path, int fd,
		     const struct identity *identity)
{
	AUTO_FREE char *where = NULL;
	struct err err = { 0 };
	struct probe probe;
	int r;

	if (fd < 0)
		return;
	r = probe_file(fd, &probe, &err);
	close(fd);
	if (r == 0 && build_id_equal(&probe.build_id, s->id)) {
		take(s, root, path, identity, probe.flags);
		return;
	}
	where = root ? root_join(root, path) : mem_strdup(path);
	if (r < 0)
		note_reason(s, where, err.text);
	else
		note_other(s, where, &probe.build_id);
}

static void try_path(struct search *s, const char *path)
{
	struct identity identity;
	struct err err;

	if (!is_done(s))
		consider(s, NULL, path, reach_path(path, &identity, &err), &identity);
}

static void try_below(struct search *s, const struct root *root, const char *path)
{
	struct identity identity;
	struct err err;

	if (!is_done(s) && root->folder >= 0 && !root->only)
		consider(s, root, path, reach_below(root->folder, path, &identity, &err),
			 &identity);
}

/* "ab/cdef...": how .build-id trees lay files out */
static void tree_text(const struct build_id *id, char *ret)
{
	sprintf(ret, "%02x/", id->bytes[0]);
	for (unsigned int i = 1; i < id->n; i++)
		sprintf(ret + 1 + 2 * i, "%02x", id->bytes[i]);
}

/*
 * gdb's names, then those of perf's cache. Both ways: an object kept with its debug information is
 * as good as a debug file.
 */
static const char *const tree_names[SEARCH_KINDS][4] = {
	[SEARCH_NAMES] = { ".debug", "/debug", "", "/elf" },
	[SEARCH_OBJECT] = { "", "/elf", ".debug", "/debug" },
	[SEARCH_ALT] = { ".debug", "" },
};

static bool has_folder(const struct root *root, const char *path)
{
	struct stat st;

	return fstatat(root->folder, path, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

static void try_trees(struct search *s, const struct root *root)
{
	char tree[BUILD_ID_TEXT_BYTES + 2], path[sizeof(tree) + 64];

	if (s->id->n < 2)
		return;
	tree_text(s->id, tree);
	for (unsigned int i = 0; i < ROOT_TREES; i++) {
		snprintf(path, sizeof(path), "%s%.2s", root_trees[i], tree);
		if (!root->tree[i] || !has_folder(root, path))
			continue;
		for (unsigned int k = 0; k < 4 && tree_names[s->what][k]; k++) {
			snprintf(path, sizeof(path), "%s%s%s", root_trees[i], tree,
				 tree_names[s->what][k]);
			try_below(s, root, path);
		}
	}
}

static void try_system_tree(struct search *s)
{
	char tree[BUILD_ID_TEXT_BYTES + 2], path[sizeof(tree) + 64];

	if (s->id->n < 2)
		return;
	tree_text(s->id, tree);
	snprintf(path, sizeof(path), SYSTEM_ROOT "/.build-id/%s%s", tree,
		 s->what == SEARCH_OBJECT ? "" : ".debug");
	try_path(s, path);
}

/* The object itself, and what its .gnu_debuglink says. */
static void try_recorded(struct search *s, const char *path)
{
	struct identity identity;
	struct err err;
	struct probe probe;
	int fd = reach_path(path, &identity, &err);

	if (fd >= 0 && probe_file(fd, &probe, &err) == 0 && build_id_equal(&probe.build_id, s->id))
		memcpy(s->link, probe.link, sizeof(s->link));
	consider(s, NULL, path, fd, &identity);
}

/* Where debuggers look by name: beside the object, in .debug beside it, in the system's folder. */
static void try_names(struct search *s, const char *path)
{
	const char *base = strrchr(path, '/') + 1;
	int dir = (int)(base - path);
	char guess[PROBE_LINK_MAX + 16], text[PATH_TEXT_MAX];
	const char *const names[] = { s->link, guess };

	if (strlen(base) >= PROBE_LINK_MAX)
		return;
	snprintf(guess, sizeof(guess), "%s.debug", base);
	for (unsigned int i = 0; i < 2; i++) {
		if (!names[i][0] || (i && !strcmp(names[0], names[1])))
			continue;
		if (strcmp(names[i], base) != 0) {
			snprintf(text, sizeof(text), "%.*s%s", dir, path, names[i]);
			try_path(s, text);
		}
		snprintf(text, sizeof(text), "%.*s.debug/%s", dir, path, names[i]);
		try_path(s, text);
		snprintf(text, sizeof(text), SYSTEM_ROOT "%.*s%s", dir, path, names[i]);
		try_path(s, text);
	}
	snprintf(text, sizeof(text), SYSTEM_ROOT "%s", path);
	try_path(s, text);
}

/* Below a root: the recorded path, as in an unpacked system, and the bare name. */
static void try_names_below(struct search *s, const struct root *root, const char *path)
{
	static const char *const forms[] = { "%s", "%s.debug", "usr/lib/debug%s",
					     "usr/lib/debug%s.debug" };
	const char *base = strrchr(path, '/') + 1;
	char text[PATH_TEXT_MAX];

	for (unsigned int i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(text, sizeof(text), forms[i], path);
#pragma GCC diagnostic pop
		try_below(s, root, text);
	}
	try_below(s, root, base);
	snprintf(text, sizeof(text), "%s.debug", base);
	try_below(s, root, text);
}

static void take_item(struct search *s, const struct root *root, const struct catalog_item *item)
{
	const struct catalog_file *f = &root->catalog.file[item->file];
	unsigned int before = s->best.rank;

	take(s, root, f->path, &f->identity, item->flags);
	if (s->best.rank > before && item->member) {
		s->best.member = item->member;
		s->best.member_name = mem_strdup(item->name);
	}
}

static bool same_name(const char *path, const char *base)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	size_t n = strlen(base);

	return !strncmp(name, base, n) && (!name[n] || !strcmp(name + n, ".debug"));
}

/* A file of the wanted name in a root is what the user thought would do. */
static void note_near_file(struct search *s, const struct root *root, const struct catalog_file *f,
			   const char *base)
{
	const struct catalog_item *item = root->catalog.item + f->first;

	if (f->kind == CATALOG_BAD && same_name(f->path, base)) {
		AUTO_FREE char *where = root_join(root, f->path);

		note_reason(s, where, f->reason);
	}
	for (uint32_t i = 0; i < f->n_items && !s->near.text[0]; i++)
		if (same_name(item[i].member ? item[i].name : f->path, base)) {
			AUTO_FREE char *where = root_join(root, f->path);

			note_other(s, where, &item[i].build_id);
		}
}

static void note_near(struct search *s, const struct root *root, const char *base)
{
	const struct catalog *c = &root->catalog;

	for (size_t i = 0; i < c->n_files && !s->near.text[0]; i++)
		note_near_file(s, root, &c->file[i], base);
}

static void try_catalog(struct search *s, struct root *root, const struct object_key *key)
{
	const struct catalog *c;
	uint32_t i;

	if (is_done(s))
		return;
	c = root_catalog(root, s->in->index, s->in->members);
	for (i = catalog_find_id(c, s->id); i != CATALOG_NONE && !is_done(s);
	     i = c->item[i].next_id)
		if (build_id_equal(&c->item[i].build_id, s->id))
			take_item(s, root, &c->item[i]);
	if (!s->best.rank && key && key->path && key->path[0] == '/')
		note_near(s, root, strrchr(key->path, '/') + 1);
}

/*
 * What a server sent is looked at like any other file. One that is not the wanted one is said here
 * at once: it is no file of the user's, so it does not count as near.
 */
static void take_served(struct search *s, const char *path)
{
	struct err before = s->near;

	s->near = (struct err){ 0 };
	try_path(s, path);
	if (s->near.text[0])
		log_warning("debuginfod: not used: %s", s->near.text);
	s->near = before;
}

static void try_servers(struct search *s)
{
	struct err err = { 0 };
	char *path;

	if (!s->in->fetch || is_done(s) || s->id->n < 2)
		return;
	if (fetch_file(s->in->fetch, s->id, s->what == SEARCH_OBJECT, &path, &err) < 0) {
		log_debug("debug", "no server has it: reason='%s'", err.text);
		if (!s->near.text[0])
			s->near = err;
		return;
	}
	take_served(s, path);
	free(path);
}

static int finish(struct search *s, struct place *ret, struct err *err)
{
	char wanted[BUILD_ID_TEXT_BYTES];

	if (s->best.rank) {
		*ret = s->best;
		if (err && !is_done(s)) {
			*err = s->near;
			err->code = 0;
		}
		return 0;
	}
	if (s->near.text[0])
		return err_set(err, -ENOENT, "%s", s->near.text);
	build_id_text(s->id, wanted);
	return err_set(err, -ENOENT, "no file with build-id %s was found", wanted);
}

int search_run(const struct search_in *in, enum search_for what, const struct object_key *key,
	       struct place *ret, struct err *err)
{
	struct search s = { .in = in, .what = what, .id = &key->build_id };
	const char *path = key->path && key->path[0] == '/' ? key->path : NULL;

	if (path && strlen(path) >= PATH_MAX_BYTES)
		path = NULL;
	for (size_t i = 0; i < in->n_roots; i++)
		try_trees(&s, &in->root[i]);
	if (!in->no_system && path)
		try_recorded(&s, path);
	if (!in->no_system)
		try_system_tree(&s);
	if (!in->no_system && path && what == SEARCH_NAMES)
		try_names(&s, path);
	for (size_t i = 0; path && i < in->n_roots; i++)
		try_names_below(&s, &in->root[i], path);
	for (size_t i = 0; i < in->n_roots; i++)
		try_catalog(&s, &in->root[i], key);
	if (what == SEARCH_ALT && in->alt_root)
		try_catalog(&s, in->alt_root, NULL);
	try_servers(&s);
	return finish(&s, ret, err);
}
