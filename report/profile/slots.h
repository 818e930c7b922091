/*
 * Hash index over an array that the caller owns: a slot holds an element's index plus 1 (0 is free)
 * beside 32 bits of its hash, so that other elements' slots are passed by without touching them.
 * The caller compares elements.
 *
 *	for (i = slots_first(s, hash); (at = slots_at(s, i, hash)) != SLOT_FREE;
 *	     i = slots_next(s, i))
 *		if (at != SLOT_OTHER && equal(at))
 *			return at;
 *	slots_put(s, i, hash, new index);
 */
#ifndef REPORT_PROFILE_SLOTS_H
#define REPORT_PROFILE_SLOTS_H

#include <stdint.h>
#include <stdlib.h>

#include "common/base/arena.h"

enum { SLOT_FREE = UINT32_MAX, SLOT_OTHER = UINT32_MAX - 1, SLOTS_START = 4096 };

struct slot {
	uint32_t tag, at;
};

struct slots {
	struct slot *slot;
	uint32_t mask, n;
};

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

/* Index of the element in slot i if its hash is this one. */
static inline uint32_t slots_at(const struct slots *s, uint32_t i, uint64_t hash)
{
	struct slot slot = s->slot[i];

	if (!slot.at)
		return SLOT_FREE;
	return slot.tag == (uint32_t)hash ? slot.at - 1 : SLOT_OTHER;
}

static inline void slots_double(struct slots *s)
{
	struct slot *old = s->slot;
	uint32_t n_old = s->mask + 1;

	s->mask = s->mask * 2 + 1;
	s->slot = mem_zalloc(((size_t)s->mask + 1) * sizeof(*s->slot));
	for (uint32_t o = 0; o < n_old; o++) {
		uint32_t i = slots_first(s, old[o].tag);

		if (!old[o].at)
			continue;
		while (s->slot[i].at)
			i = slots_next(s, i);
		s->slot[i] = old[o];
	}
	free(old);
}

/* Puts element `index` into slot i, which was found free; then no slot number holds any longer. */
static inline void slots_put(struct slots *s, uint32_t i, uint64_t hash, uint32_t index)
{
	s->slot[i] = (struct slot){ .tag = (uint32_t)hash, .at = index + 1 };
	if (++s->n > s->mask / 4 * 3)
		slots_double(s);
}

#endif
