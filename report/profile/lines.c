/* Open addressing over places; a key's first place stands for it. */
#include "report/profile/lines.h"

#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "common/base/map.h"
#include "report/profile/profile.h"
#include "report/profile/slots.h"

/* The part of a place that the function gives. */
static uint32_t owner_of(const struct profile *p, const struct profile_place *at, enum lines_by by)
{
	if (by == LINES_ALONE && at->line)
		return UINT32_MAX;
	return by == LINES_OF_NAMES ? p->function[at->function].name.n : at->function;
}

static bool is_same(const struct profile *p, uint32_t a, uint32_t b, enum lines_by by)
{
	const struct profile_place *x = &p->place[a], *y = &p->place[b];

	return x->line == y->line && x->file.n == y->file.n &&
	       owner_of(p, x, by) == owner_of(p, y, by);
}

static uint64_t hash_of(const struct profile *p, const struct profile_place *at, enum lines_by by)
{
	uint64_t source = (uint64_t)at->file.n << 32 | at->line;

	return hash_u64(hash_u64(source + 1) ^ owner_of(p, at, by));
}

static uint32_t key_of(struct lines *l, struct slots *s, const struct profile *p, uint32_t place,
		       enum lines_by by)
{
	uint64_t hash = hash_of(p, &p->place[place], by);
	uint32_t i, at;

	for (i = slots_first(s, hash); (at = slots_at(s, i, hash)) != SLOT_FREE;
	     i = slots_next(s, i))
		if (at != SLOT_OTHER && is_same(p, l->place[at], place, by))
			return at;
	l->place[l->n] = place;
	slots_put(s, i, hash, l->n);
	return l->n++;
}

void lines_init(struct lines *l, const struct profile *p, enum lines_by by)
{
	struct slots s;

	*l = (struct lines){
		.key = mem_alloc((p->n_places + 1) * sizeof(*l->key)),
		.place = mem_alloc((p->n_places + 1) * sizeof(*l->place)),
	};
	slots_init(&s);
	for (uint32_t i = 0; i < p->n_places; i++)
		l->key[i] =
			p->place[i].function == PROFILE_NONE ? LINES_NONE : key_of(l, &s, p, i, by);
	slots_done(&s);
}

void lines_done(struct lines *l)
{
	free(l->key);
	free(l->place);
	*l = (struct lines){ 0 };
}
