/*
 * First what is kept of an earlier run: where every folder and file is what it was, by stat alone,
 * nothing is opened. Otherwise a child walks (walk.h), and packages that are new are looked into
 * (members.h).
 */
#include "report/debug/root.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/auto.h"
#include "common/base/bits.h"
#include "common/base/buf.h"
#include "common/base/log.h"
#include "report/debug/finding.h"
#include "report/debug/index.h"
#include "report/debug/members.h"
#include "report/debug/walk.h"

enum { PACKAGES_AT_ONCE = 64 }; /* open files */

const char *const root_trees[ROOT_TREES] = { ".build-id/", "usr/lib/debug/.build-id/", "" };

/* ---- a root's life ---- */

static void set_file(struct root *r, const char *path)
{
	const char *slash = strrchr(path, '/');

	r->only = mem_strdup(slash + 1);
	r->path = mem_strdup(path);
	r->path[slash == path ? 1 : slash - path] = 0;
}

static void find_trees(struct root *r)
{
	struct stat st;

	for (unsigned int i = 0; i < ROOT_TREES && r->folder >= 0 && !r->only; i++)
		r->tree[i] = !root_trees[i][0] || fstatat(r->folder, root_trees[i], &st, 0) == 0;
}

void root_init(struct root *r, const char *path)
{
	AUTO_FREE char *real = realpath(path, NULL);
	struct err err = { 0 };
	struct stat st;

	*r = (struct root){ .folder = -1 };
	catalog_init(&r->catalog);
	if (real && stat(real, &st) == 0 && S_ISREG(st.st_mode))
		set_file(r, real);
	else
		r->path = mem_strdup(real ? real : path);
	r->folder = real ? reach_folder(r->path, &err) :
			   err_set(&err, -errno, "'%s': %s", path, strerror(errno));
	if (r->folder < 0) {
		r->folder = -1;
		log_warning("no debug files from %s", err.text);
	}
	find_trees(r);
}

void root_done(struct root *r)
{
	if (!r->path)
		return;
	if (r->folder >= 0)
		close(r->folder);
	catalog_done(&r->catalog);
	free(r->path);
	free(r->only);
}

char *root_join(const struct root *r, const char *below)
{
	char *path;

	if (asprintf(&path, "%s%s%s", r->path, r->path[strlen(r->path) - 1] == '/' ? "" : "/",
		     below) < 0)
		return mem_zalloc(1);
	return path;
}

/* What the user called it. */
static char *root_name(const struct root *r)
{
	return r->only ? root_join(r, r->only) : mem_strdup(r->path);
}

/* ---- what an earlier run knew ---- */

static bool is_same(int folder, const char *path, const struct identity *then, mode_t type)
{
	struct identity now;
	struct stat st;

	if (fstatat(folder, *path ? path : ".", &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0)
		return false;
	now = identity_of(&st);
	return (st.st_mode & S_IFMT) == type && identity_equal(&now, then);
}

/* Folders say which names there are, files whether they still are what they were. */
static bool is_unchanged(const struct root *r, const struct catalog *c)
{
	if (r->only ? !c->n_files : !c->n_folders) /* nothing is known */
		return false;
	for (size_t i = 0; i < c->n_folders; i++)
		if (!is_same(r->folder, c->folder[i].path, &c->folder[i].identity, S_IFDIR))
			return false;
	for (size_t i = 0; i < c->n_files; i++)
		if (!is_same(r->folder, c->file[i].path, &c->file[i].identity, S_IFREG))
			return false;
	return true;
}

/*
 * The file system stamps with this clock: what was changed before `start` and is changed again
 * afterwards has another time then. What is younger might not.
 */
static uint64_t stamp_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static bool is_settled(const struct catalog *c, uint64_t start_ns)
{
	for (size_t i = 0; i < c->n_folders; i++)
		if (c->folder[i].identity.ctime_ns >= start_ns)
			return false;
	for (size_t i = 0; i < c->n_files; i++)
		if (c->file[i].identity.ctime_ns >= start_ns)
			return false;
	return true;
}

/* ---- packages ---- */

static bool is_new_package(const struct catalog_file *f, const struct catalog *known)
{
	uint32_t then = catalog_find_path(known, f->path);

	return f->kind == CATALOG_PACKAGE &&
	       (then == CATALOG_NONE || !identity_equal(&known->file[then].identity, &f->identity));
}

struct looks {
	struct package_look look[PACKAGES_AT_ONCE];
	struct buf found[PACKAGES_AT_ONCE];
	uint32_t file[PACKAGES_AT_ONCE];
	size_t n;
	bool undone; /* at least one was not looked at */
};

static void looks_add(struct looks *l, const struct root *r, uint32_t file)
{
	const struct catalog_file *f = &r->catalog.file[file];
	struct identity now;
	int fd = reach_plain(r->folder, f->path, &now, NULL);

	if (fd < 0 || !identity_equal(&now, &f->identity)) {
		if (fd >= 0)
			close(fd);
		l->undone = true;
		return;
	}
	buf_init(&l->found[l->n]);
	l->file[l->n] = file;
	l->look[l->n] = (struct package_look){
		.fd = fd,
		.identity = now,
		.name = f->path,
		.found = &l->found[l->n],
	};
	l->n++;
}

static void looks_take(struct looks *l, struct root *r, size_t i)
{
	struct package_look *look = &l->look[i];
	struct findings f = { .into = &r->catalog, .file = l->file[i], .items_only = true };
	struct err err = { 0 };

	if (findings_take(&f, look->found->n ? look->found->data : "", look->found->n, &err) < 0 &&
	    !look->reason[0])
		snprintf(look->reason, sizeof(look->reason), "%.200s", err.text);
	if (f.notes.n && !look->reason[0])
		snprintf(look->reason, sizeof(look->reason), "%s", f.notes.text[0]);
	if (look->reason[0])
		r->catalog.file[l->file[i]].reason =
			arena_strdup(&r->catalog.strings, look->reason);
	l->undone |= look->undone;
	buf_done(look->found);
	close(look->fd);
}

static void looks_run(struct looks *l, struct root *r, struct members *m)
{
	if (l->n)
		members_look(m, l->look, l->n);
	for (size_t i = 0; i < l->n; i++)
		looks_take(l, r, i);
	l->n = 0;
}

/* False: some could not be looked at, now. */
static bool look_into_packages(struct root *r, const struct catalog *known, struct members *m)
{
	struct looks *l = mem_zalloc(sizeof(*l));
	bool undone;

	for (uint32_t i = 0; i < r->catalog.n_files; i++) {
		if (is_new_package(&r->catalog.file[i], known))
			looks_add(l, r, i);
		if (l->n == PACKAGES_AT_ONCE)
			looks_run(l, r, m);
	}
	looks_run(l, r, m);
	undone = l->undone;
	free(l);
	return !undone;
}

/* ---- looking ---- */

static void tell(const struct root *r, const struct finding_notes *notes, const struct err *err)
{
	AUTO_FREE char *name = root_name(r);

	for (unsigned int i = 0; i < notes->n; i++)
		log_warning("debug files in '%s': %s", name, notes->text[i]);
	if (err->code < 0)
		log_warning("debug files in '%s': not all were looked at: %s", name, err->text);
	for (size_t i = 0; i < r->catalog.n_files; i++) {
		const struct catalog_file *f = &r->catalog.file[i];

		if (f->kind == CATALOG_PACKAGE && f->reason[0])
			log_warning("package '%s/%s': %s", r->path, f->path, f->reason);
		else if (f->reason[0])
			log_debug("debug", "not used: path='%s/%s' reason='%s'", r->path, f->path,
				  f->reason);
	}
}

/* `known`: sealed, of an earlier run or empty. */
static void look(struct root *r, const struct catalog *known, struct index *index,
		 struct members *m)
{
	AUTO_FREE char *name = root_name(r);
	struct walk w = {
		.path = r->path,
		.folder = r->folder,
		.only = r->only,
		.known = known,
	};
	struct finding_notes notes = { .n = 0 };
	uint64_t start_ns = stamp_now_ns();
	struct err err = { 0 };
	bool whole = walk_run(&w, &r->catalog, &notes, &err) == 0;

	whole &= look_into_packages(r, known, m);
	catalog_seal(&r->catalog);
	tell(r, &notes, &err);
	if (whole && r->catalog.sum != known->sum && is_settled(&r->catalog, start_ns))
		index_store(index, name, &r->catalog, &notes);
	log_debug("debug", "looked: root='%s' folders=%zu files=%zu items=%zu", name,
		  r->catalog.n_folders, r->catalog.n_files, r->catalog.n_items);
}

const struct catalog *root_catalog(struct root *r, struct index *index, struct members *m)
{
	AUTO_FREE char *name = NULL;
	struct finding_notes notes = { .n = 0 };
	struct err none = { 0 };
	struct catalog known;

	if (r->looked)
		return &r->catalog;
	r->looked = true;
	if (r->folder < 0) {
		catalog_seal(&r->catalog);
		return &r->catalog;
	}
	name = root_name(r);
	catalog_init(&known);
	if (!index_load(index, name, &known, &notes))
		catalog_seal(&known);
	if (is_unchanged(r, &known)) {
		catalog_done(&r->catalog);
		r->catalog = known;
		tell(r, &notes, &none);
		return &r->catalog;
	}
	look(r, &known, index, m);
	catalog_done(&known);
	return &r->catalog;
}
