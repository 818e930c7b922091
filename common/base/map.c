/*
 * Slots are filled to two thirds at most; removal moves the followers of the run back, so that
 * there are no tombstones. Keys come from recordings: the hash is mixed with a number of this
 * process, so that a file cannot be made of keys that all collide.
 */
#include "common/base/map.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "common/base/arena.h"
#include "common/base/bits.h"

enum { SLOTS_MIN = 16 };

static uint64_t seed;

static void __attribute__((constructor)) seed_init(void)
{
	const void *bytes = (const void *)getauxval(AT_RANDOM); /* 16 of them, from the kernel */

	if (bytes)
		seed = load_le64(bytes);
}

static size_t home_of(const struct map *m, uint64_t key)
{
	return hash_u64(key ^ seed) & m->mask;
}

void map_init(struct map *m)
{
	memset(m, 0, sizeof(*m));
}

void map_done(struct map *m)
{
	if (!m)
		return;
	free(m->slots);
	map_init(m);
}

void map_reset(struct map *m)
{
	if (m->n)
		memset(m->slots, 0, (m->mask + 1) * sizeof(*m->slots));
	m->n = 0;
}

/* The slot of the key, or the free one where it belongs. */
static struct map_slot *slot_of(const struct map *m, uint64_t key)
{
	size_t i = home_of(m, key);

	while (m->slots[i].key && m->slots[i].key != key)
		i = (i + 1) & m->mask;
	return &m->slots[i];
}

uint64_t *map_find(const struct map *m, uint64_t key)
{
	struct map_slot *slot;

	if (!m->slots || !key)
		return NULL;
	slot = slot_of(m, key);
	return slot->key ? &slot->value : NULL;
}

static void grow(struct map *m)
{
	struct map bigger = { .n = m->n, .mask = m->slots ? m->mask * 2 + 1 : SLOTS_MIN - 1 };
	size_t size_bytes;

	if (__builtin_mul_overflow(bigger.mask + 1, sizeof(*bigger.slots), &size_bytes))
		size_bytes = SIZE_MAX;
	bigger.slots = mem_zalloc(size_bytes);
	for (size_t i = 0; m->slots && i <= m->mask; i++)
		if (m->slots[i].key)
			*slot_of(&bigger, m->slots[i].key) = m->slots[i];
	free(m->slots);
	*m = bigger;
}

uint64_t *map_put(struct map *m, uint64_t key, bool *ret_new)
{
	struct map_slot *slot;
	bool is_new;

	assert(key);
	if (!m->slots || (m->n + 1) * 3 > (m->mask + 1) * 2)
		grow(m);
	slot = slot_of(m, key);
	is_new = !slot->key;
	if (is_new) {
		slot->key = key;
		m->n++;
	}
	if (ret_new)
		*ret_new = is_new;
	return &slot->value;
}

bool map_remove(struct map *m, uint64_t key)
{
	struct map_slot *slot;
	size_t hole, i;

	if (!m->slots || !key)
		return false;
	slot = slot_of(m, key);
	if (!slot->key)
		return false;
	/* A follower moves into the hole unless its home lies after the hole (cyclically). */
	hole = (size_t)(slot - m->slots);
	for (i = (hole + 1) & m->mask; m->slots[i].key; i = (i + 1) & m->mask) {
		size_t home = home_of(m, m->slots[i].key);

		if (((i - home) & m->mask) >= ((i - hole) & m->mask)) {
			m->slots[hole] = m->slots[i];
			hole = i;
		}
	}
	m->slots[hole] = (struct map_slot){ 0 };
	m->n--;
	return true;
}
