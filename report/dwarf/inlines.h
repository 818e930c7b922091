/*
 * Inlined bodies within one function, for the addresses that are asked about: one walk over the
 * function's entries, in which each range of an inlined body marks the addresses it holds; the
 * deepest mark stays. A body that holds none of the addresses is stepped over with what is in it.
 */
#ifndef REPORT_DWARF_INLINES_H
#define REPORT_DWARF_INLINES_H

#include <stddef.h>
#include <stdint.h>

#include "report/dwarf/ranges.h"
#include "report/dwarf/unit.h"

enum {
	INLINED_NONE = UINT32_MAX,
	INLINED_DEPTH_MAX = 250, /* bodies nested deeper count as their parents */
};

struct inlined {
	uint32_t parent; /* INLINED_NONE: the function itself */
	uint32_t depth;	 /* 1: inlined into the function itself */
	/* for the caller's use; INLINED_NONE at first */
	uint32_t frame, name;
	uint64_t off; /* of its entry */
	struct value origin;
	uint64_t call_file, call_line, call_column; /* 0: not said */
};

struct inlines {
	struct inlined *item; /* parents before children */
	size_t n, cap;
	struct ranges ranges; /* scratch */
	uint32_t *open;	      /* scratch: inlined body at each depth of nesting */
	size_t open_cap;
};

/*
 * Reads the body of the function whose entry is at `off` of u's file.
 * addr: rising, n of them; ret[i] = index of the innermost body around addr[i], or INLINED_NONE.
 */
void inlines_read(struct inlines *in, struct unit *u, uint64_t off, const uint64_t *addr,
		  uint32_t n, uint32_t *ret);
void inlines_done(struct inlines *in);

#endif
