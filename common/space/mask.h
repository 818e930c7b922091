/* The inner loop of the scrub: which of 64 words lie in one of two windows. Private to the room. */
#ifndef COMMON_SPACE_MASK_H
#define COMMON_SPACE_MASK_H

#include <stdbool.h>
#include <stdint.h>

struct range {
	uint64_t start, size; /* holds value: value - start < size */
};

static inline bool in_range(const struct range *r, uint64_t value)
{
	return value - r->start < r->size;
}

enum { MASK_WORDS = 64 };

/*
 * Bit i: word i of the n (at most 64) at bytes, and-ed with `keep`, lies in window[0] or [1]. Any
 * alignment.
 */
uint64_t window_mask(const uint8_t *bytes, unsigned int n, uint64_t keep,
		     const struct range window[2]);
/* The same without vector instructions: what the other is tested against. */
uint64_t window_mask_portable(const uint8_t *bytes, unsigned int n, uint64_t keep,
			      const struct range window[2]);

#endif
