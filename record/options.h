/*
 * What ddprof-record is told: its option table, which is also --help, the environment, the
 * configuration file's keys and the shells' completions. Names, letters and variables are those of
 * Datadog's native profiler where it has the option; -v and -o are perf's.
 */
#ifndef RECORD_OPTIONS_H
#define RECORD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/log.h"
#include "common/base/opt.h"
#include "record/given.h"
#include "record/self.h"
#include "record/session.h"
#include "record/target.h"
#include "record/user.h"
#include "record/watcher/watcher.h"

enum { EXIT_WRONG_USAGE = 2 };

/* Flags of rows that are accepted for another program's sake. */
enum {
	OF_UPLOAD = GIVEN_NEXT_FLAG,
	OF_REPORT = GIVEN_NEXT_FLAG << 1,
	OF_LIBRARY = GIVEN_NEXT_FLAG << 2,
	OF_NOTHING = GIVEN_NEXT_FLAG << 3,
	OF_PERF = GIVEN_NEXT_FLAG << 4, /* refused: the help says what to type instead */
};

struct options {
	struct session_options session;
	struct watchers watchers;
	struct err refused; /* code != 0: why none of the events can be recorded here */
	const char *preset;
	uint32_t frequency_hz;
	uint64_t count; /* events between samples, instead; 0: not given */
	pid_t pids[TARGET_PIDS_MAX];
	struct self_options self;
	const char *user_name; /* --switch-user; NULL: stays */
	struct user user;
	bool enable, show_config, help, help_extended, version, event_help;
	const char *capture;	/* file of --capture-config, or NULL */
	const char *completion; /* shell, or NULL */
	const char *log_output; /* or NULL */
	enum log_level log_level;
	const char *config_name; /* file that was read, or NULL */
	struct given given;
	struct arena arena; /* of what the configuration says */
};

extern const struct opt options_table[]; /* ends with name NULL */
extern const struct opt_usage options_usage;

/*
 * Defaults, environment, configuration, command line; what contradicts what. Negative: wrong
 * usage, one line in err.
 */
int options_parse(struct options *o, int argc, char **argv, struct err *err);
void options_done(struct options *o);

bool options_have_target(const struct options *o);

/* --show-config: all options with their origins, and the events, as messages of any level. */
void options_show(const struct options *o);
/* --capture-config: what was given, except secrets, as a file that --config reads. */
int options_capture(const struct options *o, struct err *err);
/* --completion: a script for "bash", "zsh" or "fish". */
void options_complete(const char *shell, FILE *out);
/* Says once which options that were asked for here belong to another program. */
void options_tell_unused(const struct options *o);

#endif
