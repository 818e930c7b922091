#include "common/space/table.h"

#include <string.h>
#include <sys/auxv.h>

#include "common/base/bits.h"
#include "common/base/pages.h"
#include "common/space/space.h"

static uint64_t random_seed(void)
{
	uint64_t seed = 0;
	const void *bytes = (const void *)getauxval(AT_RANDOM); /* 16 bytes, see getauxval(3) */

	if (bytes)
		memcpy(&seed, bytes, sizeof(seed));
	return seed;
}

enum { ID_SLOTS_MIN = 1 << 10 };

bool id_table_init(struct id_table *t, uint32_t n_max)
{
	uint32_t n = ID_SLOTS_MIN;

	while (n < 2 * n_max)
		n *= 2;
	t->mask = ID_SLOTS_MIN - 1;
	t->mask_max = n - 1;
	t->n = 0;
	t->seed = random_seed();
	t->slots = pages_reserve((size_t)n * sizeof(*t->slots));
	return t->slots != NULL;
}

void id_table_done(struct id_table *t)
{
	pages_free(t->slots, ((size_t)t->mask_max + 1) * sizeof(*t->slots));
	t->slots = NULL;
}

static uint32_t id_home(const struct id_table *t, uint32_t id)
{
	return (uint32_t)hash_u64(id ^ t->seed) & t->mask;
}

static uint32_t id_slot_of(const struct id_table *t, uint32_t id)
{
	uint32_t i = id_home(t, id);

	while (t->slots[i].index && t->slots[i].id != id)
		i = (i + 1) & t->mask;
	return i;
}

uint32_t id_table_find(const struct id_table *t, uint32_t id)
{
	return t->slots[id_slot_of(t, id)].index - 1;
}

/*
 * Under another mask each id has another home. From the first free slot on, which no run of probes
 * crosses, each is taken out and finds its place among those before it; those that lay across the
 * edge of a smaller part are in front again after the second round.
 */
static void id_table_resize(struct id_table *t, uint32_t mask)
{
	uint32_t n = (t->mask > mask ? t->mask : mask) + 1;

	t->mask = mask;
	for (bool moved = true; moved;) {
		moved = false;
		for (uint32_t i = 0; i < n; i++) {
			struct id_slot one = t->slots[i];

			if (!one.index)
				continue;
			t->slots[i].index = 0;
			uint32_t at = id_slot_of(t, one.id);
			t->slots[at] = one;
			moved |= at != i;
		}
	}
}

void id_table_put(struct id_table *t, uint32_t id, uint32_t index)
{
	if (2 * (t->n + 1) > t->mask + 1 && t->mask < t->mask_max)
		id_table_resize(t, t->mask * 2 + 1);
	t->slots[id_slot_of(t, id)] = (struct id_slot){ .id = id, .index = index + 1 };
	t->n++;
}

static void id_table_shrink(struct id_table *t)
{
	uint32_t mask = t->mask / 2;

	id_table_resize(t, mask);
	pages_forget(t->slots + mask + 1, ((size_t)mask + 1) * sizeof(*t->slots));
}

/* Closes the hole by moving back what probed across it: no tombstones, so churn costs nothing. */
void id_table_remove(struct id_table *t, uint32_t id)
{
	uint32_t hole = id_slot_of(t, id);

	if (!t->slots[hole].index)
		return;
	for (uint32_t i = (hole + 1) & t->mask; t->slots[i].index; i = (i + 1) & t->mask) {
		uint32_t home = id_home(t, t->slots[i].id);

		if (((i - home) & t->mask) >= ((i - hole) & t->mask)) {
			t->slots[hole] = t->slots[i];
			hole = i;
		}
	}
	t->slots[hole].index = 0;
	t->n--;
	if (t->mask >= ID_SLOTS_MIN && t->n < t->mask / 16)
		id_table_shrink(t);
}

bool map_pool_init(struct map_pool *p, uint32_t n_max)
{
	*p = (struct map_pool){ .n_max = n_max };
	p->base = pages_reserve((size_t)n_max * sizeof(*p->base));
	return p->base != NULL;
}

void map_pool_done(struct map_pool *p)
{
	pages_free(p->base, (size_t)p->n_max * sizeof(*p->base));
	p->base = NULL;
}

static unsigned int pool_class(uint32_t n)
{
	unsigned int c = POOL_CLASS_MIN;

	while (c <= POOL_CLASS_MAX && (1u << c) < n)
		c++;
	return c;
}

struct mapping *map_pool_get(struct map_pool *p, uint32_t want, uint32_t *ret_cap)
{
	unsigned int c = pool_class(want);
	struct mapping *array;

	if (c > POOL_CLASS_MAX)
		return NULL;
	array = p->free[c];
	if (array) {
		memcpy(&p->free[c], (void *)array, sizeof(void *));
	} else {
		if (p->n_max - p->n < 1u << c)
			return NULL;
		array = p->base + p->n;
		p->n += 1u << c;
	}
	*ret_cap = 1u << c;
	return array;
}

void map_pool_put(struct map_pool *p, struct mapping *array, uint32_t cap)
{
	unsigned int c = pool_class(cap);

	if (!array)
		return;
	memcpy((void *)array, &p->free[c], sizeof(void *));
	p->free[c] = array;
}
