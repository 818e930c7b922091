/* own.c: which processes are our inspectors, by what the kernel tells. */
#include "record/inspect/own.h"

#include "common/format/event.h"
#include "tests/unit/check.h"

static void note(struct own *o, uint32_t pid, uint32_t tid, uint32_t ppid)
{
	struct event e = { .type = EVENT_FORK, .pid = pid, .tid = tid, .fork = { .ppid = ppid } };

	own_note(o, &e);
}

static void later_ones(void)
{
	struct own o = { .maker = 10 };

	own_add(&o, 11);
	note(&o, 12, 12, 10);
	CHECK_TRUE(own_has(&o, 10) && own_has(&o, 11) && own_has(&o, 12));
	CHECK_TRUE(!own_has(&o, 0) && !own_has(&o, 13));
}

static void reused(void)
{
	struct own o = { .maker = 10 };

	own_add(&o, 11);
	note(&o, 11, 14, 11); /* a thread of its own: still ours */
	CHECK_TRUE(own_has(&o, 11));
	note(&o, 11, 11, 77);
	CHECK_TRUE(!own_has(&o, 11));
	CHECK_TRUE(own_has(&o, 10));
}

static void many(void)
{
	struct own o = { .maker = 1 };

	for (uint32_t pid = 100; pid < 200; pid++)
		note(&o, pid, pid, 1);
	for (uint32_t pid = 200 - OWN_PIDS; pid < 200; pid++)
		CHECK_TRUE(own_has(&o, pid));
	CHECK_TRUE(!own_has(&o, 100));
}

static void nobody(void)
{
	struct own o = { .maker = 0 };

	note(&o, 5, 5, 0);
	CHECK_TRUE(!own_has(&o, 5) && !own_has(&o, 0));
}

SUITE(inspect_own, { "an inspector made later is ours too", later_ones },
      { "a pid that is given to somebody else is ours no longer", reused },
      { "of many the last ones are kept", many }, { "without a maker nobody is ours", nobody }, )
