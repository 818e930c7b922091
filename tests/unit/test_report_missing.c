/* report/missing.c: which modules lack what, over a profile made by hand. */
#include "report/missing.h"

#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "tests/unit/check.h"
#include "tests/unit/profile_made.h"

/* 8 samples in libc, 1 in app; the app is in all stacks. */
static struct profile *make(void)
{
	struct profile *p = made_new();

	for (int i = 0; i < 8; i++)
		made_add(p, 100, "app", "Aa", 1);
	made_add(p, 100, "app", "AB", 1);
	made_names(p);
	return p;
}

static void what_a_module_lacks(void)
{
	enum { BOTH = MISSING_NAMES | MISSING_LINES };
	static const struct {
		struct profile_module m;
		const char *path;
		unsigned int what;
		enum missing_names names;
	} cases[] = {
		{ { .tables = SYMBOL_TABLES_NONE }, "/usr/bin/a", BOTH, NAMES_NONE },
		{ { .tables = SYMBOL_TABLES_EXPORTED }, "/usr/bin/a", BOTH, NAMES_EXPORTED },
		{ { .tables = SYMBOL_TABLES_FULL }, "/usr/bin/a", MISSING_LINES, NAMES_ALL },
		{ { .full_debug = true }, "/usr/bin/a", 0, NAMES_ALL },
		{ { .has_lines = true, .from_cache = true }, "/usr/bin/a", 0, NAMES_ALL },
		{ { .has_lines = true }, "/usr/bin/a", BOTH, NAMES_NONE },
		{ { .full_debug = true, .n_gaps = 2 }, "/usr/bin/a", MISSING_PARTS, NAMES_ALL },
		{ { .n_gaps = 1 }, "/usr/bin/a", BOTH, NAMES_NONE },
		{ { .unwind_state = UNWIND_OBJECT_NO_IMAGE },
		  "/usr/bin/a",
		  BOTH | MISSING_FILE,
		  NAMES_NONE },
		{ { .kind = MODULE_KERNEL }, "[kernel]", 0, NAMES_NONE },
		{ { .kind = MODULE_JIT }, "[jit]", 0, NAMES_ALL },
		{ { .kind = MODULE_ANONYMOUS }, "[anon]", 0, NAMES_NONE },
		{ { .kind = MODULE_FILE }, "[vdso]", 0, NAMES_NONE },
		{ { .kind = MODULE_FILE }, "/memfd:x (deleted)", 0, NAMES_NONE },
		{ { .kind = MODULE_FILE }, "/dev/shm/x", 0, NAMES_NONE },
		{ { .kind = MODULE_FILE }, "", 0, NAMES_NONE },
		{ { .build_id = { .n = 20 } }, "/memfd:x", BOTH, NAMES_NONE },
		{ { .build_id = { .n = 20 } }, "[vdso]", 0, NAMES_NONE },
	};
	struct profile *p = profile_new();

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct profile_module m = cases[i].m;

		m.path = intern_put(&p->names, cases[i].path);
		CHECK_UINT(missing_of(p, &m), cases[i].what);
		CHECK_INT(missing_names_of(&m), cases[i].names);
	}
	profile_free(p);
}

static void heaviest_first(void)
{
	struct profile *p = make();
	struct missing m;

	missing_find(p, &m);
	REQUIRE_INT(m.n, 2);
	CHECK_UINT(m.n_samples, 9);
	CHECK_UINT(m.self, 9);
	CHECK_STR(profile_text(p, p->module[m.row[0].module].name), "libc.so.6");
	CHECK_UINT(m.row[0].self, 8);
	CHECK_UINT(m.row[0].total, 8);
	CHECK_UINT(m.row[1].self, 1);
	CHECK_UINT(m.row[1].total, 9);
	missing_done(&m);
	p->module[1].full_debug = true;
	missing_find(p, &m);
	REQUIRE_INT(m.n, 1);
	CHECK_STR(profile_text(p, p->module[m.row[0].module].name), "app");
	CHECK_UINT(m.self, 1);
	missing_done(&m);
	profile_free(p);
}

static void line_is(struct profile *p, const char *recording, const char *want)
{
	struct buf text;

	buf_init(&text);
	missing_put_line(p, recording, &text);
	CHECK_STR(buf_text(&text), want);
	buf_done(&text);
}

static void line_at_the_end(void)
{
	struct profile *p = make();

	line_is(p, "x\ny",
		"100.0 % of samples are in 2 files without names or lines: "
		"ddprof-report missing x\\x0ay");
	p->module[1].full_debug = true;
	line_is(p, "-",
		"11.1 % of samples are in 1 file without names or lines: "
		"ddprof-report missing FILE");
	for (size_t i = 0; i < p->n_entries; i++)
		p->entry[i].count *= p->place[p->node[p->entry[i].node].place].module ? 100 : 1;
	line_is(p, "x", "");
	p->module[0].full_debug = true;
	line_is(p, "x", "");
	profile_free(p);
}

static void deleted_files(void)
{
	static const char *const paths[][2] = {
		{ "/a (deleted)", "/a" },
		{ "/a", "/a" },
		{ " (deleted)", " (deleted)" },
		{ "/a (deleted) b", "/a (deleted) b" },
	};
	struct profile *p = profile_new();

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		struct profile_module m = { .path = intern_put(&p->names, paths[i][0]) };
		struct buf text;

		buf_init(&text);
		missing_put_path(p, &m, &text);
		CHECK_STR(buf_text(&text), paths[i][1]);
		buf_done(&text);
	}
	profile_free(p);
}

SUITE(report_missing,
      { "what a module lacks follows from what was read of it", what_a_module_lacks },
      { "rows are heaviest first, with samples in the file and through it", heaviest_first },
      { "the line at the end counts samples in the files alone", line_at_the_end },
      { "a deleted file is known by its path", deleted_files },
)
