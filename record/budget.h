/*
 * What the recorder may cost: a share of one CPU. What is not used is saved, for BUDGET_SECONDS at
 * most, and pays for peaks such as the files of a program that just began; what was used beyond
 * that is a debt of the seconds that follow, ten at most. So the share holds for the mean
 * of a minute. Pure arithmetic.
 */
#ifndef RECORD_BUDGET_H
#define RECORD_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

enum { BUDGET_SECONDS = 3 };

struct budget {
	uint64_t permyriad;	    /* of one CPU: 300 is 3 %; 0: no limit */
	uint64_t from_ns, spent_ns; /* when it was settled last, and what had been spent by then */
	int64_t saved_ns;	    /* negative: debt */
};

void budget_begin(struct budget *b, uint64_t now_ns, uint64_t spent_ns);
/* The share of so much time. */
uint64_t budget_income_ns(const struct budget *b, uint64_t ns);
/* What is there at this moment. */
int64_t budget_left_ns(const struct budget *b, uint64_t now_ns, uint64_t spent_ns);
void budget_settle(struct budget *b, uint64_t now_ns, uint64_t spent_ns);
bool budget_is_full(const struct budget *b);

#endif
