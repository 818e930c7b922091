/*
 * How the loop waits for the rings. Ordinarily it sleeps in poll, and a quarter of a full ring
 * wakes it. But at each exit of a task that inherited an event Linux wakes whoever sleeps on it
 * ("Kick perf_poll() for is_event_hup()", kernel/events/core.c); poll finds nothing and sleeps
 * again, at 7 us a time: three quarters of what a storm of processes cost. While tasks end in
 * numbers the loop does not sleep on the rings but looks at them by the clock, often enough that
 * none fills. Pure arithmetic.
 */
#ifndef RECORD_PACE_H
#define RECORD_PACE_H

#include <stdbool.h>
#include <stdint.h>

enum { PACE_MS = 50, PACE_STORM_MS = 8 }; /* longest pause: asleep on the rings; by the clock */

struct pace {
	uint64_t from_ns; /* n_exits were counted since */
	uint64_t n_exits;
	bool by_clock; /* do not sleep on the rings */
	int pause_ms;  /* while by_clock */
};

/* One round is over: tasks that ended in it, and how full the fullest ring was found. */
void pace_round(struct pace *p, uint64_t now_ns, uint64_t n_exits, unsigned int fill_percent);
int pace_pause_ms(const struct pace *p);

#endif
