/*
 * User frames that the kernel walked, as a record of its own before their Sample. It stands apart
 * and uses no code addresses, so that readers which do not know it can skip it.
 * ddprof.data(5), "Chain". Private to the room.
 */
#ifndef COMMON_FORMAT_CHAIN_H
#define COMMON_FORMAT_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/format/event.h"
#include "common/format/wire.h"

enum { CHAIN_BYTES_MAX = (UCHAIN_MAX + 2) * VARINT_BYTES_MAX }; /* without type and length */

/* The last chain of the chunk, outermost first. */
struct chain {
	uint32_t n;
	uint64_t pc[UCHAIN_MAX];
};

/* Fields behind type and length; `last` becomes these frames (innermost first). */
uint8_t *chain_put(struct chain *last, const uint64_t *uchain, uint32_t n, uint8_t *at);
/* The same way back. False: they make no sense; `last` is then worth nothing. */
bool chain_get(struct chain *last, struct cursor *c);

#endif
