/* Options of all verbs in one table; which verb; exit status. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/log.h"
#include "common/base/opt.h"
#include "report/cmd.h"

static int set_help(void *ctx, const char *value, struct err *err)
{
	(void)value, (void)err;
	((struct command *)ctx)->help = true;
	return 0;
}

static int set_version(void *ctx, const char *value, struct err *err)
{
	(void)value, (void)err;
	((struct command *)ctx)->version = true;
	return 0;
}

static int set_by(void *ctx, const char *value, struct err *err)
{
	static const char *const names[VIEW_BYS] = {
		[VIEW_FUNCTION] = "function", [VIEW_MODULE] = "module",	  [VIEW_THREAD] = "thread",
		[VIEW_PROCESS] = "process",   [VIEW_ADDRESS] = "address",
	};

	for (unsigned int by = 0; by < VIEW_BYS; by++) {
		if (strcmp(value, names[by]) != 0)
			continue;
		((struct command *)ctx)->by = (enum view_by)by;
		return 0;
	}
	return err_set(err, -EINVAL, "'%s' is none of function, module, thread, process, address",
		       value);
}

static int set_tree(void *ctx, const char *value, struct err *err)
{
	struct command *c = ctx;

	c->form = FORM_TREE;
	c->callees_first = value && !strcmp(value, "callees");
	if (value && !c->callees_first && strcmp(value, "callers") != 0)
		return err_set(err, -EINVAL, "'%s' is none of callers, callees", value);
	return 0;
}

static int set_folded(void *ctx, const char *value, struct err *err)
{
	(void)value, (void)err;
	((struct command *)ctx)->form = FORM_FOLDED;
	return 0;
}

static int set_json(void *ctx, const char *value, struct err *err)
{
	(void)value, (void)err;
	((struct command *)ctx)->form = FORM_JSON;
	return 0;
}

static int set_limit(void *ctx, const char *value, struct err *err)
{
	unsigned long long n;
	char *end;

	if (!strcmp(value, "all")) {
		((struct command *)ctx)->style.limit = 0;
		return 0;
	}
	n = strtoull(value, &end, 10);
	if (end == value || *end || *value < '0' || *value > '9' || !n || n > UINT32_MAX)
		return err_set(err, -EINVAL, "'%s' is neither a number of rows from 1 nor 'all'",
			       value);
	((struct command *)ctx)->style.limit = (uint32_t)n;
	return 0;
}

static int set_min(void *ctx, const char *value, struct err *err)
{
	char *end;
	double percent = strtod(value, &end);

	if (end == value || *end || !(percent >= 0 && percent <= 100))
		return err_set(err, -EINVAL, "'%s' is not a percentage from 0 to 100", value);
	((struct command *)ctx)->style.min_percent = percent;
	return 0;
}

static struct filter *filter_of(void *ctx)
{
	return &((struct command *)ctx)->pipeline.filter;
}

static int set_pid(void *ctx, const char *value, struct err *err)
{
	return filter_add_numbers(&filter_of(ctx)->pid, value, err);
}

static int set_tid(void *ctx, const char *value, struct err *err)
{
	return filter_add_numbers(&filter_of(ctx)->tid, value, err);
}

static int set_comm(void *ctx, const char *value, struct err *err)
{
	(void)err;
	filter_add_words(&filter_of(ctx)->comm, value);
	return 0;
}

static int set_dso(void *ctx, const char *value, struct err *err)
{
	(void)err;
	filter_add_words(&filter_of(ctx)->dso, value);
	return 0;
}

static int set_symbol(void *ctx, const char *value, struct err *err)
{
	(void)err;
	filter_add_words(&filter_of(ctx)->symbol, value);
	return 0;
}

static int set_event(void *ctx, const char *value, struct err *err)
{
	(void)err;
	filter_add_words(&filter_of(ctx)->event, value);
	return 0;
}

static int set_time(void *ctx, const char *value, struct err *err)
{
	return filter_set_time(filter_of(ctx), value, err);
}

static int set_output(void *ctx, const char *value, struct err *err)
{
	(void)err;
	((struct command *)ctx)->output = value;
	return 0;
}

static int set_no_local_files(void *ctx, const char *value, struct err *err)
{
	(void)value, (void)err;
	((struct command *)ctx)->pipeline.no_local_files = true;
	return 0;
}

static int set_color(void *ctx, const char *value, struct err *err)
{
	return term_parse_when(value, &((struct command *)ctx)->colour, err);
}

static int set_no_pager(void *ctx, const char *value, struct err *err)
{
	(void)value, (void)err;
	((struct command *)ctx)->no_pager = true;
	return 0;
}

static int set_log_level(void *ctx, const char *value, struct err *err)
{
	enum log_level level;
	int status = log_parse_level(value, &level, err);

	(void)ctx;
	if (status == 0)
		log_set_level(level);
	return status;
}

static const struct opt options[] = {
	{ 0, "by", "WHAT", NULL, "function", set_by,
	  "rows are: function, module, thread, process or address", false },
	{ 0, "tree", "ORDER", NULL, NULL, set_tree,
	  "tree of calls, 'callers' first (default) or 'callees' first", true },
	{ 0, "folded", NULL, NULL, NULL, set_folded,
	  "one line a distinct stack, root first, samples last", false },
	{ 0, "json", NULL, NULL, NULL, set_json, "for programs; also for info", false },
	{ 0, "limit", "ROWS", NULL, "60", set_limit, "rows of a table at most, or 'all'", false },
	{ 0, "min", "PERCENT", NULL, "0.5", set_min, "branches of a tree below this are left out",
	  false },
	{ 0, "pid", "PID", NULL, NULL, set_pid, "only these processes, 12,345", false },
	{ 0, "tid", "TID", NULL, NULL, set_tid, "only these threads", false },
	{ 0, "comm", "NAME", NULL, NULL, set_comm, "only threads of these names; shell patterns",
	  false },
	{ 0, "dso", "NAME", NULL, NULL, set_dso, "only stacks through these files; shell patterns",
	  false },
	{ 0, "symbol", "NAME", NULL, NULL, set_symbol,
	  "only stacks through these functions; shell patterns", false },
	{ 0, "time", "FROM-TO", NULL, NULL, set_time,
	  "only this part, since the start: 1.5-2, 250ms-1s, 3s-", false },
	{ 0, "event", "NAME", NULL, NULL, set_event, "only samples of these events", false },
	{ 'o', "output", "FILE", NULL, NULL, set_output,
	  "export: where to write ('-' for standard output)", false },
	{ 0, "no-local-files", NULL, NULL, NULL, set_no_local_files,
	  "use the recording alone, no file of this machine", false },
	{ 0, "color", "WHEN", NULL, "auto", set_color,
	  "auto, always or never; auto hears $NO_COLOR", false },
	{ 0, "no-pager", NULL, NULL, NULL, set_no_pager,
	  "do not start $DDPROF_PAGER, $PAGER or less", false },
	{ 'l', "log-level", "LEVEL", NULL, "notice", set_log_level,
	  "error, warning, notice, info or debug", false },
	{ 'h', "help", NULL, NULL, NULL, set_help, "print this and end", false },
	{ 'V', "version", NULL, NULL, NULL, set_version, "print the version and end", false },
	{ 0 },
};

static const struct opt_usage usage = {
	.program = "ddprof-report",
	.synopsis = "ddprof-report [show] [OPTIONS] [FILE]\n"
		    "ddprof-report info [--json] [FILE]\n"
		    "ddprof-report export pprof -o OUT [OPTIONS] [FILE]\n"
		    "ddprof-report scrub IN OUT",
	.summary = "Shows where the time of a recording went. FILE is ddprof.data by default, '-' "
		   "standard input.",
	.epilogue = "See ddprof-report(1).",
};

static const struct verb {
	const char *name;
	int (*run)(struct command *c);
} verbs[] = {
	{ "show", cmd_show },
	{ "info", cmd_info },
	{ "export", cmd_export },
	{ "scrub", cmd_scrub },
};

static int run_verb(struct command *c)
{
	for (unsigned int i = 0; c->n_operands && i < N_ELEMENTS(verbs); i++) {
		if (strcmp(c->operand[0], verbs[i].name) != 0)
			continue;
		c->operand++;
		c->n_operands--;
		return verbs[i].run(c);
	}
	return cmd_show(c);
}

int main(int argc, char **argv)
{
	struct command c = { .by = VIEW_FUNCTION, .style = { .limit = 60, .min_percent = 0.5 } };
	struct err err = { 0 };
	int operand, status;

	log_init("ddprof-report");
	log_set_rooms(getenv("DDPROF_DEBUG"));
	filter_init(&c.pipeline.filter);
	if (opt_parse(options, &c, argc, argv, false, &operand, &err) < 0) {
		log_error("%s", err.text);
		return EXIT_USAGE;
	}
	c.operand = argv + operand;
	c.n_operands = argc - operand;
	if (c.help) {
		opt_print_help(options, &usage, stdout);
		status = EXIT_DONE;
	} else if (c.version) {
		printf("ddprof-report %s\n", PACKAGE_VERSION);
		status = EXIT_DONE;
	} else {
		status = run_verb(&c);
	}
	filter_done(&c.pipeline.filter);
	return status;
}
