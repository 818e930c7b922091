/*
 * How soon the recorder gets a CPU when it wakes: the rings fill while it waits for its turn.
 * What is allowed is taken and what is refused is left without a word: real time, else the highest
 * priority, else a short time slice, which everybody may ask for. Whoever works for long has no
 * right to be first: a long stretch, or a large share of a CPU, makes it ordinary for a while.
 * Of this thread alone: threads and processes that it makes start as ordinary ones.
 */
#ifndef RECORD_TURN_H
#define RECORD_TURN_H

#include <stdbool.h>
#include <stdint.h>

struct self_options;

enum {
	REALTIME_AUTO = 0,
	REALTIME_NO = -1,
	REALTIME_PRIORITY_MAX = 99,
	TURN_STRETCH_MS = 200,	 /* of real time without sleep */
	TURN_SHARE_PERCENT = 20, /* of a second, unless a priority was asked for */
};

struct turn {
	char text[24]; /* for the manifest: "realtime 1", "nice -20", "ordinary" */
	int priority;  /* of real time; 0: none */
	bool is_first, is_asked;
	bool needs_right;	   /* CAP_SYS_NICE, to be first again */
	uint64_t lapsed_ns;	   /* since when it is ordinary; 0: it is not */
	uint64_t from_ns, busy_ns; /* of this second */
};

/*
 * Once COMMAND and the inspectors exist, and before rights are given up. Whoever was started with
 * a nice value above 0 or another policy, or is given --nice, stays so. A priority that was asked
 * for and is refused is warned about.
 */
void turn_take(struct turn *t, const struct self_options *self);
/* Call often; looks once a second: gives the first place up, or takes it again. */
void turn_tick(struct turn *t, uint64_t now_ns);

#endif
