#include "report/missing.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "report/export/export.h"
#include "report/profile/profile.h"

enum { LINE_LEAST_PERCENT = 1 };

static const char deleted[] = " (deleted)";

/* Of an earlier report's file that is gone, answers for some addresses alone are not all. */
static bool knows_lines(const struct profile_module *m)
{
	return m->full_debug || (m->has_lines && m->from_cache);
}

enum missing_names missing_names_of(const struct profile_module *m)
{
	if (m->kind == MODULE_JIT || m->kind == MODULE_LABEL || knows_lines(m))
		return NAMES_ALL;
	if (m->kind == MODULE_KERNEL)
		return m->has_names ? NAMES_ALL : NAMES_NONE;
	switch (m->tables) {
	case SYMBOL_TABLES_FULL:
		return NAMES_ALL;
	case SYMBOL_TABLES_EXPORTED:
		return NAMES_EXPORTED;
	default:
		return NAMES_NONE;
	}
}

const char *missing_names_text(enum missing_names names)
{
	static const char *const text[] = { "none", "exported", "all" };

	return text[names];
}

/* Mapped memory that has a path and is nobody's program: shared memory, devices. */
static bool is_file(const struct profile *p, const struct profile_module *m)
{
	static const char *const others[] = { "/dev/", "/memfd:", "/SYSV", "/anon_hugepage",
					      "/[aio]" };
	const char *path = profile_text(p, m->path);

	if (m->kind != MODULE_FILE)
		return false;
	if (m->build_id.n && path[0] != '[')
		return true;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (!strncmp(path, others[i], strlen(others[i])))
			return false;
	return path[0] == '/';
}

unsigned int missing_of(const struct profile *p, const struct profile_module *m)
{
	unsigned int what = 0;

	if (!is_file(p, m))
		return 0;
	if (missing_names_of(m) != NAMES_ALL)
		what |= MISSING_NAMES;
	if (!knows_lines(m))
		what |= MISSING_LINES;
	if (m->n_gaps && m->full_debug) /* a stripped file may still name its dwz file */
		what |= MISSING_PARTS;
	if (m->unwind_state == UNWIND_OBJECT_NO_IMAGE)
		what |= MISSING_FILE;
	return what;
}

void missing_put_path(const struct profile *p, const struct profile_module *m, struct buf *ret)
{
	const char *path = profile_text(p, m->path);
	size_t n = strlen(path), cut = sizeof(deleted) - 1;

	if (n > cut && !strcmp(path + n - cut, deleted))
		n -= cut;
	buf_put(ret, path, n);
}

/* ---- counting ---- */

static int by_share(const void *x, const void *y, void *ctx)
{
	const struct missing_row *a = x, *b = y;
	const struct profile *p = ctx;
	const struct profile_module *ma = &p->module[a->module], *mb = &p->module[b->module];
	int order;

	if (a->self != b->self)
		return a->self < b->self ? 1 : -1;
	if (a->total != b->total)
		return a->total < b->total ? 1 : -1;
	order = strcmp(profile_text(p, ma->path), profile_text(p, mb->path));
	if (!order)
		order = memcmp(ma->build_id.bytes, mb->build_id.bytes, sizeof(ma->build_id.bytes));
	return order ? order : (a->module > b->module) - (a->module < b->module);
}

/* Rows of modules, in the order of modules, with their samples. */
static struct missing_row *count(const struct profile *p, uint64_t *ret_samples)
{
	struct missing_row *row = mem_zalloc((p->n_modules + 1) * sizeof(*row));

	for (uint32_t s = 0; s < SOURCE_MAX; s++) {
		struct view_flat v;

		if (!p->source[s].count)
			continue;
		*ret_samples += p->source[s].count;
		view_flat(p, VIEW_MODULE, s, &v);
		for (size_t i = 0; i < v.n; i++) {
			row[v.row[i].at].self += v.row[i].self.count;
			row[v.row[i].at].total += v.row[i].total.count;
		}
		view_flat_done(&v);
	}
	return row;
}

void missing_find(const struct profile *p, struct missing *ret)
{
	*ret = (struct missing){ 0 };
	ret->row = count(p, &ret->n_samples);
	for (uint32_t m = 0; m < p->n_modules; m++) {
		struct missing_row row = ret->row[m];

		row.module = m;
		row.what = missing_of(p, &p->module[m]);
		if (!row.what || !row.total)
			continue;
		ret->self += row.self;
		ret->row[ret->n++] = row;
	}
	qsort_r(ret->row, ret->n, sizeof(*ret->row), by_share, (void *)p);
}

void missing_done(struct missing *m)
{
	free(m->row);
	*m = (struct missing){ 0 };
}

/* Samples in each module; cheaper than rows: one look at each leaf. */
static uint64_t *count_self(const struct profile *p, uint64_t *ret_samples)
{
	uint64_t *self = mem_zalloc((p->n_modules + 1) * sizeof(*self));

	for (size_t i = 0; i < p->n_entries; i++) {
		const struct profile_entry *e = &p->entry[i];
		uint32_t module = e->node ? p->place[p->node[e->node].place].module : PROFILE_NONE;

		*ret_samples += e->count;
		if (module < p->n_modules)
			self[module] += e->count;
	}
	return self;
}

void missing_put_line(const struct profile *p, const char *recording, struct buf *ret)
{
	uint64_t n_samples = 0, n_missing = 0;
	uint64_t *self = count_self(p, &n_samples);
	unsigned int n_files = 0;

	for (size_t m = 0; m < p->n_modules; m++) {
		if (!self[m] || !missing_of(p, &p->module[m]))
			continue;
		n_missing += self[m];
		n_files++;
	}
	free(self);
	if (!n_missing || n_missing < n_samples / 100 * LINE_LEAST_PERCENT)
		return;
	export_put_percent(ret, n_missing, n_samples);
	buf_printf(ret, " of samples are in %u file%s without names or lines: ", n_files,
		   n_files == 1 ? "" : "s");
	buf_puts(ret, "ddprof-report missing ");
	escape_text(ret, strcmp(recording, "-") != 0 ? recording : "FILE");
}
