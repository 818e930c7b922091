#include "report/unwind/locs.h"

#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/bits.h"

enum { SLOTS_AT_START = 1 << 12 };

static uint64_t loc_hash(uint32_t object, uint64_t addr)
{
	return hash_u64(addr ^ (uint64_t)object << 40 ^ object);
}

void locs_init(struct locs *l)
{
	*l = (struct locs){ .mask = SLOTS_AT_START - 1 };
	l->slot = mem_zalloc(SLOTS_AT_START * sizeof(l->slot[0]));
}

void locs_done(struct locs *l)
{
	free(l->loc);
	free(l->slot);
	*l = (struct locs){ 0 };
}

static void insert(struct locs *l, uint32_t id)
{
	uint64_t at = loc_hash(l->loc[id].object, l->loc[id].addr);

	while (l->slot[at & l->mask])
		at++;
	l->slot[at & l->mask] = id + 1;
}

static void grow(struct locs *l)
{
	free(l->slot);
	l->mask = l->mask * 2 + 1;
	l->slot = mem_zalloc(((size_t)l->mask + 1) * sizeof(l->slot[0]));
	for (uint32_t i = 0; i < l->n; i++)
		insert(l, i);
}

uint32_t locs_put(struct locs *l, uint32_t object, uint64_t addr)
{
	uint64_t at = loc_hash(object, addr);

	for (; l->slot[at & l->mask]; at++) {
		uint32_t id = l->slot[at & l->mask] - 1;

		if (l->loc[id].addr == addr && l->loc[id].object == object)
			return id;
	}
	mem_grow(&l->loc, &l->cap, (size_t)l->n + 1, sizeof(l->loc[0]));
	l->loc[l->n] = (struct loc){ .object = object, .addr = addr };
	insert(l, l->n);
	l->n++;
	if (l->n > l->mask / 2)
		grow(l);
	return l->n - 1;
}
