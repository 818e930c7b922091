/*
 * Rounds: what lies in the rings of all CPUs -> records in time order.
 *
 * A record carries the time at which its writing began and is seen when it ended, so a look at a
 * ring may miss records older than ones it finds elsewhere. They are there at the next look:
 * a round hands out only what is older than the clock at the look before. Records stay in
 * the rings until then; nothing is copied.
 */
#ifndef RECORD_KERNEL_ORDER_H
#define RECORD_KERNEL_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "record/kernel/ring.h"

struct order_front { /* one ring in the heap */
	uint64_t time_ns;
	uint32_t ring;
};

struct order {
	struct ring *rings;
	uint32_t n_rings, n_heap;
	struct order_front *heap; /* by time; rings with nothing left are not in it */
	uint64_t look_ns;	  /* clock at the last look; 0: none yet */
	uint64_t limit_ns;	  /* this round ends before it, */
	bool all;		  /* unless it takes everything */
	uint64_t damaged;	  /* looks that found a ring it could not read */
};

/* `rings` stay the caller's and must outlive the order. -ENOMEM. */
int order_init(struct order *o, struct ring *rings, uint32_t n_rings);
void order_done(struct order *o);

/*
 * Looks at all rings. `now_ns` is the clock just before; `all` takes everything (the end, when
 * nothing is written any more). A ring more than half full is not made to wait either.
 */
void order_round(struct order *o, uint64_t now_ns, bool all);
/* Time of the oldest record that lies in the rings; UINT64_MAX: none does. */
static inline uint64_t order_front_ns(const struct order *o)
{
	return o->n_heap ? o->heap[0].time_ns : UINT64_MAX;
}

/* Next record of the round; NULL: the round is over. Lent until order_next or order_round. */
const void *order_next(struct order *o, uint32_t *ret_ring, struct ring_record *ret);
/* Ends the round: the kernel gets back what was taken. */
void order_release(struct order *o);

#endif
