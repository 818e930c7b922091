/*
 * One option table drives parsing, --help, the environment and defaults; tests/lint/man.sh
 * compares it with the man page.
 */
#ifndef COMMON_BASE_OPT_H
#define COMMON_BASE_OPT_H

#include <stdbool.h>
#include <stdio.h>

struct err;

/* `value` is NULL for options without argument. Returns 0 or negative with err set. */
typedef int opt_set(void *ctx, const char *value, struct err *err);

struct opt {
	char letter;	    /* 0: long form only */
	const char *name;   /* long name; '-' and '_' are the same when parsed */
	const char *arg;    /* "HZ"; NULL: takes none */
	const char *env;    /* environment variable, or NULL */
	const char *preset; /* default as shown in --help, or NULL */
	opt_set *set;
	const char *help;  /* one line, no full stop */
	bool optional_arg; /* --name or --name=ARG */
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

void opt_print_help(const struct opt *table, const struct opt_usage *usage, FILE *out);

#endif
