/*
 * Time off CPUs: pairs the moments at which threads leave and enter CPUs, and puts the time between
 * them on the stack with which they left. Two sources come of one: asleep until woken, and waiting
 * for a CPU. Every nanosecond between the first and the last word on a thread is counted once:
 *
 *	 runs | asleep | waiting | runs | waiting | runs
 *	     out     woken       in   preempted   in
 */
#ifndef REPORT_OFFCPU_H
#define REPORT_OFFCPU_H

#include <stdbool.h>
#include <stdint.h>

#include "common/format/event.h"
#include "report/profile/filter.h"

struct err;
struct offcpu;
struct profile;
struct recording;
struct unwinder;

/* Who a thread is now, in the profile and for its filters. */
typedef uint32_t offcpu_thread(void *ctx, uint32_t pid, uint32_t tid, const char **ret_comm);

struct offcpu_options {
	const struct filter *filter;
	struct profile *profile;
	struct unwinder *unwinder;
	const struct recording *recording;
	offcpu_thread *thread;
	void *ctx; /* of thread */
};

/* Never NULL; does nothing in recordings without off-CPU time. All in *o is lent for its life. */
struct offcpu *offcpu_new(const struct offcpu_options *o);
void offcpu_free(struct offcpu *o);

/* Whether samples of this source are of threads that leave a CPU. */
bool offcpu_is_source(struct offcpu *o, uint8_t source);

/* Each event in time order, before it is applied to spaces. */
void offcpu_event(struct offcpu *o, const struct event *event);
/* After a sample of such a source: its stack is this node of the profile. */
void offcpu_stack(struct offcpu *o, const struct event *event, uint32_t node);

/* Nothing follows: whoever is still off a CPU has been until last_ns. May put advice. */
void offcpu_finish(struct offcpu *o, uint64_t last_ns);

/*
 * All time, on CPUs and off them, as one source "wall": off-CPU time ends in a frame that says what
 * it is. Other sources go. -ENODATA: there is no off-CPU time.
 */
int offcpu_wall(struct profile *p, struct unwinder *u, struct err *err);

#endif
