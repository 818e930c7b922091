/* A radix sort: keys are plain integers, and digits in which all agree cost one look. */
#include "report/naming_order.h"

#include <stdbool.h>
#include <stdlib.h>

#include "common/base/arena.h"

/* One pass of a radix sort by `bits` bits of a key at `shift`; object is the key's upper half. */
static void sort_pass(const struct touched *from, struct touched *to, size_t n, unsigned int shift,
		      bool by_object)
{
	enum { DIGITS = 1 << 11 };
	size_t start[DIGITS + 1] = { 0 };

	for (size_t i = 0; i < n; i++)
		start[((by_object ? from[i].object : from[i].addr) >> shift & (DIGITS - 1)) + 1]++;
	for (unsigned int d = 0; d < DIGITS; d++)
		start[d + 1] += start[d];
	for (size_t i = 0; i < n; i++)
		to[start[(by_object ? from[i].object : from[i].addr) >> shift & (DIGITS - 1)]++] =
			from[i];
}

static bool differs(const struct touched *t, size_t n, unsigned int shift, bool by_object)
{
	uint64_t any = 0;

	for (size_t i = 1; i < n; i++)
		any |= by_object ? t[i].object ^ t[0].object : t[i].addr ^ t[0].addr;
	return any >> shift & 2047;
}

struct touched *touched_sort(struct touched *t, size_t n)
{
	struct touched *other = mem_alloc((n + 1) * sizeof(*other));

	for (unsigned int pass = 0; pass < 9; pass++) {
		bool by_object = pass >= 6;
		unsigned int shift = 11 * (by_object ? pass - 6 : pass);
		struct touched *swap;

		if (!differs(t, n, shift, by_object))
			continue;
		sort_pass(t, other, n, shift, by_object);
		swap = t;
		t = other;
		other = swap;
	}
	free(other);
	return t;
}
