/*
 * What the command line asks for, as one table for all verbs. An option that means nothing to the
 * verb at hand is refused rather than ignored: each such setter notes the verbs it is for.
 */
#include "report/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/log.h"
#include "report/cmd.h"

enum {
	FOR_JSON = VERB_SHOW | VERB_INFO | VERB_MISSING | VERB_ANNOTATE | VERB_CACHE,
	FOR_OUTPUT = VERB_EXPORT,
};

/* The option was given, and is for these verbs alone. */
static struct command *given(void *ctx, const char *option, unsigned int verbs)
{
	struct command *c = ctx;

	for (unsigned int i = 0; i < c->n_given; i++)
		if (!strcmp(c->given[i].option, option))
			return c;
	if (c->n_given < N_ELEMENTS(c->given))
		c->given[c->n_given++] = (struct command_given){ option, verbs };
	return c;
}

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
	static const char *const names[] = {
		[VIEW_FUNCTION] = "function", [VIEW_MODULE] = "module",	  [VIEW_THREAD] = "thread",
		[VIEW_PROCESS] = "process",   [VIEW_ADDRESS] = "address", [VIEW_LINE] = "line",
	};

	for (unsigned int by = 0; by < N_ELEMENTS(names); by++) {
		if (strcmp(value, names[by]) != 0)
			continue;
		given(ctx, "by", VERB_SHOW)->by = (enum view_by)by;
		return 0;
	}
	return err_set(err, -EINVAL,
		       "'%s' is none of function, module, thread, process, address, line", value);
}

static int set_tree(void *ctx, const char *value, struct err *err)
{
	struct command *c = given(ctx, "tree", VERB_SHOW);

	c->form = FORM_TREE;
	c->callees_first = value && !strcmp(value, "callees");
	if (value && !c->callees_first && strcmp(value, "callers") != 0)
		return err_set(err, -EINVAL, "'%s' is none of callers, callees", value);
	return 0;
}

static int set_folded(void *ctx, const char *value, struct err *err)
{
	(void)value, (void)err;
	given(ctx, "folded", VERB_SHOW)->form = FORM_FOLDED;
	return 0;
}

static int set_json(void *ctx, const char *value, struct err *err)
{
	(void)value, (void)err;
	given(ctx, "json", FOR_JSON)->form = FORM_JSON;
	return 0;
}

static int set_limit(void *ctx, const char *value, struct err *err)
{
	struct command *c = given(ctx, "limit", VERB_SHOW | VERB_ANNOTATE | VERB_MISSING);
	unsigned long long n;
	char *end;

	if (!strcmp(value, "all")) {
		c->style.limit = 0;
		return 0;
	}
	n = strtoull(value, &end, 10);
	if (end == value || *end || *value < '0' || *value > '9' || !n || n > UINT32_MAX)
		return err_set(err, -EINVAL, "'%s' is neither a number of rows from 1 nor 'all'",
			       value);
	c->style.limit = (uint32_t)n;
	return 0;
}

static int set_min(void *ctx, const char *value, struct err *err)
{
	char *end;
	double percent = strtod(value, &end);

	if (end == value || *end || !(percent >= 0 && percent <= 100))
		return err_set(err, -EINVAL, "'%s' is not a percentage from 0 to 100", value);
	given(ctx, "min", VERB_SHOW)->style.min_percent = percent;
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

static int set_wall(void *ctx, const char *value, struct err *err)
{
	(void)value, (void)err;
	given(ctx, "wall", VERB_SHOW | VERB_EXPORT)->pipeline.wall = true;
	return 0;
}

static int set_merge(void *ctx, const char *value, struct err *err)
{
	(void)value, (void)err;
	given(ctx, "merge", VERB_SHOW | VERB_EXPORT | VERB_ANNOTATE | VERB_MISSING)->merge = true;
	return 0;
}

static int set_output(void *ctx, const char *value, struct err *err)
{
	(void)err;
	given(ctx, "output", FOR_OUTPUT)->output = value;
	return 0;
}

static int set_no_local_files(void *ctx, const char *value, struct err *err)
{
	(void)value, (void)err;
	((struct command *)ctx)->pipeline.no_local_files = true;
	return 0;
}

/* ---- names ---- */

static int set_lines(void *ctx, const char *value, struct err *err)
{
	(void)value, (void)err;
	given(ctx, "lines", VERB_SHOW)->style.lines = true;
	return 0;
}

static int set_yes_no(const char *value, bool *ret, struct err *err)
{
	*ret = !strcmp(value, "yes");
	if (!*ret && strcmp(value, "no") != 0)
		return err_set(err, -EINVAL, "'%s' is none of yes, no", value);
	return 0;
}

static int set_inline(void *ctx, const char *value, struct err *err)
{
	bool inlines;
	int status = set_yes_no(value, &inlines, err);

	if (status == 0)
		((struct command *)ctx)->pipeline.no_inlines = !inlines;
	return status;
}

/* "/a:/b", with nothing between two colons left out. */
static void add_paths(struct command_paths *to, const char *text)
{
	for (size_t n; *text; text += n + (text[n] == ':')) {
		n = strcspn(text, ":");
		if (n)
			command_paths_add(to, text, n);
	}
}

/*
 * The variable's folders are searched behind those of the options, whatever came first here:
 * opt_parse hands over its very value.
 */
static int set_debug_dir(void *ctx, const char *value, struct err *err)
{
	struct command *c = ctx;

	(void)err;
	if (c->configuring)
		command_paths_add(&c->debug_dir_config, value, strlen(value));
	else if (value == getenv(DEBUG_DIR_VARIABLE))
		add_paths(&c->debug_dir_later, value);
	else
		command_paths_add(&c->debug_dir, value, strlen(value));
	return 0;
}

static int set_debuginfod_urls(void *ctx, const char *value, struct err *err)
{
	(void)err;
	((struct command *)ctx)->pipeline.debug.debuginfod_urls = value;
	return 0;
}

static int set_debuginfod(void *ctx, const char *value, struct err *err)
{
	struct command *c = ctx;

	if (value && strstr(value, "://")) {
		c->pipeline.debug.debuginfod = true;
		return set_debuginfod_urls(ctx, value, err);
	}
	if (value && strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
		return err_set(err, -EINVAL, "'%s' is none of yes, no, http://SERVER", value);
	c->pipeline.debug.debuginfod = !value || !strcmp(value, "yes");
	return 0;
}

static int set_debuginfod_timeout(void *ctx, const char *value, struct err *err)
{
	enum { MOST_S = 3600 };
	char *end;
	double seconds = strtod(value, &end);

	if (end == value || *end || !(seconds >= 0.1 && seconds <= MOST_S))
		return err_set(err, -EINVAL, "'%s' is no number of seconds from 0.1 to %d", value,
			       MOST_S);
	((struct command *)ctx)->pipeline.debug.debuginfod_timeout_ms = (uint32_t)(seconds * 1000);
	return 0;
}

static int set_debuginfod_max_size(void *ctx, const char *value, struct err *err)
{
	uint64_t *to = &((struct command *)ctx)->pipeline.debug.debuginfod_max_bytes;

	if (command_parse_size(value, to) < 0 || !*to)
		return err_set(err, -EINVAL, "'%s' is no size like 512, 100K, 20M, 1G", value);
	return 0;
}

static int set_no_cache(void *ctx, const char *value, struct err *err)
{
	(void)value, (void)err;
	((struct command *)ctx)->pipeline.no_cache = true;
	return 0;
}

/* ---- single verbs ---- */

static int set_urls(void *ctx, const char *value, struct err *err)
{
	(void)value, (void)err;
	given(ctx, "urls", VERB_MISSING)->urls = true;
	return 0;
}

static int set_source_dir(void *ctx, const char *value, struct err *err)
{
	struct command *c = given(ctx, "source-dir", VERB_ANNOTATE);

	(void)err;
	command_paths_add(c->configuring ? &c->source_dir_config : &c->source_dir, value,
			  strlen(value));
	return 0;
}

static int set_context(void *ctx, const char *value, struct err *err)
{
	struct command *c = given(ctx, "context", VERB_ANNOTATE);
	unsigned long long n;
	char *end;

	if (!strcmp(value, "all")) {
		c->style.context = EXPORT_CONTEXT_ALL;
		return 0;
	}
	n = strtoull(value, &end, 10);
	if (end == value || *end || *value < '0' || *value > '9' || n > INT32_MAX)
		return err_set(err, -EINVAL, "'%s' is neither a number of lines nor 'all'", value);
	c->style.context = (uint32_t)n;
	return 0;
}

static int set_flatten_inlines(void *ctx, const char *value, struct err *err)
{
	(void)value, (void)err;
	given(ctx, "flatten-inlines", VERB_EXPORT)->flatten_inlines = true;
	return 0;
}

static int set_stacks(void *ctx, const char *value, struct err *err)
{
	struct command *c = given(ctx, "stacks", VERB_CONVERT);

	c->raw_stacks = !strcmp(value, "raw");
	if (!c->raw_stacks && strcmp(value, "scrub") != 0)
		return err_set(err, -EINVAL, "'%s' is none of raw, scrub", value);
	return 0;
}

static int set_max_size(void *ctx, const char *value, struct err *err)
{
	(void)err;
	given(ctx, "max-size", VERB_CACHE)->max_size = value;
	return 0;
}

static int set_older(void *ctx, const char *value, struct err *err)
{
	(void)err;
	given(ctx, "older", VERB_CACHE)->older = value;
	return 0;
}

/* ---- the terminal ---- */

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

/* Read before any option counts: see configuration.h. */
static int set_config(void *ctx, const char *value, struct err *err)
{
	(void)ctx, (void)value, (void)err;
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

const struct opt command_options[] = {
	{ 0, "by", "WHAT", NULL, "function", set_by,
	  "rows are: function, module, thread, process, address or line", false },
	{ 0, "tree", "ORDER", NULL, NULL, set_tree,
	  "tree of calls, 'callers' first (default) or 'callees' first", true },
	{ 0, "folded", NULL, NULL, NULL, set_folded,
	  "one line a distinct stack, root first, samples last", false },
	{ 0, "json", NULL, NULL, NULL, set_json, "for programs; also for info", false },
	{ 0, "lines", NULL, NULL, NULL, set_lines, "files and lines beside functions", false },
	{ 0, "inline", "YES|NO", NULL, "yes", set_inline,
	  "show inlined functions as frames of their own", false },
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
	{ 0, "wall", NULL, NULL, NULL, set_wall,
	  "all time of threads, on a CPU, asleep and waiting, as one event", false },
	{ 0, "merge", NULL, NULL, NULL, set_merge, "add up files of different recordings", false },
	{ 'o', "output", "FILE", NULL, NULL, set_output,
	  "export: where to write ('-' for standard output)", false },
	{ 0, "flatten-inlines", NULL, NULL, NULL, set_flatten_inlines,
	  "export: a location of its own for each inlined frame", false },
	{ 0, "debug-dir", "DIR", DEBUG_DIR_VARIABLE, NULL, set_debug_dir,
	  "debug files and packages (.deb, .rpm) lie here; may be repeated", false },
	{ 0, "debuginfod", "YES|NO|URLS", NULL, "no", set_debuginfod,
	  "ask debuginfod servers for what is missing", true },
	{ 0, "debuginfod-urls", "URLS", "DEBUGINFOD_URLS", NULL, set_debuginfod_urls,
	  "servers that --debuginfod asks", false },
	{ 0, "debuginfod-timeout", "SECONDS", NULL, "90", set_debuginfod_timeout,
	  "for one file of a server", false },
	{ 0, "debuginfod-max-size", "SIZE", NULL, "1G", set_debuginfod_max_size,
	  "of one file of a server", false },
	{ 0, "no-cache", NULL, NULL, NULL, set_no_cache,
	  "neither take names from the cache nor keep them there", false },
	{ 0, "no-local-files", NULL, NULL, NULL, set_no_local_files,
	  "use the recording alone, no file of this machine", false },
	{ 0, "source-dir", "DIR", NULL, NULL, set_source_dir,
	  "annotate: source files lie here; may be repeated", false },
	{ 0, "context", "LINES", NULL, "3", set_context,
	  "annotate: lines around those with samples, or 'all'", false },
	{ 0, "urls", NULL, NULL, NULL, set_urls, "missing: addresses for debuginfod", false },
	{ 0, "stacks", "HOW", NULL, "scrub", set_stacks, "convert: 'scrub' or 'raw' stacks",
	  false },
	{ 0, "max-size", "SIZE", NULL, NULL, set_max_size, "cache prune: keep at most this",
	  false },
	{ 0, "older", "DAYS", NULL, NULL, set_older, "cache prune: drop what is older", false },
	{ 0, "color", "WHEN", NULL, "auto", set_color,
	  "auto, always or never; auto hears $NO_COLOR", false },
	{ 0, "no-pager", NULL, NULL, NULL, set_no_pager,
	  "do not start $DDPROF_PAGER, $PAGER or less", false },
	{ 0, "config", "FILE", NULL, NULL, set_config, "defaults of options; 'none' for no file",
	  false },
	{ 'l', "log-level", "LEVEL", NULL, "notice", set_log_level,
	  "error, warning, notice, info or debug", false },
	{ 'h', "help", NULL, NULL, NULL, set_help, "print this and end", false },
	{ 'V', "version", NULL, NULL, NULL, set_version, "print the version and end", false },
	{ 0 },
};
