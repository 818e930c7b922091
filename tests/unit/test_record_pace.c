/* pace.c: when the loop looks by the clock, and how often. */
#include "record/pace.h"
#include "tests/unit/check.h"

static const uint64_t ms = 1000000;

/* Rounds as long as they want to be. Returns the time. */
static uint64_t rounds(struct pace *p, uint64_t now_ns, unsigned int n, uint64_t exits,
		       unsigned int fill_percent)
{
	for (unsigned int i = 0; i < n; i++) {
		now_ns += (uint64_t)pace_pause_ms(p) * ms;
		pace_round(p, now_ns, exits, fill_percent);
	}
	return now_ns;
}

static void few_exits(void)
{
	struct pace p = { 0 };

	rounds(&p, 5000 * ms, 40, 4, 90); /* 80 a second, rings nearly full */
	CHECK_TRUE(!p.by_clock);
	CHECK_INT(pace_pause_ms(&p), PACE_MS);
}

static void storm(void)
{
	struct pace p = { 0 };

	uint64_t now_ns = rounds(&p, 5000 * ms, 1, 25, 1);
	CHECK_TRUE(p.by_clock);
	now_ns = rounds(&p, now_ns, 100, 4, 1); /* 500 a second, in small rounds */
	CHECK_TRUE(p.by_clock);
	CHECK_INT(pace_pause_ms(&p), PACE_STORM_MS);
	rounds(&p, now_ns, 30, 0, 1);
	CHECK_TRUE(!p.by_clock);
	CHECK_INT(pace_pause_ms(&p), PACE_MS);
}

static void full_rings(void)
{
	struct pace p = { 0 };

	uint64_t now_ns = rounds(&p, 5000 * ms, 1, 1000, 1);
	now_ns = rounds(&p, now_ns, 3, 1000, 40);
	CHECK_INT(pace_pause_ms(&p), 1);
	now_ns = rounds(&p, now_ns, 2, 1000, 60);
	CHECK_INT(pace_pause_ms(&p), 1);
	rounds(&p, now_ns, 4, 1000, 5);
	CHECK_INT(pace_pause_ms(&p), PACE_STORM_MS);
}

SUITE(record_pace, { "where few tasks end the loop sleeps on the rings", few_exits },
      { "in a storm of exits it looks by the clock, and not longer", storm },
      { "rings that fill are looked at more often", full_rings }, )
