/* What comes out of a small profile, compared with tests/golden/export. */
#include "tests/unit/check.h"

#include <stdio.h>
#include <stdlib.h>

#include <zlib.h>

#include "common/base/err.h"
#include "report/export/export.h"
#include "tests/unit/profile_made.h"

static struct profile *sample_profile(void)
{
	struct profile *p = made_new();

	for (unsigned int i = 0; i < 6; i++)
		made_add(p, 100, "app", "ABC", 10000000);
	made_add(p, 100, "app", "ABa", 10000000);
	made_add(p, 101, "work;er", "ADa", 20000000);
	made_add(p, 101, "work;er", "AD?", 30000000);
	made_add_shared(p, 101, "work;er", "DC", 10000000, UNWIND_NO_CFI, 0);
	made_add_shared(p, 101, "work;er", "", 10000000, UNWIND_STACK_NONE, 0);
	p->origin.counters.n[COUNTER_SAMPLES_LOST_KERNEL] = 3;
	p->origin.n_unreadable = 1;
	made_names(p);
	return p;
}

typedef void writer(const struct profile *p, FILE *out); /* an export under test */

static char *written(writer *f)
{
	struct profile *p = sample_profile();
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	f(p, out);
	fclose(out);
	profile_free(p);
	return text;
}

/* GOLDEN=write stores what comes out; the difference is reviewed like code. */
static void check_golden(writer *f, const char *name)
{
	char path[256], want[16384] = "", *got = written(f);
	FILE *file;

	snprintf(path, sizeof(path), "tests/golden/export/%s", name);
	if (getenv("GOLDEN") && (file = fopen(check_source_path(path), "w"))) {
		fputs(got, file);
		fclose(file);
	}
	file = fopen(check_source_path(path), "r");
	REQUIRE_TRUE(file != NULL, "%s", path);
	want[fread(want, 1, sizeof(want) - 1, file)] = 0;
	fclose(file);
	CHECK_STR(got, want);
	free(got);
}

static const struct export_style plain = { .limit = 3 };

static void write_flat(const struct profile *p, FILE *out)
{
	export_flat(p, VIEW_FUNCTION, &plain, out);
	export_flat(p, VIEW_MODULE, &plain, out);
	export_flat(p, VIEW_THREAD, &plain, out);
	export_flat(p, VIEW_PROCESS, &plain, out);
	export_flat(p, VIEW_ADDRESS, &plain, out);
	export_losses(p, out);
}

static void write_tree(const struct profile *p, FILE *out)
{
	static const struct export_style style = { .min_percent = 15 };

	export_tree(p, false, &plain, out);
	export_tree(p, true, &style, out);
}

static void write_folded(const struct profile *p, FILE *out)
{
	export_folded(p, false, out);
}

static void write_json(const struct profile *p, FILE *out)
{
	export_json(p, VIEW_FUNCTION, out);
	export_json(p, VIEW_THREAD, out);
}

static void flat(void)
{
	check_golden(write_flat, "flat.txt");
}

static void tree(void)
{
	check_golden(write_tree, "tree.txt");
}

static void folded(void)
{
	check_golden(write_folded, "folded.txt");
}

static void json(void)
{
	check_golden(write_json, "rows.json");
}

/* B at b.c:12, into which X (b.h:5) and in it Y (b.h:6) were inlined; other files of one name. */
static void locate(struct profile *p)
{
	made_source(p, 'A', "/src/one/main.c", 3);
	made_source(p, 'B', "/src/b.c", 12);
	made_source(p, 'C', "/src/c\n;.c", 40); /* a name may hold anything */
	made_source(p, 'D', "/src/two/main.c", 0); /* the file alone */
	made_inline(p, 'B', "XY", "/src/b.h", 5);
	profile_expand(p);
}

static void write_lines(const struct profile *p, FILE *out)
{
	static const struct export_style style = { .lines = true };

	locate((struct profile *)p);
	export_flat(p, VIEW_FUNCTION, &style, out);
	export_flat(p, VIEW_LINE, &style, out);
	export_flat(p, VIEW_ADDRESS, &style, out);
	export_tree(p, false, &style, out);
	export_tree(p, true, &style, out);
	export_folded(p, true, out);
}

static void write_json_lines(const struct profile *p, FILE *out)
{
	locate((struct profile *)p);
	export_json(p, VIEW_FUNCTION_LINE, out);
	export_json(p, VIEW_LINE, out);
	export_json(p, VIEW_ADDRESS, out);
}

static void lines(void)
{
	check_golden(write_lines, "lines.txt");
}

static void json_lines(void)
{
	check_golden(write_json_lines, "lines.json");
}

static void write_advised(const struct profile *p, FILE *out)
{
	struct profile *advised = (struct profile *)p;

	advised->advice[0] = intern_put(&advised->names, "switch on \"perf\" maps");
	advised->advice[1] = intern_put(&advised->names, "second");
	advised->n_advice = 2;
	export_json(p, VIEW_MODULE, out);
}

static void advice(void)
{
	char *text = written(write_advised);

	CHECK_HAS(text, "\"advice\":[\"switch on \\\"perf\\\" maps\",\"second\"],\n");
	free(text);
}

/* Every count of the folded lines adds up to the samples. */
static void folded_total(void)
{
	char *text = written(write_folded), *line = text, *end;
	unsigned long sum = 0;

	for (; (end = strchr(line, '\n')); line = end + 1) {
		*end = 0;
		sum += strtoul(strrchr(line, ' ') + 1, NULL, 10);
	}
	CHECK_UINT(sum, 11);
	free(text);
}

static void same_bytes(void)
{
	struct profile *p = sample_profile(), *q = sample_profile();
	struct err err = { 0 };
	struct buf a, b;

	buf_init(&a);
	buf_init(&b);
	CHECK_INT(export_pprof(p, false, &a, &err), 0);
	CHECK_INT(export_pprof(q, false, &b, &err), 0);
	REQUIRE_INT(a.n, b.n);
	CHECK_MEM(a.data, b.data, a.n);
	CHECK_MEM(a.data, "\x1f\x8b\x08\x00\x00\x00\x00\x00", 8); /* gzip, no name, time 0 */
	buf_done(&a);
	buf_done(&b);
	profile_free(p);
	profile_free(q);
}

static void empty(void)
{
	static const struct export_style style = { 0 };
	struct profile *p = made_new();
	struct err err = { 0 };
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);
	struct buf b;

	buf_init(&b);
	made_names(p);
	export_flat(p, VIEW_FUNCTION, &style, out);
	export_tree(p, false, &style, out);
	export_folded(p, false, out);
	export_losses(p, out);
	fclose(out);
	CHECK_STR(text, "lost 0 of 0 samples\n");
	CHECK_INT(export_pprof(p, false, &b, &err), 0);
	free(text);
	buf_done(&b);
	profile_free(p);
}

SUITE(export_export, { "files, lines and inlined frames stand beside names", lines },
      { "JSON rows have files, lines and inlined frames", json_lines },
      { "tables show self and total, and say what they leave out", flat },
      { "trees indent where calls fork", tree },
      { "folded stacks are sorted lines, root first", folded },
      { "JSON holds exact numbers", json },
      { "JSON holds what to do for more names", advice },
      { "folded counts add up to all samples", folded_total },
      { "equal profiles give equal pprof bytes", same_bytes },
      { "a profile without samples can be written", empty }, )
