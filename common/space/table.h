/*
 * Memory of fixed size for common/space: reserved once, touched as it is used, so that following
 * events allocates nothing. Private to the room.
 */
#ifndef COMMON_SPACE_TABLE_H
#define COMMON_SPACE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mapping;

/*
 * Nonzero or zero 32-bit id -> index: open addressing, linear probing, at most half full. The part
 * of the reserve that is used doubles and halves with the number of ids: numbers that come and go,
 * each to a place of its own, would in time touch all of it.
 */
struct id_table {
	struct id_slot {
		uint32_t id, index; /* index + 1; 0: free */
	} * slots;
	uint32_t mask;	   /* of the part in use */
	uint32_t mask_max; /* of the reserve */
	uint32_t n;
	uint64_t seed; /* from the kernel, so that no file can choose ids that collide */
};

bool id_table_init(struct id_table *t, uint32_t n_max);
void id_table_done(struct id_table *t);
/* UINT32_MAX: not there. */
uint32_t id_table_find(const struct id_table *t, uint32_t id);
/* Of an id that is not there yet; the caller keeps the number of ids below n_max. */
void id_table_put(struct id_table *t, uint32_t id, uint32_t index);
void id_table_remove(struct id_table *t, uint32_t id);

/*
 * Arrays of mappings in sizes of 8, 16, ... POOL_ARRAY_MAX elements; freed ones are kept by size.
 * An array never holds more than POOL_ARRAY_MAX, which bounds what one event can cost.
 */
enum { POOL_CLASS_MIN = 3, POOL_CLASS_MAX = 13, POOL_ARRAY_MAX = 1 << POOL_CLASS_MAX };

struct map_pool {
	struct mapping *base;
	uint32_t n, n_max;		/* elements handed out, and reserved */
	void *free[POOL_CLASS_MAX + 1]; /* each holds the address of the next */
};

bool map_pool_init(struct map_pool *p, uint32_t n_max);
void map_pool_done(struct map_pool *p);
/* An array of at least `want` elements, its capacity in *ret_cap; NULL when the pool is used up. */
struct mapping *map_pool_get(struct map_pool *p, uint32_t want, uint32_t *ret_cap);
void map_pool_put(struct map_pool *p, struct mapping *array, uint32_t cap);

#endif
