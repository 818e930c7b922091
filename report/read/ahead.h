/*
 * Loads EVENTS chunks ahead of who reads them, in a thread of its own: reading, checking and
 * decompressing are a quarter of a report's time and need nobody. Pure speed: whoever does not find
 * a chunk here loads it himself, and errors are found and told there alone. Private to the room.
 */
#ifndef REPORT_READ_AHEAD_H
#define REPORT_READ_AHEAD_H

#include <stdint.h>

#include "common/format/file.h"

struct ahead;

/*
 * From the chunk at file_off on. NULL: one processor, no thread, no memory: all the same to the
 * caller.
 */
struct ahead *ahead_new(int fd, uint64_t file_off);
void ahead_free(struct ahead *a);

/*
 * The decompressed bytes of this chunk, waiting for them if they are under way; NULL: load it
 * yourself. Chunks must be asked for in file order; those that were not asked for are dropped. Lent
 * until the next call.
 */
const uint8_t *ahead_take(struct ahead *a, const struct chunk *chunk);

#endif
