/*
 * What ddprof-record is told: its option table, which is also --help, the environment, the
 * configuration file's keys and the shells' completions. Names, letters and variables are those of
 * Datadog's native profiler where it has the option.
 */
#ifndef RECORD_OPTIONS_H
#define RECORD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base/opt.h"
#include "record/session.h"
#include "record/target.h"
#include "record/watcher/watcher.h"

struct err;

enum { EXIT_WRONG_USAGE = 2 };

struct options {
	struct session_options session;
	struct watchers watchers;
	const char *preset;
	uint32_t frequency_hz;
	pid_t pids[TARGET_PIDS_MAX];
	bool help, version, event_help;
};

extern const struct opt options_table[]; /* ends with name NULL */
extern const struct opt_usage options_usage;

/* Defaults, environment, command line. -EINVAL: wrong usage, one line in err. */
int options_parse(struct options *o, int argc, char **argv, struct err *err);

#endif
