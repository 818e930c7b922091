/* turn.c: who is first, who stays as it was started, and what makes it give way; in children. */
#include "record/turn.h"

#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/base/io.h"
#include "record/self.h"
#include "tests/unit/check.h"

enum { RESET = 0x40000000 }; /* SCHED_RESET_ON_FORK, as sched_getscheduler() tells it */

static int policy(void)
{
	return sched_getscheduler(0) & ~RESET;
}

static double cpu_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void work(double seconds)
{
	for (double end = cpu_s() + seconds; cpu_s() < end;)
		;
}

/* 77: real time is not to be had here, which is no failure */
static int in_child(int (*run)(void))
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(run());
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status) == 77 ? 0 : WEXITSTATUS(status);
}

static int first(void)
{
	struct self_options self = { .has_nice = false };
	struct turn t;

	setpriority(PRIO_PROCESS, 0, 0);
	turn_take(&t, &self);
	if (!strcmp(t.text, "realtime 1"))
		return policy() != SCHED_RR;
	if (!strcmp(t.text, "nice -20"))
		return policy() != SCHED_OTHER || getpriority(PRIO_PROCESS, 0) != -20;
	return policy() != SCHED_OTHER || t.is_first;
}

static int children_are_ordinary(void)
{
	struct self_options self = { .has_nice = false };
	struct turn t;
	int status = -1;

	turn_take(&t, &self);
	pid_t pid = fork();
	if (pid == 0)
		_exit(policy() != SCHED_OTHER || getpriority(PRIO_PROCESS, 0) < 0);
	waitpid(pid, &status, 0);
	return status != 0;
}

static int given_nice(void)
{
	struct self_options self = { .has_nice = true, .nice = 7 };
	struct turn t;

	setpriority(PRIO_PROCESS, 0, 7);
	turn_take(&t, &self);
	return policy() != SCHED_OTHER || strcmp(t.text, "nice 7");
}

static int started_so(void)
{
	struct self_options self = { .has_nice = false };
	struct turn t;

	setpriority(PRIO_PROCESS, 0, 19);
	turn_take(&t, &self);
	return policy() != SCHED_OTHER || strcmp(t.text, "nice 19");
}

static int not_wanted(void)
{
	struct self_options self = { .realtime = REALTIME_NO };
	struct turn t;
	int nice = getpriority(PRIO_PROCESS, 0);

	turn_take(&t, &self);
	return policy() != SCHED_OTHER || getpriority(PRIO_PROCESS, 0) != nice || t.is_first;
}

static int asked_for(void)
{
	struct self_options self = { .realtime = 3 };
	struct turn t;
	struct sched_param param;

	turn_take(&t, &self);
	if (!t.is_first)
		return 77;
	return sched_getparam(0, &param) < 0 || (t.priority && param.sched_priority != 3);
}

static int long_stretch(void)
{
	struct self_options self = { .realtime = 1 };
	uint64_t now_ns = io_monotonic_ns();
	struct turn t;

	turn_take(&t, &self);
	if (!t.priority)
		return 77;
	for (int i = 0; i < 40 && policy() == SCHED_RR; i++)
		work(0.05);
	if (policy() != SCHED_OTHER)
		return 1;
	turn_tick(&t, now_ns);
	if (!t.lapsed_ns)
		return 2;
	turn_tick(&t, now_ns + 500000000);
	if (policy() != SCHED_OTHER)
		return 3;
	turn_tick(&t, now_ns + 1000000000);
	return policy() == SCHED_RR && !t.lapsed_ns ? 0 : 4;
}

static int large_share(void)
{
	struct self_options self = { .has_nice = false };
	uint64_t now_ns = io_monotonic_ns();
	struct turn t;

	setpriority(PRIO_PROCESS, 0, 0);
	turn_take(&t, &self);
	if (!t.is_first)
		return 77;
	turn_tick(&t, now_ns);
	for (int i = 0; i < 5; i++) {
		work(0.05);
		usleep(1000);
	}
	turn_tick(&t, now_ns += 1000000000);
	if (policy() != SCHED_OTHER || getpriority(PRIO_PROCESS, 0) < 0)
		return 1;
	turn_tick(&t, now_ns += 1000000000);
	return t.lapsed_ns ||
	       (t.priority ? policy() != SCHED_RR : getpriority(PRIO_PROCESS, 0) >= 0);
}

#define IN_CHILD(name)                        \
	static void name##_in_child(void)     \
	{                                     \
		CHECK_INT(in_child(name), 0); \
	}

IN_CHILD(first)
IN_CHILD(children_are_ordinary)
IN_CHILD(given_nice)
IN_CHILD(started_so)
IN_CHILD(not_wanted)
IN_CHILD(asked_for)
IN_CHILD(long_stretch)
IN_CHILD(large_share)

SUITE(record_turn, { "the first place that is allowed is taken, and named", first_in_child },
      { "what the recorder starts is ordinary", children_are_ordinary_in_child },
      { "a nice value that was given stays", given_nice_in_child },
      { "whoever was started with a nice value keeps it", started_so_in_child },
      { "no means no", not_wanted_in_child },
      { "a priority that was asked for is had", asked_for_in_child },
      { "a long stretch of work ends real time for a second", long_stretch_in_child },
      { "a large share of a CPU gives way until it is calm", large_share_in_child }, )
