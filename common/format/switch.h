/*
 * Threads leaving and entering CPUs, as records of their own. They come by the hundred thousand,
 * so they are short; and they keep their own state, so that readers which do not know them can
 * skip them. ddprof.data(5), "Switch". Private to the room.
 */
#ifndef COMMON_FORMAT_SWITCH_H
#define COMMON_FORMAT_SWITCH_H

#include <stdbool.h>
#include <stdint.h>

#include "common/format/event.h"
#include "common/format/wire.h"

enum {
	SWITCH_CPUS = 256,			 /* cpu modulo this has a last pid of its own */
	SWITCH_BYTES_MAX = 4 * VARINT_BYTES_MAX, /* without type and length */
};

/* What the chunk's last Switch records left; all 0 at first. */
struct switches {
	uint64_t time_ns;
	uint32_t pid[SWITCH_CPUS];
};

/* Fields behind type and length. */
uint8_t *switch_put(struct switches *last, const struct event *event, uint8_t *at);
/* The same way back, all of *ret. False: they make no sense. */
bool switch_get(struct switches *last, struct cursor *c, struct event *ret);

#endif
