/* The verbs of ddprof-report and what the command line asked of them. */
#ifndef REPORT_CMD_H
#define REPORT_CMD_H

#include "report/export/export.h"
#include "report/pipeline.h"
#include "report/term.h"

struct profile;
struct recording;

enum command_form { FORM_FLAT, FORM_TREE, FORM_FOLDED, FORM_JSON };

struct command {
	struct pipeline_options pipeline;
	struct export_style style;
	enum command_form form;
	enum view_by by;
	bool callees_first;
	enum term_when colour;
	bool no_pager;
	const char *output; /* -o; NULL: not given */
	bool help, version;
	char **operand; /* without the verb; ends with NULL */
	int n_operands;
};

/*
 * Each prints its result or one line on stderr, and returns the exit status: 0 done, 1 failed, 2
 * wrong usage.
 */
int cmd_show(struct command *c);
int cmd_info(struct command *c);
int cmd_export(struct command *c);
int cmd_scrub(struct command *c);

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* ---- what verbs share: cmd.c ---- */

/* Prints "ddprof-report: TEXT, see --help" and returns EXIT_USAGE. */
int command_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The one operand, or ddprof.data. NULL after saying what is wrong. */
const char *command_file(const struct command *c);

/*
 * Runs the pipeline with progress, and says on stderr, in one line, what the file lacks: ended
 * abnormally, damaged from when to when, how many samples are gone. Negative with err set.
 */
int command_run(struct command *c, const char *path, struct recording **ret_recording,
		struct profile **ret, struct err *err);
void command_say_damage(const struct recording *r, const char *path);

#endif
