/*
 * The last good walk of each thread: its outer frames are adopted where the stack did not
 * change, and continue a walk whose stack was cut. Frames are kept root first, so that a new
 * walk replaces only its inner part.
 *
 *	frame[0] = _start ... frame[n - 1] = innermost user frame
 *
 * Memory is bounded: HISTORY_THREADS threads; two that share a slot replace each other, which
 * costs time only.
 */
#ifndef REPORT_UNWIND_HISTORY_H
#define REPORT_UNWIND_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/unwind/unwind.h"

enum { HISTORY_THREADS = 2048 };

enum walked_flags {
	WALKED_EXACT = 1, /* pc is where it stood, not a return address - 1 */
	WALKED_REGISTERS =
		2, /* the step from here used more than sp, fp and memory: never adopted */
};

/*
 * State in which a frame was met; two walks with equal states and equal memory above sp go on
 * equally.
 */
struct walked {
	uint64_t pc, sp, fp;
	uint32_t loc;
	uint8_t method, flags;
};

struct history {
	uint32_t pid, tid;
	uint64_t generation; /* of the space */
	/* memory from here up did not change since the walk; UINT64_MAX: not known */
	uint64_t floor;
	bool previous; /* it is the walk of the thread's previous sample */
	bool joined;   /* outer frames were not read from this stack */
	uint32_t n;
	size_t cap;
	struct walked *frame;
};

struct histories {
	struct history slot[HISTORY_THREADS];
};

void histories_done(struct histories *all);

/* The thread's history, empty (n 0) when there is none that still holds. */
struct history *histories_get(struct histories *all, uint32_t pid, uint32_t tid,
			      uint64_t generation);

/*
 * Whether the thread's history is of its previous sample; from now on it is not, unless stored
 * anew.
 */
bool histories_take_previous(struct histories *all, uint32_t tid);

/*
 * One more sample of the thread, before it is walked: after it, memory is known to be unchanged
 * only where it was before and the sample says so. Outer frames can be adopted only when all of
 * them lay in every stack since.
 */
static inline void history_pass(struct history *h, const struct stack_view *view)
{
	if (h->n == 0 || h->joined || h->frame[0].sp > view->hi)
		h->floor = UINT64_MAX;
	else if (view->floor > h->floor)
		h->floor = view->floor;
}

/*
 * Index of the frame with this state, looked for from *cursor inwards to outwards; -1: none.
 * Moves *cursor.
 */
static inline int64_t history_match(const struct history *h, int64_t *cursor,
				    const struct walked *w)
{
	while (*cursor >= 0 && h->frame[*cursor].sp < w->sp)
		--*cursor;
	for (int64_t i = *cursor; i >= 0 && h->frame[i].sp == w->sp; i--) {
		const struct walked *p = &h->frame[i];

		if (p->pc == w->pc && p->fp == w->fp &&
		    ((p->flags ^ w->flags) & WALKED_EXACT) == 0 && !(p->flags & WALKED_REGISTERS))
			return i;
	}
	return -1;
}

/*
 * Keeps the outermost n_shared frames and puts the n inner ones (innermost first in `inner`) on
 * them.
 */
void history_store(struct history *h, uint32_t n_shared, const struct walked *inner, uint32_t n,
		   bool joined);

#endif
