#include "record/thin.h"

#include "common/base/bits.h"

/* xorshift64: what is sampled must not guess along, but nobody attacks. */
static uint64_t next_random(struct thin *t)
{
	t->random ^= t->random << 13;
	t->random ^= t->random >> 7;
	t->random ^= t->random << 17;
	return t->random;
}

static void next_stretch(struct thin *t)
{
	t->at = next_random(t) % t->stretch;
}

void thin_begin(struct thin *t, uint64_t stretch)
{
	if (!t->random)
		t->random = UINT64_C(0x9e3779b97f4a7c15) ^ (uintptr_t)t;
	t->stretch = stretch;
	t->seen = 0;
	if (stretch)
		next_stretch(t);
}

/* Whether the chosen place of this stretch was passed; only once. */
static uint64_t passed(struct thin *t)
{
	if (t->at >= MIN(t->seen, t->stretch))
		return 0;
	t->at = t->stretch;
	return 1;
}

bool thin_take(struct thin *t, uint64_t *weight)
{
	if (!t->stretch)
		return true;
	uint64_t n = *weight / t->stretch; /* a whole stretch has one place for sure */

	t->seen += *weight % t->stretch;
	n += passed(t);
	if (t->seen >= t->stretch) {
		t->seen -= t->stretch;
		next_stretch(t);
		n += passed(t);
	}
	*weight = n * t->stretch;
	return n != 0;
}
