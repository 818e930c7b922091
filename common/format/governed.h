/*
 * What the recorder leaves out to stay within its share of CPU, as records of their own. They
 * stand alone, so that readers which do not know them can skip them. ddprof.data(5), "Governed".
 * Private to the room.
 */
#ifndef COMMON_FORMAT_GOVERNED_H
#define COMMON_FORMAT_GOVERNED_H

#include <stdbool.h>
#include <stdint.h>

#include "common/format/event.h"
#include "common/format/wire.h"

enum { GOVERNED_BYTES_MAX = 3 * VARINT_BYTES_MAX }; /* without type and length */

/* Fields behind type and length. */
uint8_t *governed_put(const struct event *event, uint8_t *at);
/* The same way back, all of *ret. False: they make no sense. */
bool governed_get(struct cursor *c, struct event *ret);

#endif
