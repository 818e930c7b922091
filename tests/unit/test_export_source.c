/* Files and lines on their way out: short paths, hostile source lines, annotated functions. */
#include "tests/unit/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "report/export/export.h"
#include "report/export/paths.h"
#include "report/export/source_line.h"
#include "tests/unit/profile_made.h"

/* Lines of a text, as whoever reads files has them. */
struct text {
	struct export_text of;
	uint32_t start[64];
};

static void text_init(struct text *t, const char *path, const char *bytes, size_t n)
{
	t->of = (struct export_text){ .path = path, .bytes = bytes, .start = t->start };
	for (size_t i = 0; i < n; i++)
		if (!i || bytes[i - 1] == '\n')
			t->start[t->of.n_lines++] = (uint32_t)i;
	t->start[t->of.n_lines] = (uint32_t)n;
}

static void short_paths(void)
{
	static const struct {
		char at;
		const char *file, *want;
	} files[] = {
		{ 'A', "/src/one/main.c", "one/main.c" },
		{ 'B', "/src/two/main.c", "two/main.c" },
		{ 'C', "/src/two/other.c", "other.c" },
		{ 'D', "/x/lib/deep/a.h", "/x/lib/deep/a.h" },
		{ 'E', "/y/lib/deep/a.h", "/y/lib/deep/a.h" },
		{ 'F', "a.h", "a.h" },
		{ 'G', "/", "/" },
		{ 'H', "/folder/", "/folder/" },
		{ 'I', "/1/2/3/4/5/6/7/8/9/a/same.c", "/1/2/3/4/5/6/7/8/9/a/same.c" },
		{ 'J', "/9/2/3/4/5/6/7/8/9/a/same.c", "/9/2/3/4/5/6/7/8/9/a/same.c" },
	};
	struct profile *p = made_new();
	struct paths paths;
	struct buf b;

	buf_init(&b);
	made_names(p);
	for (size_t i = 0; i < N_ELEMENTS(files); i++)
		made_source(p, files[i].at, files[i].file, 12);
	paths_init(&paths, p);
	for (size_t i = 0; i < N_ELEMENTS(files); i++)
		CHECK_STR(paths_short(&paths, p->place[(unsigned char)files[i].at].file),
			  files[i].want);
	paths_put_line(&b, &paths, &p->place['C']);
	paths_put_line(&b, &paths, &p->place['Z']); /* nothing known */
	CHECK_STR(buf_text(&b), "other.c:12");
	paths_done(&paths);
	buf_done(&b);
	profile_free(p);
}

static void hostile_lines(void)
{
	static const struct {
		const char *line;
		size_t n;
		uint32_t columns;
		const char *want, *json;
	} lines[] = {
#define LINE(text) text, sizeof(text) - 1
		{ LINE("\tint a;\n"), 80, "        int a;", "\\u0009int a;" },
		{ LINE("ab\tc\r\n"), 80, "ab      c", "ab\\u0009c" },
		{ LINE("12345678\tx"), 80, "12345678        x", "12345678\\u0009x" },
		{ LINE("\n"), 80, "", "" },
		{ LINE("a\0b\n"), 80, "a\\x00b", "a\\u0000b" },
		{ LINE("\0\n"), 80, "\\x00", "\\u0000" },
		{ LINE("\x1b[31mred\n"), 80, "\\x1b[31mred", "\\u001b[31mred" },
		{ LINE("\xff\xfe"), 80, "\\xff\\xfe", "\xef\xbf\xbd\xef\xbf\xbd" },
		{ LINE("abcdef"), 3, "abc", "abcdef" },
		{ LINE("a\tb"), 4, "a   ", "a\\u0009b" },
		{ LINE("\xc3\xa4\xc3\xb6\xc3\xbc"), 2, "\xc3\xa4\xc3\xb6",
		  "\xc3\xa4\xc3\xb6\xc3\xbc" },
		{ LINE("\"quoted\\\""), 80, "\"quoted\\\"", "\\\"quoted\\\\\\\"" },
#undef LINE
	};

	for (size_t i = 0; i < N_ELEMENTS(lines); i++) {
		struct text t = { 0 };
		struct buf b;

		buf_init(&b);
		text_init(&t, "x.c", lines[i].line, lines[i].n);
		source_line_put(&b, &t.of, 1, lines[i].columns);
		CHECK_STR(buf_text(&b), lines[i].want);
		buf_reset(&b);
		source_line_put_json(&b, &t.of, 1);
		CHECK_STR(buf_text(&b), lines[i].json);
		buf_done(&b);
	}
}

static void long_line(void)
{
	enum { LONG = 1 << 20 };
	char *bytes = mem_alloc(LONG);
	struct text t = { 0 };
	struct buf b;

	for (size_t i = 0; i < LONG; i++)
		bytes[i] = i % 2 ? '\xa4' : '\xc3';
	buf_init(&b);
	text_init(&t, "x.c", bytes, LONG);
	source_line_put(&b, &t.of, 1, UINT32_MAX);
	CHECK_TRUE(b.n && b.n <= 4096 && b.n % 2 == 0, "%zu", b.n);
	CHECK_TRUE(!strchr(buf_text(&b), '\\'));
	buf_done(&b);
	free(bytes);
}

static const struct export_text *get(void *ctx, const char *path, const char **ret_reason)
{
	static const char bytes[] = "one\ntwo\nthree\nfour\n\nsix\nseven\neight\nnine\nten\n";
	static struct text text;

	(void)ctx;
	*ret_reason = "nobody has it";
	if (strcmp(path, "/s/b.c") != 0)
		return NULL;
	memset(&text, 0, sizeof(text));
	text_init(&text, "src/b.c", bytes, sizeof(bytes) - 1);
	return &text.of;
}

static char *annotated(bool json, const struct export_style *style, const char *letters)
{
	static const struct export_texts texts = { .get = get };
	struct profile *p = made_new();
	bool *wanted;
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	made_add(p, 1, "t", "AB", 30);
	made_add(p, 1, "t", "AB", 30);
	made_add(p, 1, "t", "AC", 20);
	made_add(p, 1, "t", "ABD", 10);
	made_add(p, 1, "t", "ABE", 10);
	made_names(p);
	made_source(p, 'B', "/s/b.c", 2);
	for (const char *at = "CDE"; *at; at++) { /* more of B: at 9, behind the end, in a header */
		p->place[(unsigned char)*at].function = p->place['B'].function;
		made_source(p, *at, *at == 'E' ? "/s/\x1b.h" : "/s/b.c", *at == 'C' ? 9 : 77);
	}
	wanted = mem_zalloc(p->n_functions + 1);
	for (; *letters; letters++)
		wanted[p->place[(unsigned char)*letters].function] = true;
	if (json)
		export_annotation_json(p, wanted, &texts, out);
	else
		export_annotation(p, wanted, &texts, style, out);
	fclose(out);
	free(wanted);
	profile_free(p);
	return text;
}

static void check_text(const struct export_style *style, const char *letters, const char *want)
{
	char *got = annotated(false, style, letters);

	CHECK_STR(got, want);
	free(got);
}

static void page(void)
{
	static const struct export_style style = { .context = 1 };

	check_text(&style, "B",
		   "sCPU: 5 samples, 0.000 s\n"
		   "\n"
		   "B()  (app)\n"
		   "self 100.0 %, 0.000 s, 5 samples; total 100.0 %, 0.000 s, 5 samples\n"
		   "/s/\\x1b.h\n"
		   "no source: nobody has it\n"
		   "     self  samples    total  samples    line\n"
		   "  10.00 %        1  10.00 %        1      77\n"
		   "\n"
		   "/s/b.c\n"
		   "source: src/b.c\n"
		   "     self  samples    total  samples    line\n"
		   "                                           1  one\n"
		   "  60.00 %        2  80.00 %        4       2  two\n"
		   "                                           3  three\n"
		   "                                         ...\n"
		   "                                           8  eight\n"
		   "  20.00 %        1  20.00 %        1       9  nine\n"
		   "                                          10  ten\n"
		   "                                         ...\n"
		   "  10.00 %        1  10.00 %        1      77\n"
		   "line 77 is behind the end of this source, which has 10 lines: it is another "
		   "version\n"
		   "\n");
}

static void whole(void)
{
	static const struct export_style style = { .context = EXPORT_CONTEXT_ALL };
	char *got = annotated(false, &style, "B");

	CHECK_HAS(got, "line\n  60.00 %        2  80.00 %        4       2  two\n");
	CHECK_HAS(got, "   4  four\n                                           5\n");
	CHECK_TRUE(!strstr(got, "..."));
	free(got);
}

static void narrow(void)
{
	static const struct export_style style = { .columns = 33 };
	char *got = annotated(false, &style, "B");

	CHECK_HAS(got, "     self    total    line\n  60.00 %  80.00 %       2  two\n");
	free(got);
}

static void few(void)
{
	static const struct export_style style = { .limit = 1 };
	char *got = annotated(false, &style, "AB");

	CHECK_HAS(got, "B()  (app)\n"); /* as heavy as A in all, heavier in itself */
	CHECK_TRUE(!strstr(got, "A()  (app)\n"));
	CHECK_HAS(got, "... 1 more function: --limit=all\n");
	free(got);
	got = annotated(false, &style, "A");
	CHECK_HAS(got, "file not known");
	CHECK_HAS(got, " 100.00 %        5       ?\n");
	free(got);
}

static void json(void)
{
	char *got = annotated(true, NULL, "B");

	CHECK_HAS(got, "{\"file\":\"/s/b.c\",\"source\":\"src/b.c\",\"source_lines\":10,"
		       "\"lines\":[");
	CHECK_HAS(got, "{\"line\":2,\"self\":{\"samples\":2,\"weight\":60},"
		       "\"total\":{\"samples\":4,\"weight\":80},\"text\":\"two\"}");
	CHECK_HAS(got, "{\"file\":\"/s/\\u001b.h\",\"no_source\":\"nobody has it\",\"lines\":[");
	free(got);
	got = annotated(true, NULL, "Q");
	CHECK_HAS(got, "\"functions\":[]}]}\n");
	free(got);
}

SUITE(export_source, { "paths are as short as tells them apart", short_paths },
      { "source lines lose their tabs and control characters", hostile_lines },
      { "a line without end is cut between characters", long_line },
      { "annotated source has context, gaps, and lines behind its end", page },
      { "all lines between those with samples", whole },
      { "a narrow page has no counts", narrow },
      { "functions past the limit are counted, lines may be unknown", few },
      { "annotations for programs have the same lines", json }, )
