/*
 * Own parser instead of getopt_long: one table for everything, '-' and '_' alike, texts that name
 * the option as it was written, and no global state.
 */
#include "common/base/opt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/auto.h"
#include "common/base/err.h"

struct parse {
	const struct opt *table;
	void *ctx;
	int argc, at; /* argv[at] is looked at */
	char **argv;
	struct err *err;
};

static int fail_usage(struct err *err, const char *what, const char *name)
{
	return err_set(err, -EINVAL, "%s '%s', see --help", what, name);
}

static int set_value(const struct parse *p, const struct opt *opt, const char *value)
{
	if (opt->set(p->ctx, value, p->err) < 0)
		return err_wrap(p->err, "option --%s", opt->name);
	return 0;
}

/* For options without argument a variable is a switch. */
static int parse_switch(const char *text, bool *ret)
{
	static const char *const on[] = { "1", "yes", "true", "on", NULL };
	static const char *const off[] = { "", "0", "no", "false", "off", NULL };

	for (int i = 0; on[i]; i++)
		if (!strcmp(text, on[i]))
			return *ret = true, 0;
	for (int i = 0; off[i]; i++)
		if (!strcmp(text, off[i]))
			return *ret = false, 0;
	return -EINVAL;
}

static int set_from_environment(const struct parse *p)
{
	for (const struct opt *opt = p->table; opt->name; opt++) {
		const char *value = opt->env ? getenv(opt->env) : NULL;
		bool on = true;

		if (!value || (opt->arg && !*value))
			continue;
		if (!opt->arg && parse_switch(value, &on) < 0)
			return err_set(p->err, -EINVAL,
				       "environment variable %s is '%s', expected 1 or 0", opt->env,
				       value);
		if (on && opt->set(p->ctx, opt->arg ? value : NULL, p->err) < 0)
			return err_wrap(p->err, "environment variable %s", opt->env);
	}
	return 0;
}

static bool name_equal(const char *name, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char c = text[i] == '_' ? '-' : text[i];

		if ((name[i] == '_' ? '-' : name[i]) != c) /* also ends at name's zero */
			return false;
	}
	return !name[n];
}

static const struct opt *find_long(const struct opt *table, const char *text, size_t n)
{
	for (; table->name; table++)
		if (name_equal(table->name, text, n))
			return table;
	return NULL;
}

static const struct opt *find_letter(const struct opt *table, char letter)
{
	for (; table->name; table++)
		if (table->letter == letter)
			return table;
	return NULL;
}

/* The argument of an option that needs one: the rest of this word, or the next word. */
static int take_argument(struct parse *p, const char *rest, const char *shown, const char **ret)
{
	if (rest)
		*ret = rest;
	else if (p->at + 1 < p->argc)
		*ret = p->argv[++p->at];
	else
		return fail_usage(p->err, "no argument for option", shown);
	return 0;
}

static int parse_long(struct parse *p, const char *word)
{
	const char *name = word + 2, *equal = strchr(name, '='), *value = NULL;
	size_t n = equal ? (size_t)(equal - name) : strlen(name);
	const struct opt *opt = find_long(p->table, name, n);

	if (!opt || !n)
		return fail_usage(p->err, "unknown option", word);
	if (equal && !opt->arg)
		return fail_usage(p->err, "option takes no argument:", word);
	if (opt->optional_arg)
		value = equal ? equal + 1 : NULL;
	else if (opt->arg && take_argument(p, equal ? equal + 1 : NULL, word, &value) < 0)
		return -EINVAL;
	return set_value(p, opt, value);
}

/* "-v", "-F99", "-F 99", "-vF99" */
static int parse_letters(struct parse *p, const char *word)
{
	for (const char *at = word + 1; *at; at++) {
		const char shown[] = { '-', *at, 0 }, *rest = at[1] ? at + 1 : NULL, *value = NULL;
		const struct opt *opt = find_letter(p->table, *at);
		int rc;

		if (!opt)
			return fail_usage(p->err, "unknown option", shown);
		if (opt->optional_arg)
			value = rest;
		else if (opt->arg && take_argument(p, rest, shown, &value) < 0)
			return -EINVAL;
		rc = set_value(p, opt, value);
		if (rc < 0 || opt->arg)
			return rc;
	}
	return 0;
}

/* Marks the words that are operands. */
static int parse_words(struct parse *p, bool stop_at_operand, bool *operand)
{
	bool only_operands = false;

	for (p->at = 1; p->at < p->argc; p->at++) {
		const char *word = p->argv[p->at];
		int rc = 0;

		if (only_operands || word[0] != '-' || !word[1]) {
			only_operands |= stop_at_operand;
			operand[p->at] = true;
		} else if (!strcmp(word, "--")) {
			only_operands = true;
		} else {
			rc = word[1] == '-' ? parse_long(p, word) : parse_letters(p, word);
		}
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Options first, operands behind them, each in their order. Returns where operands begin. */
static int move_operands(int argc, char **argv, const bool *operand)
{
	AUTO_FREE char **words = mem_alloc((size_t)argc * sizeof(*words));
	int n = 0, first;

	for (int i = 0; i < argc; i++)
		if (!operand[i])
			words[n++] = argv[i];
	first = n;
	for (int i = 0; i < argc; i++)
		if (operand[i])
			words[n++] = argv[i];
	memcpy(argv, words, (size_t)argc * sizeof(*words));
	return first;
}

int opt_parse(const struct opt *table, void *ctx, int argc, char **argv, bool stop_at_operand,
	      int *ret_operand, struct err *err)
{
	struct parse p = { .table = table, .ctx = ctx, .argc = argc, .argv = argv, .err = err };
	AUTO_FREE bool *operand = NULL;
	int rc;

	if (argc < 1) {
		*ret_operand = argc;
		return 0;
	}
	operand = mem_zalloc((size_t)argc * sizeof(*operand));
	rc = set_from_environment(&p);
	if (rc >= 0)
		rc = parse_words(&p, stop_at_operand, operand);
	if (rc < 0)
		return rc;
	*ret_operand = move_operands(argc, argv, operand);
	return 0;
}

/* "-F, --frequency=HZ", "    --tree[=ORDER]" */
static int format_names(const struct opt *opt, char *text, size_t cap)
{
	char letter[] = { '-', opt->letter, ',', ' ', 0 };

	return snprintf(text, cap, "%s--%s%s%s%s", opt->letter ? letter : "    ", opt->name,
			!opt->arg	  ? "" :
			opt->optional_arg ? "[=" :
					    "=",
			opt->arg ? opt->arg : "", opt->arg && opt->optional_arg ? "]" : "");
}

static void print_option(const struct opt *opt, FILE *out)
{
	enum { HELP_COLUMN = 30 };
	char names[128];
	int n = format_names(opt, names, sizeof(names));

	fprintf(out, "  %s", names);
	if (n + 2 >= HELP_COLUMN)
		fprintf(out, "\n%*s", HELP_COLUMN, "");
	else
		fprintf(out, "%*s", HELP_COLUMN - n - 2, "");
	fputs(opt->help, out);
	if (opt->preset && opt->env)
		fprintf(out, " (default %s; $%s)", opt->preset, opt->env);
	else if (opt->preset)
		fprintf(out, " (default %s)", opt->preset);
	else if (opt->env)
		fprintf(out, " ($%s)", opt->env);
	fputc('\n', out);
}

static void print_synopsis(const struct opt_usage *usage, FILE *out)
{
	const char *line = usage->synopsis;

	for (bool first = true; *line; first = false) {
		size_t n = strcspn(line, "\n");

		fprintf(out, "%s%.*s\n", first ? "Usage: " : "       ", (int)n, line);
		line += n + (line[n] == '\n');
	}
}

void opt_print_help(const struct opt *table, const struct opt_usage *usage, FILE *out)
{
	print_synopsis(usage, out);
	if (usage->summary)
		fprintf(out, "\n%s\n", usage->summary);
	fputs("\nOptions:\n", out);
	for (; table->name; table++)
		print_option(table, out);
	if (usage->epilogue)
		fprintf(out, "\n%s\n", usage->epilogue);
}
