/*
 * Own parser instead of getopt_long: one table for everything, '-' and '_' alike, texts that name
 * the option as it was written, and no global state. A wrong word is shown without what follows
 * its '=': that may be a secret.
 */
#include "common/base/opt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/auto.h"
#include "common/base/bits.h"
#include "common/base/err.h"

struct parse {
	const struct opt *table;
	opt_found *found;
	void *ctx;
	int argc, at; /* argv[at] is looked at */
	char **argv;
	struct err *err;
};

static int fail_usage(struct err *err, const char *what, const char *name)
{
	return err_set(err, -EINVAL, "%s '%.*s', see --help", what, (int)strcspn(name, "="), name);
}

static int set_value(const struct parse *p, const struct opt *opt, const char *value)
{
	if (p->found(p->ctx, opt, value, p->err) < 0)
		return err_wrap(p->err, "option --%s", opt->name);
	return 0;
}

int opt_parse_switch(const char *text, bool *ret, struct err *err)
{
	static const char *const on[] = { "1", "yes", "true", "on" };
	static const char *const off[] = { "0", "no", "false", "off" };

	for (size_t i = 0; i < N_ELEMENTS(on); i++)
		if (!strcmp(text, on[i]))
			return *ret = true, 0;
	for (size_t i = 0; i < N_ELEMENTS(off); i++)
		if (!strcmp(text, off[i]))
			return *ret = false, 0;
	return err_set(err, -EINVAL, "'%s': expected yes or no", text);
}

/* For options without argument a variable is a switch. */
static int read_variable(const struct opt *opt, const char *text, bool *ret_given,
			 const char **ret_value, struct err *err)
{
	bool plain = !opt->arg && !(opt->flags & OPT_SWITCH), on = true;

	if (plain && *text && opt_parse_switch(text, &on, err) < 0)
		return err_wrap(err, "environment variable %s", opt->env);
	*ret_given = *text && on;
	*ret_value = plain ? NULL : text;
	return 0;
}

int opt_read_environment(const struct opt *table, opt_found *found, void *ctx, struct err *err)
{
	for (const struct opt *opt = table; opt->name; opt++) {
		const char *text = opt->env ? getenv(opt->env) : NULL, *value = NULL;
		bool given = false;

		if (!text)
			continue;
		if (read_variable(opt, text, &given, &value, err) < 0)
			return -EINVAL;
		if (given && found(ctx, opt, value, err) < 0)
			return err_wrap(err, "environment variable %s", opt->env);
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

const struct opt *opt_find(const struct opt *table, const char *text, size_t n)
{
	for (; n && table->name; table++)
		if (name_equal(table->name, text, n))
			return table;
	return NULL;
}

/* Letters to change, add or leave out to make `b` of n bytes of `a`. */
static size_t distance(const char *a, size_t n, const char *b)
{
	enum { LENGTH_MAX = 40 };
	size_t row[LENGTH_MAX + 1], n_b = strlen(b);

	if (n > LENGTH_MAX || n_b > LENGTH_MAX)
		return LENGTH_MAX;
	for (size_t j = 0; j <= n_b; j++)
		row[j] = j;
	for (size_t i = 0; i < n; i++) {
		size_t corner = row[0]++;

		for (size_t j = 0; j < n_b; j++) {
			size_t best = corner + ((a[i] == '_' ? '-' : a[i]) != b[j]);

			corner = row[j + 1];
			row[j + 1] = MIN(best, MIN(row[j], corner) + 1);
		}
	}
	return row[n_b];
}

const char *opt_nearest(const struct opt *table, const char *text, size_t n)
{
	const char *near = NULL;
	size_t best = (n + 1) / 2;

	for (; table->name; table++) {
		size_t d = distance(text, n, table->name);

		if (n >= 3 && !strncmp(table->name, text, n))
			d = 1; /* its beginning */
		if (d < best && *table->name && !(table->flags & OPT_HIDDEN)) {
			best = d;
			near = table->name;
		}
	}
	return near;
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

static int fail_unknown(const struct parse *p, const char *word, size_t n)
{
	const char *near = opt_nearest(p->table, word + 2, n);

	if (near)
		return err_set(p->err, -EINVAL,
			       "unknown option '%.*s', nearest is --%s, see --help", (int)n + 2,
			       word, near);
	return fail_usage(p->err, "unknown option", word);
}

static int parse_long_switch(struct parse *p, const struct opt *opt, const char *text)
{
	bool on = true;

	if (text && opt_parse_switch(text, &on, p->err) < 0)
		return err_wrap(p->err, "option --%s", opt->name);
	return set_value(p, opt, on ? "yes" : "no");
}

static int parse_long(struct parse *p, const char *word)
{
	const char *name = word + 2, *equal = strchr(name, '='), *value = NULL;
	size_t n = equal ? (size_t)(equal - name) : strlen(name);
	const struct opt *opt = opt_find(p->table, name, n);
	bool negated = !opt && n > 3 && name_equal("no-", name, 3);

	if (negated)
		opt = opt_find(p->table, name + 3, n - 3);
	if (!opt || (negated && !(opt->flags & OPT_SWITCH)))
		return fail_unknown(p, word, n);
	if (equal && (negated || (!opt->arg && !(opt->flags & OPT_SWITCH))))
		return fail_usage(p->err, "option takes no argument:", word);
	if (opt->flags & OPT_SWITCH)
		return parse_long_switch(p, opt, negated ? "no" : equal ? equal + 1 : NULL);
	if (opt->flags & OPT_OPTIONAL_ARG)
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
		if (opt->flags & OPT_SWITCH)
			value = "yes";
		else if (opt->flags & OPT_OPTIONAL_ARG)
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

int opt_read_words(const struct opt *table, int argc, char **argv, bool stop_at_operand,
		   opt_found *found, void *ctx, int *ret_operand, struct err *err)
{
	struct parse p = {
		.table = table, .found = found, .ctx = ctx, .argc = argc, .argv = argv, .err = err
	};
	AUTO_FREE bool *operand = NULL;
	int rc;

	if (argc < 1) {
		*ret_operand = argc;
		return 0;
	}
	operand = mem_zalloc((size_t)argc * sizeof(*operand));
	rc = parse_words(&p, stop_at_operand, operand);
	if (rc < 0)
		return rc;
	*ret_operand = move_operands(argc, argv, operand);
	return 0;
}

static int call_setter(void *ctx, const struct opt *opt, const char *value, struct err *err)
{
	return opt->set(ctx, value, err);
}

int opt_parse(const struct opt *table, void *ctx, int argc, char **argv, bool stop_at_operand,
	      int *ret_operand, struct err *err)
{
	int rc = opt_read_environment(table, call_setter, ctx, err);

	if (rc < 0)
		return rc;
	return opt_read_words(table, argc, argv, stop_at_operand, call_setter, ctx, ret_operand,
			      err);
}

/* "-F, --frequency=HZ", "    --tree[=ORDER]" */
static int format_names(const struct opt *opt, char *text, size_t cap)
{
	char letter[] = { '-', opt->letter, ',', ' ', 0 };
	bool optional = opt->flags & OPT_OPTIONAL_ARG;

	return snprintf(text, cap, "%s--%s%s%s%s", opt->letter ? letter : "    ", opt->name,
			!opt->arg ? "" :
			optional  ? "[=" :
				    "=",
			opt->arg ? opt->arg : "", opt->arg && optional ? "]" : "");
}

/* How much is said, and how wide. */
struct help {
	FILE *out;
	size_t column, edge;
	unsigned int left_out; /* flags of rows */
	bool variables;
};

static const struct help all_help = { NULL, 30, 100, OPT_HIDDEN, true };
static const struct help short_help = { NULL, 26, 80, OPT_HIDDEN | OPT_EXTENDED, false };

/* Broken between words, all of it behind `column`. */
static void print_wrapped(const struct help *h, const char *text, size_t from)
{
	size_t column = from;

	while (*text) {
		size_t n = strcspn(text, " "), blank = column > from;

		if (blank && column + 1 + n > h->edge) {
			fprintf(h->out, "\n%*s", (int)from, "");
			column = from;
			blank = 0;
		}
		fprintf(h->out, "%s%.*s", blank ? " " : "", (int)n, text);
		column += n + blank;
		text += n + (text[n] == ' ');
	}
	fputc('\n', h->out);
}

static void describe(const struct help *h, const struct opt *opt, char *text, size_t cap)
{
	const char *env = h->variables ? opt->env : NULL;

	if (opt->preset && env)
		snprintf(text, cap, "%s (default %s; $%s)", opt->help, opt->preset, env);
	else if (opt->preset)
		snprintf(text, cap, "%s (default %s)", opt->help, opt->preset);
	else if (env)
		snprintf(text, cap, "%s ($%s)", opt->help, env);
	else
		snprintf(text, cap, "%s", opt->help);
}

static void print_option(const struct help *h, const struct opt *opt)
{
	char names[256], text[512];
	int n = format_names(opt, names, sizeof(names)), column = (int)h->column;

	describe(h, opt, text, sizeof(text));
	fprintf(h->out, "  %s", names);
	if (n + 2 >= column)
		fprintf(h->out, "\n%*s", column, "");
	else
		fprintf(h->out, "%*s", column - n - 2, "");
	print_wrapped(h, text, h->column);
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

/* Lines of their own, each wrapped. */
static void print_epilogue(const struct help *h, const char *text)
{
	char line[512];

	fputc('\n', h->out);
	while (*text) {
		size_t n = strcspn(text, "\n");

		snprintf(line, sizeof(line), "%.*s", (int)n, text);
		print_wrapped(h, line, 0);
		text += n + (text[n] == '\n');
	}
}

static void print_help(const struct help *h, const struct opt *table, const struct opt_usage *usage)
{
	print_synopsis(usage, h->out);
	if (usage->summary)
		fprintf(h->out, "\n%s\n", usage->summary);
	if (*table->name)
		fputs("\nOptions:\n", h->out);
	for (; table->name; table++) {
		if (table->flags & h->left_out)
			continue;
		if (!*table->name)
			fprintf(h->out, "\n%s:\n", table->help);
		else
			print_option(h, table);
	}
	if (usage->epilogue)
		print_epilogue(h, usage->epilogue);
}

void opt_print_help(const struct opt *table, const struct opt_usage *usage, FILE *out)
{
	struct help h = all_help;

	h.out = out;
	print_help(&h, table, usage);
}

void opt_print_short_help(const struct opt *table, const struct opt_usage *usage, FILE *out)
{
	struct help h = short_help;

	h.out = out;
	print_help(&h, table, usage);
}
