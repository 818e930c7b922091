/* The verbs of ddprof-report and what the command line asked of them. */
#ifndef REPORT_CMD_H
#define REPORT_CMD_H

#include "common/base/buf.h"
#include "report/export/export.h"
#include "report/pipeline.h"
#include "report/term.h"

struct config;
struct profile;
struct recording;

enum command_form { FORM_FLAT, FORM_TREE, FORM_FOLDED, FORM_JSON };

/* For which an option may be meant; a set of them. */
enum verb {
	VERB_SHOW = 1,
	VERB_INFO = 2,
	VERB_EXPORT = 4,
	VERB_SCRUB = 8,
	VERB_ANNOTATE = 16,
	VERB_MISSING = 32,
	VERB_CONVERT = 64,
	VERB_CACHE = 128,
};

#define DEBUG_DIR_VARIABLE "DDPROF_DEBUG_DIR"

struct command_paths {
	char **path;
	size_t n, cap;
};
void command_paths_add(struct command_paths *p, const char *path, size_t n);
void command_paths_done(struct command_paths *p);

/* An option that was given and that only some verbs know. */
struct command_given {
	const char *option;
	unsigned int verbs;
};

struct command {
	struct pipeline_options pipeline;
	struct export_style style;
	enum command_form form;
	enum view_by by;
	bool callees_first;
	enum term_when colour;
	bool no_pager;
	const char *output; /* -o; NULL: not given */
	bool flatten_inlines;
	/*
	 * Folders of debug files: of options; of the environment and of the configuration behind
	 * them. pipeline.debug.dir is made of all (command_ready).
	 */
	struct command_paths debug_dir, debug_dir_later, debug_dir_config;
	bool urls; /* missing */
	/* annotate; command_ready puts those of the configuration behind those of options */
	struct command_paths source_dir, source_dir_config;
	struct config *config; /* the file's text, which values point into; NULL: none was read */
	bool configuring;      /* setters are called for the configuration */
	bool raw_stacks;       /* convert */
	bool merge;	       /* different recordings are added up */
	struct buf files_text; /* command_files */
	const char *max_size, *older; /* cache prune; NULL: not given */
	struct command_given given[16];
	unsigned int n_given;
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
int cmd_annotate(struct command *c);
int cmd_missing(struct command *c);
int cmd_convert(struct command *c);
int cmd_cache(struct command *c);
/* Has options of its own: argv[0] is "addr2line". */
int cmd_addr2line(int argc, char **argv);

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* ---- what verbs share: cmd.c ---- */

/* Prints "ddprof-report: TEXT, see --help" and returns EXIT_USAGE. */
int command_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * After parsing: refuses options that are not for this verb (EXIT_USAGE, said), and joins the
 * folders. 0: go on.
 */
int command_ready(struct command *c, const char *verb_name, enum verb verb);
void command_done(struct command *c);

/* "512", "100K", "20M", "1G" in bytes. -EINVAL. */
int command_parse_size(const char *text, uint64_t *ret);

/* ---- cmd_run.c ---- */

/* The operands, or ddprof.data, as the user would give them again. Lives as long as c. */
const char *command_files(struct command *c);

/*
 * The profile of the operands, with progress; says on stderr, in one line for each recording, what
 * it lacks: ended abnormally, damaged from when to when, how many samples are gone. Several
 * recordings are added up with --merge alone; then *ret_recording is the first. Negative with err
 * set.
 */
int command_run(struct command *c, struct recording **ret_recording, struct profile **ret,
		struct err *err);
void command_say_damage(const struct recording *r, const char *path);

#endif
