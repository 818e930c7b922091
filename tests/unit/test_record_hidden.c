/* Processes that may not be looked into: each is counted once while it lives. */
#include "record/hidden.h"
#include "tests/unit/check.h"

static void once(void)
{
	struct hidden h = { .n = 0 };

	CHECK_TRUE(!hidden_has(&h, 7));
	CHECK_TRUE(hidden_add(&h, 7));
	CHECK_TRUE(!hidden_add(&h, 7));
	CHECK_TRUE(hidden_add(&h, 8));
	hidden_remove(&h, 7);
	hidden_remove(&h, 7);
	CHECK_TRUE(!hidden_has(&h, 7));
	CHECK_TRUE(hidden_has(&h, 8));
	CHECK_TRUE(hidden_add(&h, 7));
}

static void many(void)
{
	static struct hidden h;

	for (uint32_t pid = 1; pid <= HIDDEN_MAX; pid++)
		CHECK_TRUE(hidden_add(&h, pid));
	CHECK_TRUE(!hidden_add(&h, 5000));
	hidden_remove(&h, 1);
	CHECK_TRUE(hidden_add(&h, 5000));
	CHECK_TRUE(hidden_has(&h, HIDDEN_MAX));
}

SUITE(record_hidden, { "a process is new once while it lives", once },
      { "no more are remembered than there is room for", many }, )
