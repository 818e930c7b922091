/*
 * Hash map from a nonzero 64-bit key to a 64-bit value: open addressing, linear probing, grows.
 * Never fails: arena.h's rule about memory.
 * The order of slots differs from run to run: sort before showing.
 */
#ifndef COMMON_BASE_MAP_H
#define COMMON_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_slot {
	uint64_t key, value; /* key 0: free */
};

struct map {
	struct map_slot *slots;
	size_t n, mask; /* mask 0 with slots NULL: empty */
};

void map_init(struct map *m);
void map_done(struct map *m);
void map_reset(struct map *m);
/* The slot's value, or NULL. Lives until the next map_put. */
uint64_t *map_find(const struct map *m, uint64_t key);
/* The slot's value, new and 0 when *ret_new is set. Lives until the next map_put. */
uint64_t *map_put(struct map *m, uint64_t key, bool *ret_new);
bool map_remove(struct map *m, uint64_t key);

#endif
