/*
 * Ranges of addresses: low and high pc, .debug_ranges (versions 2 to 4, GNU split) and
 * .debug_rnglists (version 5). What linkers left of dropped code is not among them.
 * Source: DWARF 5, 2.17.3 and 7.25; DWARF 4, 2.17.3.
 */
#ifndef REPORT_DWARF_RANGES_H
#define REPORT_DWARF_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/dwarf/form.h"

struct range {
	uint64_t begin, end;
};

struct ranges {
	struct range *item;
	size_t n, cap;
};

/*
 * Replaces what is in `ret` by the ranges of code of an entry of unit u, in the order in which they
 * stand. Damaged or endless lists end where that shows.
 */
void ranges_read(const struct unit *u, const struct value *low, const struct value *high,
		 const struct value *ranges, struct ranges *ret);
void ranges_done(struct ranges *r);

#endif
