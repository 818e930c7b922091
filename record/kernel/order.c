/*
 * A heap over the rings by the time of their front records. Within a ring records are in order,
 * but for microseconds where an interrupt came between taking the time and the place; those come
 * late and are counted.
 */
#include "record/kernel/order.h"

#include <errno.h>
#include <stdlib.h>

#include "common/base/bits.h"

/* Writing a record takes microseconds, but a virtual CPU may lose its core in the middle of it. */
static const uint64_t settle_ns = 1000000;

int order_init(struct order *o, struct ring *rings, uint32_t n_rings)
{
	*o = (struct order){ .rings = rings, .n_rings = n_rings };
	o->heap = calloc(n_rings ? n_rings : 1, sizeof(*o->heap));
	return o->heap ? 0 : -ENOMEM;
}

void order_done(struct order *o)
{
	free(o->heap);
	*o = (struct order){ 0 };
}

/* The front at `i` moves down until none below it is older. */
static void sift_down(struct order *o, uint32_t i)
{
	struct order_front front = o->heap[i];

	for (;;) {
		uint32_t child = 2 * i + 1;

		if (child >= o->n_heap)
			break;
		if (child + 1 < o->n_heap && o->heap[child + 1].time_ns < o->heap[child].time_ns)
			child++;
		if (o->heap[child].time_ns >= front.time_ns)
			break;
		o->heap[i] = o->heap[child];
		i = child;
	}
	o->heap[i] = front;
}

/* Time at the front of a ring; false when nothing (readable) is there. */
static bool front_time(struct order *o, uint32_t ring, uint64_t *ret_ns)
{
	struct ring_record record;

	switch (ring_peek(&o->rings[ring], &record)) {
	case RING_RECORD:
		*ret_ns = record.time_ns;
		return true;
	case RING_DAMAGED:
		o->damaged++;
		ring_skip_all(&o->rings[ring]);
		return false;
	default:
		return false;
	}
}

void order_round(struct order *o, uint64_t now_ns, bool all)
{
	bool hurry = all;

	o->n_heap = 0;
	for (uint32_t i = 0; i < o->n_rings; i++) {
		struct order_front front = { .ring = i };

		ring_look(&o->rings[i]);
		hurry |= ring_used(&o->rings[i]) > o->rings[i].size / 2;
		if (front_time(o, i, &front.time_ns))
			o->heap[o->n_heap++] = front;
	}
	for (uint32_t i = o->n_heap / 2; i-- > 0;)
		sift_down(o, i);
	o->all = hurry;
	o->limit_ns = hurry ? UINT64_MAX : MIN(o->look_ns, now_ns - settle_ns);
	o->look_ns = now_ns;
}

const void *order_next(struct order *o, uint32_t *ret_ring, struct ring_record *ret)
{
	if (!o->n_heap || (!o->all && o->heap[0].time_ns >= o->limit_ns))
		return NULL;
	uint32_t i = o->heap[0].ring;
	struct ring *ring = &o->rings[i];
	if (ring->at - ring->released > ring->size / 8)
		ring_release(ring); /* what was lent before is lent no more */
	ring_peek(ring, ret);	    /* it was a record when it came into the heap */
	const void *bytes = ring_take(ring, ret);
	if (front_time(o, i, &o->heap[0].time_ns))
		sift_down(o, 0);
	else if (--o->n_heap) {
		o->heap[0] = o->heap[o->n_heap];
		sift_down(o, 0);
	}
	*ret_ring = i;
	return bytes;
}

void order_release(struct order *o)
{
	for (uint32_t i = 0; i < o->n_rings; i++)
		ring_release(&o->rings[i]);
}
