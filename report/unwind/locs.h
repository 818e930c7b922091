/*
 * Places in code as dense numbers: the same (object, addr) always gets the same id. Id
 * LOC_UNMAPPED is reserved.
 */
#ifndef REPORT_UNWIND_LOCS_H
#define REPORT_UNWIND_LOCS_H

#include "report/unwind/unwind.h"

struct locs {
	struct loc *loc;
	size_t cap;
	uint32_t n;
	uint32_t *slot; /* id + 1; 0: free */
	uint32_t mask;
};

void locs_init(struct locs *l);
void locs_done(struct locs *l);
uint32_t locs_put(struct locs *l, uint32_t object, uint64_t addr);

#endif
