#include "common/format/switch.h"

#include <string.h>

enum { KIND_BITS = 3 };

uint8_t *switch_put(struct switches *last, const struct event *event, uint8_t *at)
{
	uint32_t *pid = &last->pid[event->cpu % SWITCH_CPUS];

	at = put_varint(at, (uint64_t)event->cpu << KIND_BITS | event->switched.kind);
	at = put_varint(at, zigzag(event->time_ns - last->time_ns));
	last->time_ns = event->time_ns;
	if (event->switched.kind == SWITCH_WOKEN)
		return put_varint(at, zigzag((uint64_t)event->tid - *pid));
	at = put_varint(at, zigzag((uint64_t)event->pid - *pid));
	*pid = event->pid;
	return put_varint(at, zigzag((uint64_t)event->tid - event->pid));
}

bool switch_get(struct switches *last, struct cursor *c, struct event *ret)
{
	uint64_t head = get_varint_max(c, (uint64_t)UINT32_MAX << KIND_BITS | SWITCH_KINDS);
	unsigned int kind = head & ((1 << KIND_BITS) - 1);
	uint32_t *pid = &last->pid[(head >> KIND_BITS) % SWITCH_CPUS];

	if (kind >= SWITCH_KINDS)
		return false;
	memset(ret, 0, sizeof(*ret));
	ret->type = EVENT_SWITCH;
	ret->cpu = (uint32_t)(head >> KIND_BITS);
	ret->switched.kind = (enum switch_kind)kind;
	ret->time_ns = last->time_ns += get_signed(c);
	if (kind != SWITCH_WOKEN)
		ret->pid = *pid += (uint32_t)get_signed(c);
	ret->tid = *pid + (uint32_t)get_signed(c);
	return !c->bad;
}
