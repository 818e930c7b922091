/*
 * Real time has a belt: RLIMIT_RTTIME sends SIGXCPU after a stretch without sleep, and its handler
 * makes an ordinary task of us. To come back takes a right: RLIMIT_RTPRIO or RLIMIT_NICE is raised
 * for it, or CAP_SYS_NICE is kept where that is refused.
 * Source: sched(7), sched_setattr(2), getrlimit(2); slices of ordinary tasks: Linux 6.12,
 * kernel/sched/syscalls.c, __setparam_fair.
 */
#include "record/turn.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/base/bits.h"
#include "common/base/log.h"
#include "record/self.h"

enum { NICE_MIN = -20, SLICE_NS = 100000, PRIORITY_USUAL = 1 };

static const uint64_t second_ns = 1000000000;

/* struct sched_attr, version 0; libcs differ in whether they declare it. */
struct attributes {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime_ns, deadline_ns, period_ns;
};

static volatile sig_atomic_t lapsed;

static int set(int policy, int nice, int priority)
{
	struct attributes a = {
		.size = sizeof(a),
		.policy = (uint32_t)policy,
		.flags = 1, /* SCHED_FLAG_RESET_ON_FORK */
		.nice = nice,
		.priority = (uint32_t)priority,
		.runtime_ns = policy == SCHED_OTHER ? SLICE_NS : 0,
	};

	return syscall(SYS_sched_setattr, 0, &a, 0) == 0 ? 0 : -errno;
}

/* 0: no real time, the highest priority */
static int set_first(int priority)
{
	return priority ? set(SCHED_RR, 0, priority) : set(SCHED_OTHER, NICE_MIN, 0);
}

/* Whole processes are sent SIGXCPU; the recorder's other threads block it. */
static void on_stretch(int signal)
{
	int code = errno;

	(void)signal;
	set(SCHED_OTHER, 0, 0);
	lapsed = 1;
	errno = code;
}

static bool raise_limit(int which, rlim_t wanted)
{
	struct rlimit limit;

	if (getrlimit(which, &limit) < 0)
		return false;
	if (limit.rlim_cur >= wanted)
		return true;
	limit.rlim_cur = wanted;
	limit.rlim_max = MAX(limit.rlim_max, wanted);
	return setrlimit(which, &limit) == 0;
}

static bool put_belt_on(void)
{
	struct sigaction action = { .sa_handler = on_stretch, .sa_flags = SA_RESTART };
	struct rlimit limit;

	if (getrlimit(RLIMIT_RTTIME, &limit) < 0 || sigaction(SIGXCPU, &action, NULL) < 0)
		return false;
	limit.rlim_cur = MIN(limit.rlim_cur, (rlim_t)TURN_STRETCH_MS * 1000);
	return setrlimit(RLIMIT_RTTIME, &limit) == 0;
}

/* Somebody thought about it before us: `nice ddprof-record`, chrt. */
static bool is_placed(void)
{
	return getpriority(PRIO_PROCESS, 0) > 0 || sched_getscheduler(0) != SCHED_OTHER;
}

static void tell_refused(int priority, int code)
{
	log_warning("cannot have real-time priority %d: %s; CAP_SYS_NICE or RLIMIT_RTPRIO "
		    "(ulimit -r %d) allows it",
		    priority, strerror(-code), priority);
}

/* Of those that are allowed, the first. */
static void take_first(struct turn *t)
{
	int r = put_belt_on() ? set_first(t->priority) : -EPERM;

	if (r == 0)
		t->needs_right = !raise_limit(RLIMIT_RTPRIO, (rlim_t)t->priority);
	else if (t->is_asked)
		tell_refused(t->priority, r);
	if (r < 0) {
		t->needs_right = !raise_limit(RLIMIT_NICE, 20 - NICE_MIN);
		t->priority = 0;
		r = set_first(0);
	}
	t->is_first = r == 0;
	if (r < 0)
		set(SCHED_OTHER, getpriority(PRIO_PROCESS, 0), 0);
}

static uint64_t own_busy_ns(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) < 0)
		return 0;
	return (uint64_t)t.tv_sec * second_ns + (uint64_t)t.tv_nsec;
}

void turn_take(struct turn *t, const struct self_options *self)
{
	*t = (struct turn){ .is_asked = self->realtime > 0, .busy_ns = own_busy_ns() };
	t->priority = t->is_asked ? self->realtime : PRIORITY_USUAL;
	lapsed = 0;
	if (!self->has_nice && self->realtime != REALTIME_NO && (t->is_asked || !is_placed()))
		take_first(t);
	int nice = getpriority(PRIO_PROCESS, 0);
	if (t->is_first && t->priority)
		snprintf(t->text, sizeof(t->text), "realtime %d", t->priority);
	else if (nice)
		snprintf(t->text, sizeof(t->text), "nice %d", nice);
	else
		snprintf(t->text, sizeof(t->text), "ordinary");
	log_debug("turn", "the recorder's turn: %s", t->text);
}

static void give_up(struct turn *t, uint64_t now_ns)
{
	set(SCHED_OTHER, 0, 0);
	lapsed = 0;
	t->lapsed_ns = now_ns;
}

void turn_tick(struct turn *t, uint64_t now_ns)
{
	if (!t->is_first || (!lapsed && now_ns - t->from_ns < second_ns))
		return;
	uint64_t busy_ns = own_busy_ns(), used_ns = busy_ns - t->busy_ns;
	bool is_much = !t->is_asked && used_ns * 100 > (now_ns - t->from_ns) * TURN_SHARE_PERCENT;

	if (lapsed || (is_much && !t->lapsed_ns)) {
		log_debug("turn", "an ordinary task for a while: busy_us=%llu of_us=%llu",
			  (unsigned long long)used_ns / 1000,
			  (unsigned long long)(now_ns - t->from_ns) / 1000);
		give_up(t, now_ns);
	} else if (!is_much && t->lapsed_ns) {
		int r = set_first(t->priority);

		log_debug("turn", "first again: %s", r ? strerror(-r) : "yes");
		t->lapsed_ns = 0;
		t->is_first = r == 0;
	}
	t->from_ns = now_ns;
	t->busy_ns = busy_ns;
}
