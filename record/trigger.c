#include "record/trigger.h"

bool trigger_look(struct trigger *t, uint64_t now_ns, uint64_t busy_ns, uint32_t percent,
		  uint64_t for_ns)
{
	uint64_t from_ns = t->seen_ns, busy_before_ns = t->seen_busy_ns;

	t->seen_ns = now_ns;
	t->seen_busy_ns = busy_ns;
	if (!from_ns || now_ns <= from_ns || busy_ns < busy_before_ns)
		return false;
	double used = (double)(busy_ns - busy_before_ns) * 100 / (double)(now_ns - from_ns);
	if (used < percent) {
		t->above_ns = 0;
		t->fired = false;
		return false;
	}
	if (!t->above_ns)
		t->above_ns = from_ns;
	if (t->fired || now_ns - t->above_ns < for_ns)
		return false;
	t->fired = true;
	return true;
}
