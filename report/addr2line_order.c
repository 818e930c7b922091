/*
 * Sorted by digits of 11 bits from the lowest: addresses of one file differ in few of their bits,
 * which takes two or three passes; comparing took longer than all printing.
 */
#include "report/addr2line_order.h"

#include <stdlib.h>

#include "common/base/arena.h"

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS };

struct pair {
	uint64_t addr;
	uint32_t at; /* where it was given */
};

static void sort_by_digit(const struct pair *from, struct pair *to, size_t n, unsigned int shift)
{
	uint32_t place[DIGITS] = { 0 }, sum = 0;

	for (size_t i = 0; i < n; i++)
		place[from[i].addr >> shift & (DIGITS - 1)]++;
	for (unsigned int digit = 0; digit < DIGITS; digit++) {
		uint32_t count = place[digit];

		place[digit] = sum;
		sum += count;
	}
	for (size_t i = 0; i < n; i++)
		to[place[from[i].addr >> shift & (DIGITS - 1)]++] = from[i];
}

static int by_addr(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* Sorted; in either of the two. */
static struct pair *sort(struct pair *pair, struct pair *other, size_t n)
{
	uint64_t differ = 0;

	if (n < DIGITS / 8) {
		qsort(pair, n, sizeof(*pair), by_addr);
		return pair;
	}
	for (size_t i = 1; i < n; i++)
		differ |= pair[i].addr ^ pair[0].addr;
	for (unsigned int shift = 0; shift < 64; shift += DIGIT_BITS) {
		struct pair *swap = pair;

		if (!(differ >> shift & (DIGITS - 1)))
			continue;
		sort_by_digit(pair, other, n, shift);
		pair = other;
		other = swap;
	}
	return pair;
}

void addr2line_order_make(struct addr2line_order *o, const uint64_t *addr, size_t n)
{
	struct pair *pair = mem_alloc((2 * n + 1) * sizeof(*pair)), *sorted;

	o->addr = mem_realloc(o->addr, (n + 1) * sizeof(*o->addr));
	o->of = mem_realloc(o->of, (n + 1) * sizeof(*o->of));
	for (size_t i = 0; i < n; i++)
		pair[i] = (struct pair){ .addr = addr[i], .at = (uint32_t)i };
	sorted = sort(pair, pair + n, n);
	o->n = 0;
	for (size_t i = 0; i < n; i++) {
		if (!o->n || o->addr[o->n - 1] != sorted[i].addr)
			o->addr[o->n++] = sorted[i].addr;
		o->of[sorted[i].at] = (uint32_t)(o->n - 1);
	}
	free(pair);
}

void addr2line_order_done(struct addr2line_order *o)
{
	free(o->addr);
	free(o->of);
	*o = (struct addr2line_order){ 0 };
}
