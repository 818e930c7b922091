/*
 * One option table drives parsing, --help, the environment and defaults; tests/lint/man.sh
 * compares it with the man page.
 */
#ifndef COMMON_BASE_OPT_H
#define COMMON_BASE_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct err;

/*
 * `value` is NULL for options without argument, for OPT_SWITCH "yes" or "no", or what the
 * environment says. Returns 0 or negative with err set.
 */
typedef int opt_set(void *ctx, const char *value, struct err *err);

enum {
	OPT_OPTIONAL_ARG = 1 << 0, /* --name or --name=ARG */
	OPT_SWITCH = 1 << 1,	   /* --name, --no-name, --name=yes|no; arg is NULL */
	OPT_MANY = 1 << 2,	   /* each value adds to those before */
	OPT_HIDDEN = 1 << 3,	   /* not in --help, not completed */
	OPT_SECRET = 1 << 4,	   /* its value is never shown */
	OPT_EXTENDED = 1 << 5,	   /* a row or heading that opt_print_short_help leaves out */
	OPT_FIRST_OWN = 1 << 8,	   /* from here on the program's own */
};

struct opt {
	char letter;	    /* 0: long form only */
	const char *name;   /* long name; '-' and '_' are the same when parsed; "": a heading */
	const char *arg;    /* "HZ", or all values: "raw|none"; NULL: takes none */
	const char *env;    /* environment variable, or NULL */
	const char *preset; /* default as shown in --help, or NULL */
	opt_set *set;
	const char *help;   /* one line, no full stop; text of a heading */
	unsigned int flags; /* OPT_ */
};

struct opt_usage {
	const char *program;
	const char *synopsis; /* lines after "Usage: ", '\n' separated */
	const char *summary;  /* one sentence */
	const char *epilogue; /* after the options, or NULL */
};

/*
 * Parses argv[1..): environment first, then options; stops at the first operand when
 * `stop_at_operand` (a COMMAND follows) or collects operands in order otherwise. "--" ends options.
 * The table ends with name NULL. *ret_operand is the index in argv of the first operand;
 * operands are moved to the end of argv. -EINVAL with one line about the wrong thing.
 */
int opt_parse(const struct opt *table, void *ctx, int argc, char **argv, bool stop_at_operand,
	      int *ret_operand, struct err *err);

/*
 * The two halves of opt_parse for who has to know where a value came from: `found` is called for
 * each value in place of the setter.
 */
typedef int opt_found(void *ctx, const struct opt *opt, const char *value, struct err *err);
int opt_read_environment(const struct opt *table, opt_found *found, void *ctx, struct err *err);
int opt_read_words(const struct opt *table, int argc, char **argv, bool stop_at_operand,
		   opt_found *found, void *ctx, int *ret_operand, struct err *err);

/* n bytes of text as an option's name, '-' and '_' alike. NULL: none. */
const struct opt *opt_find(const struct opt *table, const char *text, size_t n);
/* The name that is most like it, for messages; NULL: none is. */
const char *opt_nearest(const struct opt *table, const char *text, size_t n);
/* yes, true, on, 1; no, false, off, 0. -EINVAL, err names the value and what was expected. */
int opt_parse_switch(const char *text, bool *ret, struct err *err);

void opt_print_help(const struct opt *table, const struct opt_usage *usage, FILE *out);
/* What most need, for a terminal of 80 columns: no OPT_EXTENDED rows, no variables. */
void opt_print_short_help(const struct opt *table, const struct opt_usage *usage, FILE *out);

#endif
