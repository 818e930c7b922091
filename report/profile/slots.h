/*
 * Hash index over an array that the caller owns: a slot holds an element's index plus 1, 0 is free.
 * The caller compares elements, so a slot costs 4 bytes whatever the key is.
 *
 *	for (i = slots_first(s, hash); (at = s->slot[i]) && !equal(at - 1); i = slots_next(s, i))
 *		;
 */
#ifndef REPORT_PROFILE_SLOTS_H
#define REPORT_PROFILE_SLOTS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/bits.h"

struct slots {
	uint32_t *slot;
	uint32_t mask, n;
};

enum { SLOTS_START = 1024 };

static inline void slots_init(struct slots *s)
{
	s->slot = mem_zalloc(SLOTS_START * sizeof(*s->slot));
	s->mask = SLOTS_START - 1;
	s->n = 0;
}

static inline void slots_done(struct slots *s)
{
	free(s->slot);
	s->slot = NULL;
}

static inline uint32_t slots_first(const struct slots *s, uint64_t hash)
{
	return (uint32_t)hash & s->mask;
}

static inline uint32_t slots_next(const struct slots *s, uint32_t i)
{
	return (i + 1) & s->mask;
}

/*
 * Puts element `index` into the free slot `i`. True when the table became too full: the caller then
 * calls slots_double and slots_place for every element.
 */
static inline bool slots_put(struct slots *s, uint32_t i, uint32_t index)
{
	s->slot[i] = index + 1;
	return ++s->n > s->mask / 4 * 3;
}

static inline void slots_double(struct slots *s)
{
	free(s->slot);
	s->mask = s->mask * 2 + 1;
	s->slot = mem_zalloc(((size_t)s->mask + 1) * sizeof(*s->slot));
}

static inline void slots_place(struct slots *s, uint64_t hash, uint32_t index)
{
	uint32_t i = slots_first(s, hash);

	while (s->slot[i])
		i = slots_next(s, i);
	s->slot[i] = index + 1;
}

#endif
