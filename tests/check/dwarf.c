/*
 * The DWARF engine against libdwarf:	dwarf [-n | -r] FILE [FURTHER...]
 * -r: libdwarf alone reads all entries and rows, which is less than it would cost to answer.
 * FURTHER: the .dwo files or the .dwp of FILE, or dwz's file. Both are asked about each end of each
 * range of a function or inlined body and about each row of each line table (at most ADDRESSES of
 * them, evenly spread): names, files, lines and columns of the whole chain must be equal, paths
 * after "//" and "/./" are taken out. Prints differences (the first SHOWN, all with -n) and
 * numbers; exit status 1: something differs, 77: libdwarf refuses the file or lists in it.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/err.h"
#include "report/dwarf/dwarf.h"
#include "report/dwarf/sections.h"
#include "report/symbol/answer.h"
#include "tests/check/peer.h"

enum { ADDRESSES = 20000, SHOWN = 20, PATH_BYTES = 4096 };

struct check {
	const char *path;
	char **further;
	int n_further;
	struct peer peer;
	uint64_t *addr;
	uint32_t n;
	struct answers answers;
	unsigned int shown_max, n_shown;
	uint64_t n_functions, n_frames, n_rows, n_differ;
	uint64_t n_at_start; /* peer_row.file_at_start */
};

/* ---- our side ---- */

static int open_named(const struct check *c, const char *name)
{
	char copy[PATH_BYTES], theirs[PATH_BYTES];

	snprintf(copy, sizeof(copy), "%s", name);
	for (int i = 0; i < c->n_further; i++) {
		snprintf(theirs, sizeof(theirs), "%s", c->further[i]);
		if (strcmp(basename(theirs), basename(copy)) == 0)
			return open(c->further[i], O_RDONLY | O_CLOEXEC);
	}
	return -ENOENT;
}

static int supply(void *ctx, const struct dwarf_want *want)
{
	const struct check *c = ctx;
	char name[PATH_BYTES];

	if (want->kind == DWARF_WANT_ALT)
		return c->n_further ? open(c->further[0], O_RDONLY | O_CLOEXEC) : -ENOENT;
	if (want->kind == DWARF_WANT_DWO)
		return open_named(c, want->name);
	snprintf(name, sizeof(name), "%s.dwp", c->path);
	return want->kind == DWARF_WANT_DWP ? open_named(c, name) : -ENOENT;
}

static bool ours_read(struct check *c)
{
	struct dwarf_input in = { .name = c->path, .supply = supply, .supply_ctx = c };
	struct answers_builder *out = answers_builder_new();
	struct err err = { 0 };
	struct dwarf *d;
	struct buf bytes;

	in.fd = open(c->path, O_RDONLY | O_CLOEXEC);
	in.no_symtab = true;
	if (in.fd < 0 || dwarf_open(&in, &d, &err) < 0)
		return false;
	dwarf_answer(d, c->addr, c->n, out, &err);
	if (dwarf_trouble(d)[0])
		fprintf(stderr, "dwarf: %s: %s\n", c->path, dwarf_trouble(d));
	dwarf_close(d);
	buf_init(&bytes);
	answers_finish(out, &bytes);
	answers_builder_free(out);
	return answers_open(bytes.data, bytes.n, &c->answers, &err) == 0;
}

/* ---- what is asked ---- */

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void addresses_choose(struct check *c)
{
	const struct peer *p = &c->peer;
	uint64_t *all = malloc((2 * p->n_ranges + p->n_rows + 1) * sizeof(*all));
	size_t n = 0, kept = 0, step;

	c->addr = malloc((ADDRESSES + 1) * sizeof(*c->addr));
	if (!all || !c->addr)
		exit(99);
	for (size_t i = 0; i < p->n_ranges; i++) {
		all[n++] = p->range[i].begin;
		all[n++] = p->range[i].end - 1;
	}
	for (size_t i = 0; i < p->n_rows; i++)
		if (p->row[i].addr >= p->text_start && p->row[i].addr < p->text_end)
			all[n++] = p->row[i].addr;
	qsort(all, n, sizeof(*all), by_value);
	for (size_t i = 0; i < n; i++)
		if (!kept || all[i] != all[kept - 1])
			all[kept++] = all[i];
	step = kept / ADDRESSES + 1;
	for (size_t i = 0; i < kept; i += step)
		c->addr[c->n++] = all[i];
	free(all);
}

static bool text_find(struct check *c)
{
	struct sections *s;
	struct err err = { 0 };
	int fd = open(c->path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || sections_open(fd, false, &s, &err) < 0)
		return false;
	sections_text(s, &c->peer.text_start, &c->peer.text_end);
	sections_close(s);
	return true;
}

/* ---- comparing ---- */

static void path_clean(const char *path, char *ret)
{
	size_t n = 0;

	for (; path && *path && n + 1 < PATH_BYTES; path++) {
		if (path[0] == '/' && path[1] == '/')
			continue;
		if (path[0] == '/' && path[1] == '.' && path[2] == '/') {
			path++;
			continue;
		}
		ret[n++] = *path;
	}
	ret[n] = 0;
}

static bool is_same_path(const char *a, const char *b)
{
	char x[PATH_BYTES], y[PATH_BYTES];

	path_clean(a, x);
	path_clean(b, y);
	return strcmp(x, y) == 0;
}

__attribute__((format(printf, 3, 4))) static void differ(struct check *c, uint64_t addr,
							 const char *fmt, ...)
{
	va_list args;

	c->n_differ++;
	if (c->n_shown++ >= c->shown_max)
		return;
	printf("0x%" PRIx64 ": ", addr);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
}

static bool is_place(struct check *c, uint64_t addr, const struct answer_frame *f,
		     const struct peer_row *row)
{
	const char *ours = answers_text(&c->answers, f->file), *file = row->file;
	uint64_t line = row->line, column = row->column;

	if (f->line == line && f->column == column) {
		if (is_same_path(ours, file))
			return true;
		if (row->file_at_start && is_same_path(ours, row->file_at_start)) {
			c->n_at_start++;
			return true;
		}
	}
	differ(c, addr, "'%s:%u:%u', libdwarf '%s:%" PRIu64 ":%" PRIu64 "'", ours, f->line,
	       f->column, file ? file : "", line, column);
	return false;
}

static bool is_name(struct check *c, uint64_t addr, const struct answer_frame *f, const char *name)
{
	const char *ours = answers_text(&c->answers, f->name);

	if (strcmp(ours, name ? name : "") == 0)
		return true;
	differ(c, addr, "'%s', libdwarf '%s'", ours, name ? name : "");
	return false;
}

/* Callers of the innermost frame: names, and where they call. */
static void compare_chain(struct check *c, uint64_t addr, const struct answer_frame *f,
			  uint32_t scope)
{
	const struct peer *p = &c->peer;

	while (is_name(c, addr, f, p->scope[scope].name)) {
		const struct peer_scope *s = &p->scope[scope];
		struct peer_row call;

		if ((f->caller == ANSWER_NONE) != (s->parent == PEER_NONE)) {
			differ(c, addr, "one chain is longer from '%s' on", s->name ? s->name : "");
			return;
		}
		if (f->caller == ANSWER_NONE)
			return;
		f = &c->answers.frame[f->caller];
		call = (struct peer_row){ .file = s->call_file,
					  .line = s->call_line,
					  .column = s->call_column };
		if (!is_place(c, addr, f, &call))
			return;
		c->n_frames++;
		scope = s->parent;
	}
}

static void compare_one(struct check *c, uint64_t addr, uint32_t first)
{
	uint32_t scope = peer_find(&c->peer, addr);
	static const struct peer_row none;
	const struct answer_frame *f;
	const struct peer_row *row;

	if (scope == PEER_NONE)
		return; /* a line outside of functions: units are guessed differently */
	if (first == ANSWER_NONE) {
		differ(c, addr, "nothing, libdwarf '%s'", c->peer.scope[scope].name);
		return;
	}
	c->n_functions++;
	f = &c->answers.frame[first];
	compare_chain(c, addr, f, scope);
	row = peer_row_find(&c->peer, c->peer.scope[scope].unit, addr);
	c->n_rows += row != NULL;
	is_place(c, addr, f, row ? row : &none);
}

static int compare(struct check *c)
{
	for (uint32_t i = 0; i < c->n; i++) {
		uint32_t at;

		compare_one(c, c->addr[i],
			    answers_find(&c->answers, c->addr[i], &at) ? c->answers.first[at] :
									 ANSWER_NONE);
	}
	printf("%s: %" PRIu32 " units, %zu functions and inlined bodies, %zu rows; %" PRIu32
	       " addresses: %" PRIu64 " in functions, %" PRIu64 " inlined frames, %" PRIu64
	       " lines; %" PRIu64 " differ, %" PRIu64 " by libdwarf's first file\n",
	       c->path, c->peer.n_units, c->peer.n_scopes, c->peer.n_rows, c->n, c->n_functions,
	       c->n_frames, c->n_rows, c->n_differ, c->n_at_start);
	return c->n_differ > 0;
}

int main(int argc, char **argv)
{
	struct check c = { .shown_max = SHOWN };

	bool only_reads = argc > 1 && strcmp(argv[1], "-r") == 0;

	if (only_reads || (argc > 1 && strcmp(argv[1], "-n") == 0)) {
		c.shown_max = UINT32_MAX;
		argv++;
		argc--;
	}
	if (argc < 2)
		return 2;
	c.path = argv[1];
	c.further = argv + 2;
	c.n_further = argc - 2;
	if (!text_find(&c)) {
		fprintf(stderr, "dwarf: cannot use %s\n", c.path);
		return 99;
	}
	if (!peer_read(&c.peer, c.path, c.further, c.n_further))
		return 77;
	if (only_reads) {
		printf("%zu functions and inlined bodies, %zu rows\n", c.peer.n_scopes,
		       c.peer.n_rows);
		return 0;
	}
	if (c.peer.n_refused) {
		printf("%s: libdwarf cannot read %" PRIu32 " lists\n", c.path, c.peer.n_refused);
		return 77;
	}
	addresses_choose(&c);
	if (!ours_read(&c)) {
		fprintf(stderr, "dwarf: cannot use %s\n", c.path);
		return 99;
	}
	return compare(&c);
}
