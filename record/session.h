/*
 * One recording from start to end: the only place that knows the order of the rooms.
 *	kernel -> (inspector's snapshots) -> sink -> file
 */
#ifndef RECORD_SESSION_H
#define RECORD_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "record/inspect/inspect.h"
#include "record/long_run.h"
#include "record/sink/sink.h"
#include "record/watcher/watcher.h"

struct self_options;
struct user;

enum { EXIT_OWN_FAILURE = 125 };

struct session_options {
	char **argv;	   /* COMMAND; NULL: attach or the whole system */
	const pid_t *pids; /* to attach to */
	size_t n_pids;
	bool whole_system;
	const char *output;		 /* "-": standard output */
	const struct watchers *watchers; /* resolved */
	enum sink_stacks stacks;
	uint32_t stack_bytes; /* 0: as much as the rings take */
	enum inspect_embed embed;
	uint64_t duration_ns; /* 0: until the target ends */
	uint32_t max_overhead_permyriad; /* of one CPU; 0: no limit */
	struct long_run_options long_run;
	bool inherit; /* also what the target starts later */
	const struct self_options *self;
	const struct user *user; /* that COMMAND runs as; NULL: as we do */
	const char *user_name;
	/* What the user says of the recording, for the manifest; NULL: nothing. */
	const char *service, *environment, *service_version, *tags;
};

/* The program's exit status: COMMAND's own, or EXIT_OWN_FAILURE. Says on stderr what came of it. */
int session_run(const struct session_options *options);

#endif
