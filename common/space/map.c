#include "common/space/map.h"

#include <string.h>

#include "common/base/bits.h"

/* First mapping that ends above addr. */
static uint32_t space_lower(const struct space *sp, uint64_t addr)
{
	const struct mapping *base = sp->map;
	uint32_t n = sp->n;

	while (n > 1) {
		uint32_t half = n / 2;

		base = base[half - 1].end <= addr ? base + half : base;
		n -= half;
	}
	return (uint32_t)(base - sp->map) + (n && base->end <= addr);
}

const struct mapping *space_find(const struct space *sp, uint64_t addr)
{
	uint32_t i = space_lower(sp, addr);

	return i < sp->n && sp->map[i].start <= addr ? &sp->map[i] : NULL;
}

/* Cuts the hulls at the widest gaps between mappings. */
static void space_set_hulls(struct space *sp)
{
	enum { CUTS = N_ELEMENTS(sp->hull) - 1 };
	uint64_t gap[CUTS] = { 0 };
	uint32_t at[CUTS], n_cuts = 0;

	for (uint32_t i = 1; i < sp->n; i++) {
		uint64_t g = sp->map[i].start - sp->map[i - 1].end;
		uint32_t k;

		if (g == 0 || (n_cuts == CUTS && g <= gap[CUTS - 1]))
			continue;
		k = n_cuts < CUTS ? n_cuts++ : CUTS - 1;
		for (; k && gap[k - 1] < g; k--) {
			gap[k] = gap[k - 1];
			at[k] = at[k - 1];
		}
		gap[k] = g;
		at[k] = i;
	}
	for (uint32_t i = 1; i < n_cuts; i++) /* by place again */
		for (uint32_t k = i; k && at[k - 1] > at[k]; k--) {
			uint32_t swap = at[k];

			at[k] = at[k - 1];
			at[k - 1] = swap;
		}
	sp->n_hulls = sp->n ? n_cuts + 1 : 0;
	for (uint32_t h = 0; h < sp->n_hulls; h++) {
		sp->hull[h].start = sp->map[h ? at[h - 1] : 0].start;
		sp->hull[h].end = sp->map[h < n_cuts ? at[h] - 1 : sp->n - 1].end;
	}
}

static bool in_a_hull(const struct space *sp, uint64_t start, uint64_t end)
{
	for (uint32_t h = 0; h < sp->n_hulls; h++)
		if (sp->hull[h].start <= start && end <= sp->hull[h].end)
			return true;
	return false;
}

bool space_reserve(struct map_pool *pool, struct space *sp, uint32_t want)
{
	struct mapping *array;
	uint32_t cap;

	if (want <= sp->cap)
		return true;
	array = map_pool_get(pool, want, &cap);
	if (!array)
		return false;
	if (sp->n)
		memcpy(array, sp->map, sp->n * sizeof(*array));
	map_pool_put(pool, sp->map, sp->cap);
	sp->map = array;
	sp->cap = cap;
	return true;
}

/*
 * Replaces what the new mapping overlaps. At most one old mapping is cut in two:
 *
 *	old:  |--a--|------b------|--c--|        new:      [==n==]
 *	then: |--a--|-b-|==n==|-b'|--c--|
 */
bool space_insert(struct map_pool *pool, struct space *sp, const struct mapping *m)
{
	uint32_t i, j;
	struct mapping tail = { 0 };

	if (!space_reserve(pool, sp, sp->n + 2))
		return false;
	i = space_lower(sp, m->start);
	if (i < sp->n && sp->map[i].start < m->start) {
		if (sp->map[i].end > m->end) {
			tail = sp->map[i];
			tail.pgoff += m->end - tail.start;
			tail.start = m->end;
		}
		sp->map[i++].end = m->start;
	}
	for (j = i; j < sp->n && sp->map[j].end <= m->end; j++)
		;
	if (j < sp->n && sp->map[j].start < m->end) {
		sp->map[j].pgoff += m->end - sp->map[j].start;
		sp->map[j].start = m->end;
	}
	/* [i, j) goes; the new one and perhaps the tail come */
	uint32_t n_new = tail.end ? 2 : 1;

	memmove(&sp->map[i + n_new], &sp->map[j], (sp->n - j) * sizeof(*sp->map));
	sp->n = sp->n - (j - i) + n_new;
	sp->map[i] = *m;
	if (tail.end)
		sp->map[i + 1] = tail;
	if (!in_a_hull(sp, m->start, m->end))
		space_set_hulls(sp);
	return true;
}
