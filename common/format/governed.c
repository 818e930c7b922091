#include "common/format/governed.h"

#include <string.h>

uint8_t *governed_put(const struct event *event, uint8_t *at)
{
	at = put_varint(at, event->time_ns);
	at = put_varint(at, event->governed.stack_bytes);
	return put_varint(at, event->governed.off);
}

bool governed_get(struct cursor *c, struct event *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->type = EVENT_GOVERNED;
	ret->time_ns = get_varint(c);
	ret->governed.stack_bytes = (uint32_t)get_varint_max(c, STACK_BYTES_MAX);
	ret->governed.off = get_varint(c);
	return !c->bad;
}
