/*
 * One walk: from a sample's registers outwards until something stops it. Private to report/unwind/.
 */
#ifndef REPORT_UNWIND_WALK_H
#define REPORT_UNWIND_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "report/unwind/history.h"
#include "report/unwind/unwind.h"

struct made;
struct places;

struct walk {
	enum machine machine;
	struct places *places;
	struct walked *walked; /* UNWIND_DEPTH_MAX; the frames met, innermost first */
	const struct event_sample *s;
	const struct space *space;
	struct made *made;
	uint32_t pid;
	uint64_t time_ns;
	uint32_t tag;
	/* the frame being left */
	uint64_t pc, sp, fp; /* pc: lookup address */
	uint64_t lr;
	bool exact, lr_known, fp_known;
	bool full; /* regs below are followed through all frames */
	struct regs regs;
	uint8_t method;
	uint32_t n;
	/* the thread's last walk */
	struct history *h;
	int64_t cursor;
	uint64_t floor;	 /* adoption from here up; UINT64_MAX: never */
	int64_t adopted; /* index in h->frame; -1: none */
};

/* Not a stop: the walk goes on. */
enum { WALK_ON = UNWIND_STOPS, WALK_AGAIN_FULL, WALK_ADOPTED, WALK_UNMAPPED };

/*
 * Walks with the fast state, or (full) with all registers. Returns enum unwind_stop,
 * WALK_AGAIN_FULL when a row needs more registers than the fast state has, or WALK_ADOPTED. In:
 * machine, places, walked, s, space, tag, h, floor. Out: n frames in walked, adopted.
 */
int walk_from_sample(struct walk *w, bool full);

#endif
