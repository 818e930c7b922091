/*
 * A recording while it runs: what session.c starts and ends, and session_loop.c turns. Private to
 * these two.
 */
#ifndef RECORD_SESSION_STATE_H
#define RECORD_SESSION_STATE_H

#include <poll.h>
#include <signal.h>

#include "record/control.h"
#include "record/govern.h"
#include "record/hidden.h"
#include "record/kernel/kernel.h"
#include "record/meter.h"
#include "record/pace.h"
#include "record/session.h"
#include "record/target.h"
#include "record/thin.h"
#include "record/trigger.h"
#include "record/turn.h"

enum { POLL_OTHERS = 3, UNKNOWN_PIDS = 256, CHANGE_PIDS = 1024 };

struct unknown_pid {
	uint32_t pid;
	uint64_t asked_ns;
};

struct session {
	const struct session_options *options;
	sigset_t old_mask;
	int signal_fd;
	struct target target;
	struct kernel *kernel;
	struct inspector *inspector;
	struct sink *sink;
	struct pollfd *fds; /* rings, then signals, the inspector, commands */
	size_t n_rings;
	uint64_t start_ns, losses_ns, now_ns;
	struct unknown_pid unknown[UNKNOWN_PIDS];
	struct hidden hidden;
	uint64_t change_ns[CHANGE_PIDS]; /* of mappings, of the last pid that fell on this place */
	uint32_t stale_pid;		 /* whose snapshot is not taken */
	uint64_t file_due_ns;		 /* since when the next file is due; 0: it is not */
	bool file_wanted;		 /* somebody asked for it */
	struct trigger trigger;
	struct control control;
	bool whole_cpus;	   /* events of CPUs, not of tasks: no exec ends them */
	bool paused, drop_samples; /* all are; drop: the kernel cannot pause them alone */
	uint32_t paused_sources;   /* a bit for each */
	bool delay_over;	   /* of --delay */
	uint64_t paused_ns;	   /* since when */
	size_t n_gone;		   /* attached processes that ended */
	uint64_t drained_ns;	   /* when the rings were read last */
	uint64_t longest_ns;	   /* between two looks at the rings */
	int n_interrupts;
	struct pace pace;
	struct turn turn;
	struct govern govern;
	struct meter meter;
	struct govern_use use; /* so far */
	struct thin thin[WATCHERS_MAX];
	uint8_t level[WATCHERS_MAX];	/* of govern, as applied */
	struct event_governed governed; /* likewise */
	uint64_t told_ns;		/* of our CPU time, to the counters */
	uint64_t counted_ns;		/* of the target's, likewise */
	bool helpless_told;
	bool stop;
};

/* What the rooms tell each other: on_object and on_kernel of the sink, the inspector's answers. */
void session_on_object(void *ctx, const struct space *space, const struct mapping *mapping);
void session_on_kernel(void *ctx, uint64_t pc);
struct inspect_sink session_answers(struct session *s);

/* session_long.c: limits, segments */
void session_on_file(void *ctx, const struct sink_file *file);
void session_long_tick(struct session *s);		    /* may set stop */
bool session_writes_when_asked(const struct session *s);
void session_want_file(struct session *s, const char *why); /* a snapshot, or the next segment */
/* Every second: what each source counted so far. */
void session_look_at_cpu(struct session *s, const uint64_t *count);

/* session_commands.c: --start-paused, --delay, --control */
void session_begin_paused(struct session *s);
void session_count_pause(struct session *s);
void session_read_commands(struct session *s); /* may set stop */

/* session_govern.c: what the recorder itself costs. Once a round; whether a sample is kept. */
void session_govern_begin(struct session *s); /* the kernel is open */
void session_govern(struct session *s);
void session_govern_end(struct session *s); /* what it came to */
unsigned int session_meter_kind(const struct session *s, const struct event *event, bool kept);
bool session_thin(struct session *s, struct event *event); /* may change its weight */

void session_drain(struct session *s, bool all); /* rings -> sink */
void session_read_signals(struct session *s);	 /* may set stop */
void session_loop(struct session *s);		 /* until stop */
/* Events off; everything that was counted comes into the file; says what came of it. */
void session_finish(struct session *s);

#endif
