/*
 * The recorder's list of files that describe code made at run time: which process showed that it
 * makes code, what is to be asked of the inspector next, and how far it has read, so that another
 * inspector can go on. Private to the room. Allocates a path for each file, nothing else.
 */
#ifndef RECORD_INSPECT_WATCH_H
#define RECORD_INSPECT_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "common/format/event.h"
#include "record/inspect/message.h"

enum { WATCHES_MAX = 512 };

struct watch {
	uint32_t pid;
	bool told;     /* the inspector looks at it */
	bool ending;   /* its process ended, or may have: one last look */
	bool replaced; /* by exec: one last look in any case */
	bool again;    /* and then anew: the program after the exec makes code too */
	struct message_jit jit;
	char *path; /* NULL: the perf map */
};

struct watches {
	struct watch at[WATCHES_MAX];
	uint32_t n;
	uint64_t n_refused; /* for want of room */
	uint64_t look_ns;   /* when LOOK was last asked */
	bool final_due;
	bool look_due; /* without waiting for its time */
	/* the request that is out: message_type, 0: none; its pid and kind */
	uint32_t asked, asked_pid, asked_kind;
};

void watches_done(struct watches *w);

/*
 * An event of the kernel or of a snapshot: executable memory without a file shows a process that
 * may have a perf map, a mapped jit-PID.dump one that writes it; exit and exec end both.
 */
void watches_note(struct watches *w, const struct event *event);

struct watch_request {
	enum message_type type;
	uint32_t pid;
	struct message_jit jit;
	const char *path; /* "" when there is none */
};
/* What is to be asked now; false: nothing. */
bool watches_next(struct watches *w, uint64_t now_ns, struct watch_request *ret);
bool watches_idle(const struct watches *w); /* nothing is due, except looks while it runs */

void watches_take_state(struct watches *w, uint32_t pid, const struct message_jit *state);
void watches_take_done(struct watches *w, int code);
/* The inspector was lost over the request that is out; a new one knows nothing. */
void watches_restart(struct watches *w);

#endif
