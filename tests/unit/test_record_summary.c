#include "record/summary.h"
#include "tests/unit/check.h"

static void losses_by_reason(void)
{
	struct summary s = { .exact_lost = true };
	char text[256];

	s.counters.n[COUNTER_SAMPLES_STORED] = 100;
	s.counters.n[COUNTER_SAMPLES_DROPPED_FILTER] = 5; /* nobody asked for them */
	summary_losses(&s, text, sizeof(text));
	CHECK_STR(text, "");
	s.counters.n[COUNTER_SAMPLES_LOST_KERNEL] = 9;
	summary_losses(&s, text, sizeof(text));
	CHECK_STR(text, "lost 9 of 109 samples: 9 ring full");
	s.counters.n[COUNTER_SAMPLES_DROPPED_WRITE] = 2;
	s.exact_lost = false;
	summary_losses(&s, text, sizeof(text));
	CHECK_STR(text, "lost at least 11 of 111 samples: 9 ring full, 2 output refused");
	summary_losses(&s, text, 20);
	CHECK_STR(text, "lost at least 11 of");
}

SUITE(record_summary,
      { "losses are told by reason, and nothing when there are none", losses_by_reason }, )
