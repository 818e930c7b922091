/* The mappings of one process: sorted, never overlapping. Private to the room. */
#ifndef COMMON_SPACE_MAP_H
#define COMMON_SPACE_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/space/space.h"
#include "common/space/table.h"

/* Room for `want` mappings in all. False: the pool has none. */
bool space_reserve(struct map_pool *pool, struct space *sp, uint32_t want);
/* The generation is the caller's business. False: no room; nothing was changed. */
bool space_insert(struct map_pool *pool, struct space *sp, const struct mapping *m);

#endif
