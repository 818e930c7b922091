/*
 * Frames in code that was made at run time: their places become those of the code that was there
 * when the sample was taken. Done after the walk, for every frame of every sample: what a walk
 * adopts from the one before is equal by address, and the code there may be another one since.
 * Private to report/unwind/.
 */
#ifndef REPORT_UNWIND_MADE_H
#define REPORT_UNWIND_MADE_H

#include <stdint.h>

#include "common/base/map.h"
#include "report/unwind/unwind.h"

struct jit;
struct places;
struct table;

enum { MADE_SLOTS = 1 << 12 };

/* An answer, and from when to when it holds. */
struct made_known {
	uint64_t addr, from_ns, until_ns;
	uint32_t pid, changes;
	uint32_t loc; /* LOC_UNMAPPED's: no code is known there */
};

struct made {
	struct jit *jit; /* NULL: none is known */
	struct made_known *known;
	/* compiled call frame information of codes that came with some; by code, NULL: it is bad */
	struct map tables; /* code -> index + 1 */
	struct table **table;
	size_t n_tables, tables_cap;
};

void made_init(struct made *m, struct jit *jit);
void made_done(struct made *m);

/* Call frame information of the code at a run-time address; NULL: none came with it. */
struct table *made_table(struct made *m, struct places *places, uint32_t pid, uint64_t addr,
			 uint64_t time_ns);

/* Changes locs of frames [first, ret->n) and what they share with the sample before. */
void made_frames(struct made *m, struct places *places, uint32_t pid, uint64_t time_ns,
		 struct frame *frame, uint32_t first, struct frames *ret);

#endif
