/* Functions line by line. */
#include "tests/unit/check.h"

#include <stdlib.h>

#include "common/base/arena.h"
#include "report/profile/annotate.h"
#include "tests/unit/profile_made.h"

static struct profile *sample(void)
{
	struct profile *p = made_new();

	made_add(p, 1, "t", "ABC", 10);
	made_add(p, 1, "t", "ABD", 20);
	made_add(p, 1, "t", "AAB", 40); /* A calls itself */
	made_names(p);
	made_source(p, 'A', "/s/a.c", 3);
	made_source(p, 'B', "/s/b.c", 12);
	made_inline(p, 'B', "XB", "/s/a.h", 5); /* in B: X at a.h:5, in which B again at a.h:6 */
	profile_expand(p);
	return p;
}

static uint32_t function_named(const struct profile *p, const char *name)
{
	for (uint32_t i = 0; i < p->n_functions; i++)
		if (!strcmp(profile_text(p, p->function[i].name), name))
			return i;
	return PROFILE_NONE;
}

static struct annotation annotated(const struct profile *p, const char *symbol, size_t want)
{
	bool *wanted = mem_zalloc(p->n_functions + 1);
	struct annotation a;

	CHECK_UINT(annotate_find(p, symbol, wanted), want);
	annotation_init(&a, p, wanted, 0);
	free(wanted);
	return a;
}

static void lines(void)
{
	struct profile *p = sample();
	struct annotation a = annotated(p, "B()", 1);
	const struct annotate_function *f = a.function;

	REQUIRE_INT(a.n, 1);
	CHECK_UINT(a.all.weight, 70);
	CHECK_UINT(f->function, function_named(p, "B()"));
	CHECK_UINT(f->self.weight, 40);
	CHECK_UINT(f->total.weight, 70);
	REQUIRE_INT(f->n_lines, 2);
	CHECK_STR(profile_text(p, f->line[0].file), "/s/a.h"); /* by file, then line */
	CHECK_UINT(f->line[0].line, 6);
	CHECK_UINT(f->line[0].self.weight, 40);
	CHECK_UINT(f->line[0].total.weight, 70);
	CHECK_STR(profile_text(p, f->line[1].file), "/s/b.c");
	CHECK_UINT(f->line[1].line, 12); /* the line of the call of X */
	CHECK_UINT(f->line[1].self.weight, 0);
	CHECK_UINT(f->line[1].total.weight, 70);
	annotation_done(&a);
	profile_free(p);
}

static void recursion(void)
{
	struct profile *p = sample();
	struct annotation a = annotated(p, "A", 1);

	REQUIRE_INT(a.n, 1);
	REQUIRE_INT(a.function->n_lines, 1);
	CHECK_UINT(a.function->line[0].line, 3);
	CHECK_UINT(a.function->line[0].total.weight, 70);
	CHECK_UINT(a.function->line[0].total.count, 3);
	annotation_done(&a);
	profile_free(p);
}

static void no_line(void)
{
	struct profile *p = sample();
	struct annotation a = annotated(p, "C()", 1);

	REQUIRE_INT(a.n, 1);
	REQUIRE_INT(a.function->n_lines, 1);
	CHECK_UINT(a.function->line[0].line, 0);
	CHECK_UINT(a.function->line[0].file.n, 0);
	CHECK_UINT(a.function->line[0].self.weight, 10);
	annotation_done(&a);
	profile_free(p);
}

static void several(void)
{
	struct profile *p = sample();
	struct annotation a = annotated(p, "[BD]*", 2);

	REQUIRE_INT(a.n, 2);
	CHECK_STR(profile_text(p, p->function[a.function[0].function].name), "B()");
	CHECK_STR(profile_text(p, p->function[a.function[1].function].name), "D()");
	annotation_done(&a);
	profile_free(p);
}

static void names(void)
{
	static const struct {
		const char *symbol;
		size_t want;
	} symbols[] = {
		{ "A", 1 },	 /* up to the parameters */
		{ "A()", 1 },	 /* exactly */
		{ "_Z1Av", 1 },	 /* mangled, exactly */
		{ "_Z1[AB]*", 0 }, /* patterns are for names that people read */
		{ "[AB]", 2 },	 { "a", 1 }, { "nothing", 0 }, { "", 0 },
	};
	struct profile *p = sample();
	uint32_t similar[4];

	for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		bool *wanted = mem_zalloc(p->n_functions + 1);
		size_t n = annotate_find(p, symbols[i].symbol, wanted);

		CHECK_TRUE(n == symbols[i].want, "'%s' finds %zu", symbols[i].symbol, n);
		free(wanted);
	}
	CHECK_UINT(annotate_similar(p, "()", similar, 4), 4);
	CHECK_STR(profile_text(p, p->function[similar[0]].name), "B()"); /* heaviest self */
	CHECK_UINT(annotate_similar(p, "x(", similar, 4), 1);
	CHECK_STR(profile_text(p, p->function[similar[0]].name), "X()");
	CHECK_UINT(annotate_similar(p, "nothing", similar, 4), 0);
	profile_free(p);
}

static void no_samples(void)
{
	struct profile *p = sample();
	struct annotation a = annotated(p, "Q()", 1); /* a function that no stack has */

	CHECK_UINT(a.n, 0);
	annotation_done(&a);
	profile_free(p);
}

SUITE(profile_annotate,
      { "an inlined frame counts for its own line and for the line of the call", lines },
      { "a line of a function that calls itself counts once a stack", recursion },
      { "code whose line is not known is one line without number", no_line },
      { "functions of a pattern come heaviest total first", several },
      { "a name is exact, mangled or not, before it is a pattern", names },
      { "functions without samples are left out", no_samples }, )
