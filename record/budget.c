#include "record/budget.h"

#include "common/base/bits.h"

static const uint64_t second_ns = 1000000000;
enum { DEBT_SECONDS = 10 };

uint64_t budget_income_ns(const struct budget *b, uint64_t ns)
{
	return ns / 10000 * b->permyriad;
}

static int64_t most_ns(const struct budget *b)
{
	return (int64_t)budget_income_ns(b, BUDGET_SECONDS * second_ns);
}

void budget_begin(struct budget *b, uint64_t now_ns, uint64_t spent_ns)
{
	b->from_ns = now_ns;
	b->spent_ns = spent_ns;
	b->saved_ns = most_ns(b);
}

int64_t budget_left_ns(const struct budget *b, uint64_t now_ns, uint64_t spent_ns)
{
	return b->saved_ns + (int64_t)budget_income_ns(b, now_ns - b->from_ns) -
	       (int64_t)(spent_ns - b->spent_ns);
}

void budget_settle(struct budget *b, uint64_t now_ns, uint64_t spent_ns)
{
	int64_t left_ns = budget_left_ns(b, now_ns, spent_ns);

	/* What cannot be paid off, since nothing is left to leave out, ends with its cause. */
	int64_t debt_ns = (int64_t)budget_income_ns(b, DEBT_SECONDS * second_ns);
	b->saved_ns = MAX(MIN(left_ns, most_ns(b)), -debt_ns);
	b->from_ns = now_ns;
	b->spent_ns = spent_ns;
}

bool budget_is_full(const struct budget *b)
{
	return b->saved_ns >= most_ns(b);
}
