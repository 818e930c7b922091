/* common/base/opt.c: one table for parsing, help and environment. */
#include "common/base/opt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"
#include "tests/unit/check.h"

enum { WORDS_MAX = 12 };

/* What the setters saw, in order: "v F=99 tree=(none) " */
struct seen {
	char text[256];
};

static int see(struct seen *seen, const char *name, const char *value)
{
	size_t n = strlen(seen->text);

	snprintf(seen->text + n, sizeof(seen->text) - n, "%s%s%s ", name, value ? "=" : "",
		 value ? value : "");
	return 0;
}

static int set_frequency(void *ctx, const char *value, struct err *err)
{
	if (strspn(value, "0123456789") != strlen(value))
		return err_set(err, -ERANGE, "'%s' is not a number", value);
	return see(ctx, "F", value);
}

static int set_verbose(void *ctx, const char *value, struct err *err)
{
	(void)err;
	return see(ctx, "v", value);
}

static int set_tree(void *ctx, const char *value, struct err *err)
{
	(void)err;
	return see(ctx, "tree", value ? value : "(none)");
}

static int set_stack_size(void *ctx, const char *value, struct err *err)
{
	(void)err;
	return see(ctx, "stack", value);
}

static int set_fold(void *ctx, const char *value, struct err *err)
{
	(void)err;
	return see(ctx, "fold", value);
}

static int see_nothing(void *ctx, const char *value, struct err *err)
{
	(void)ctx, (void)value, (void)err;
	return 0;
}

static const struct opt table[] = {
	{ 'F', "frequency", "HZ", "DDPROF_TEST_F", "99", set_frequency, "samples a second", false },
	{ 'v', "verbose", NULL, "DDPROF_TEST_V", NULL, set_verbose, "say more", false },
	{ 0, "tree", "ORDER", NULL, NULL, set_tree, "as a tree", true },
	{ 0, "stack-size", "BYTES", NULL, "65528", set_stack_size, "stack of each sample", false },
	{ 'f', "fold", NULL, "DDPROF_TEST_FOLD", NULL, set_fold, "fold it", OPT_SWITCH },
	{ 0, "", NULL, NULL, NULL, NULL, "For nobody", 0 },
	{ 0, "secret", "WORD", NULL, NULL, set_fold, "a word", OPT_HIDDEN },
	{ 0 },
};

/* Parses words; `ret_words` are the words afterwards, joined. Returns what opt_parse did. */
static int parse(const char *const *words, bool stop, char *ret_words, int *ret_operand,
		 struct seen *seen, struct err *err)
{
	char *argv[WORDS_MAX + 2] = { (char *)"prog" };
	int argc = 1, rc;

	for (; words[argc - 1]; argc++)
		argv[argc] = (char *)words[argc - 1];
	*ret_operand = -1;
	seen->text[0] = 0;
	rc = opt_parse(table, seen, argc, argv, stop, ret_operand, err);
	ret_words[0] = 0;
	for (int i = *ret_operand; i >= 0 && i < argc; i++)
		strcat(strcat(ret_words, argv[i]), " ");
	return rc;
}

struct row {
	const char *words[WORDS_MAX];
	bool stop;
	const char *seen, *operands;
};

static void forms(void)
{
	static const struct row rows[] = {
		{ { NULL }, false, "", "" },
		{ { "-v", "-F", "99" }, false, "v F=99 ", "" },
		{ { "-vF99" }, false, "v F=99 ", "" },
		{ { "--frequency=7", "--frequency", "8" }, false, "F=7 F=8 ", "" },
		{ { "--stack_size=1", "--stack-size", "2" }, false, "stack=1 stack=2 ", "" },
		{ { "--tree", "a", "--tree=x", "b" }, false, "tree=(none) tree=x ", "a b " },
		{ { "a", "-v", "b", "-F1", "-" }, false, "v F=1 ", "a b - " },
		{ { "a", "--", "-v", "--" }, false, "", "a -v -- " },
		{ { "-v", "ls", "-v", "--tree" }, true, "v ", "ls -v --tree " },
		{ { "-v", "--", "-F", "x" }, true, "v ", "-F x " },
		{ { "--frequency", "-v" }, true, NULL, "--frequency: '-v' is not a number" },
		{ { "-F", "" }, false, "F= ", "" },
		{ { "--fold", "a", "--no_fold" }, false, "fold=yes fold=no ", "a " },
		{ { "-vf", "--fold=off", "--fold=1" }, false, "v fold=yes fold=no fold=yes ", "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err err = { 0 };
		struct seen seen;
		char words[256];
		int operand, rc = parse(rows[i].words, rows[i].stop, words, &operand, &seen, &err);

		if (!rows[i].seen) {
			CHECK_TRUE(rc < 0);
			CHECK_HAS(err.text, rows[i].operands);
			continue;
		}
		CHECK_INT(rc, 0);
		CHECK_STR(seen.text, rows[i].seen);
		CHECK_STR(words, rows[i].operands);
	}
}

static void wrong_usage(void)
{
	static const struct {
		const char *words[WORDS_MAX];
		const char *text;
	} rows[] = {
		{ { "--freq", "1" },
		  "unknown option '--freq', nearest is --frequency, see --help" },
		{ { "--stock_size=1" },
		  "unknown option '--stock_size', nearest is --stack-size, see --help" },
		{ { "--nothing=secret" }, "unknown option '--nothing', see --help" },
		{ { "--no-verbose" },
		  "unknown option '--no-verbose', nearest is --verbose, see --help" },
		{ { "--no-fold=1" }, "option takes no argument: '--no-fold', see --help" },
		{ { "--fold=perhaps" }, "option --fold: 'perhaps': expected yes or no" },
		{ { "--frequencyx=1" },
		  "unknown option '--frequencyx', nearest is --frequency, see --help" },
		{ { "--=1" }, "unknown option '--', see --help" },
		{ { "-vx" }, "unknown option '-x', see --help" },
		{ { "-F" }, "no argument for option '-F', see --help" },
		{ { "--frequency" }, "no argument for option '--frequency', see --help" },
		{ { "--verbose=1" }, "option takes no argument: '--verbose', see --help" },
		{ { "-F", "many" }, "option --frequency: 'many' is not a number" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err err = { 0 };
		struct seen seen;
		char words[256];
		int operand, rc = parse(rows[i].words, false, words, &operand, &seen, &err);

		CHECK_TRUE(rc < 0, "row %zu", i);
		CHECK_STR(err.text, rows[i].text);
		CHECK_INT(operand, -1);
	}
}

static void environment(void)
{
	static const char *const words[] = { "-F", "5", NULL };
	struct err err = { 0 };
	struct seen seen;
	char rest[256];
	int operand;

	setenv("DDPROF_TEST_F", "77", 1);
	setenv("DDPROF_TEST_V", "yes", 1);
	CHECK_INT(parse(words, false, rest, &operand, &seen, &err), 0);
	CHECK_STR(seen.text, "F=77 v F=5 ");
	setenv("DDPROF_TEST_F", "", 1);
	setenv("DDPROF_TEST_V", "0", 1);
	CHECK_INT(parse(words, false, rest, &operand, &seen, &err), 0);
	CHECK_STR(seen.text, "F=5 ");
	setenv("DDPROF_TEST_V", "perhaps", 1);
	CHECK_INT(parse(words, false, rest, &operand, &seen, &err), -EINVAL);
	CHECK_HAS(err.text, "environment variable DDPROF_TEST_V: 'perhaps': expected yes or no");
	unsetenv("DDPROF_TEST_V");
	setenv("DDPROF_TEST_FOLD", "0", 1);
	CHECK_INT(parse(words, false, rest, &operand, &seen, &err), 0);
	CHECK_STR(seen.text, "fold=0 F=5 ");
	unsetenv("DDPROF_TEST_FOLD");
	setenv("DDPROF_TEST_F", "x", 1);
	CHECK_TRUE(parse(words, false, rest, &operand, &seen, &err) < 0);
	CHECK_HAS(err.text, "environment variable DDPROF_TEST_F: 'x' is not a number");
	unsetenv("DDPROF_TEST_F");
}

static void long_help(void)
{
	static const struct opt long_table[] = {
		{ 0, "many-words", "ONE|TWO", "MANY_WORDS", "ONE", see_nothing,
		  "word word word word word word word word word word word word word word word", 0 },
		{ 0 },
	};
	static const struct opt_usage usage = { .program = "prog", .synopsis = "prog" };
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	opt_print_help(long_table, &usage, out);
	fclose(out);
	CHECK_HAS(text, "      --many-words=ONE|TWO    word word word word word word word word "
			"word word word word word word\n"
			"                              word (default ONE; $MANY_WORDS)\n");
	free(text);
}

static void short_help(void)
{
	static const struct opt rows[] = {
		{ 0, "", NULL, NULL, NULL, NULL, "Shown", 0 },
		{ 0, "words", "N", "MANY_WORDS", "1", see_nothing,
		  "word word word word word word word word word word", 0 },
		{ 0, "less", NULL, NULL, NULL, see_nothing, "rare", OPT_EXTENDED },
		{ 0, "", NULL, NULL, NULL, NULL, "Not shown", OPT_EXTENDED },
		{ 0 },
	};
	static const struct opt_usage usage = { .synopsis = "prog", .epilogue = "a\nb" };
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	opt_print_short_help(rows, &usage, out);
	fclose(out);
	CHECK_STR(text,
		  "Usage: prog\n"
		  "\n"
		  "Shown:\n"
		  "      --words=N           word word word word word word word word word word\n"
		  "                          (default 1)\n"
		  "\n"
		  "a\n"
		  "b\n");
	free(text);
}

static void help(void)
{
	static const struct opt_usage usage = {
		.program = "prog",
		.synopsis = "prog [options] FILE\nprog --version",
		.summary = "Shows things.",
		.epilogue = "See prog(1).",
	};
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	opt_print_help(table, &usage, out);
	fclose(out);
	CHECK_STR(text,
		  "Usage: prog [options] FILE\n"
		  "       prog --version\n"
		  "\n"
		  "Shows things.\n"
		  "\n"
		  "Options:\n"
		  "  -F, --frequency=HZ          samples a second (default 99; $DDPROF_TEST_F)\n"
		  "  -v, --verbose               say more ($DDPROF_TEST_V)\n"
		  "      --tree[=ORDER]          as a tree\n"
		  "      --stack-size=BYTES      stack of each sample (default 65528)\n"
		  "  -f, --fold                  fold it ($DDPROF_TEST_FOLD)\n"
		  "\n"
		  "For nobody:\n"
		  "\n"
		  "See prog(1).\n");
	free(text);
}

static void no_arguments_at_all(void)
{
	char *argv[] = { NULL };
	struct seen seen = { "" };
	int operand = -1;

	CHECK_INT(opt_parse(table, &seen, 0, argv, false, &operand, NULL), 0);
	CHECK_INT(operand, 0);
}

SUITE(base_opt, { "options come in every usual form, operands keep their order", forms },
      { "wrong usage names the wrong thing", wrong_usage },
      { "the environment comes before the options", environment }, { "help lists the table", help },
      { "help is broken between words before column 100", long_help },
      { "a short help has the rows that most need, and no variables", short_help },
      { "an empty argv is no crash", no_arguments_at_all }, )
