/*
 * Functions of one unit that have code: from one pass over its entries in which bodies are stepped
 * over where the entry says where its sibling is.
 */
#ifndef REPORT_DWARF_FUNCTIONS_H
#define REPORT_DWARF_FUNCTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/dwarf/ranges.h"
#include "report/dwarf/unit.h"

enum { FUNCTION_NONE = UINT32_MAX };

struct function {
	uint64_t off;	/* of its entry in .debug_info */
	uint64_t start; /* lowest address */
};

struct function_range {
	uint64_t begin, end;
	uint64_t reach; /* highest end of this range and those before it */
	uint32_t function;
};

struct functions {
	struct function *item;
	struct function_range *range; /* rising by begin */
	size_t n, cap, n_ranges, ranges_cap;
	bool has_skipped; /* bodies, in which there may be further functions */
};

/*
 * Functions of the unit that holds the entries of u (u itself, or its split one), kept with it.
 * `deep`: also those that stand in the bodies of others (GNU C, Fortran, D, OpenMP).
 */
const struct functions *functions_get(struct unit *u, bool deep);
void functions_free(struct functions *f);

/*
 * ret[i]: the function whose range around addr[i] is the smallest, or FUNCTION_NONE; addr: rising.
 * True: all n lie in functions.
 */
bool functions_match(const struct functions *f, const uint64_t *addr, uint32_t n,
		     struct budget *budget, uint32_t *ret);

#endif
