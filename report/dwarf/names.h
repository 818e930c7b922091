/*
 * Names of entries: the linkage name where one is to be had along abstract origins and
 * specifications (in other units, in the dwz alternate), else the plain name. Remembered by entry.
 */
#ifndef REPORT_DWARF_NAMES_H
#define REPORT_DWARF_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/map.h"
#include "report/dwarf/form.h"
#include "report/dwarf/unit.h"

enum { NAMES_HOPS_MAX = 16 }; /* references from one entry to the next */

struct name {
	const char *text; /* lent from a section, n bytes; NULL: no name */
	size_t n;
	bool is_linkage;
	/* for the caller's use: what it made of this name, and when; 0 at first */
	uint32_t mark, mark_owner;
};

struct names {
	struct map by_entry; /* file and offset -> index + 1 */
	struct name *item;
	size_t n, cap;
};

void names_init(struct names *names);
void names_done(struct names *names);

/* The name of the entry at `off` of u's file. Lives until the next call. */
struct name *names_get(struct names *names, struct unit *u, uint64_t off);

/*
 * The same for an entry whose DW_AT_abstract_origin is known: bodies that were inlined often share
 * few of those. `off` is asked when the origin leads nowhere.
 */
struct name *names_get_origin(struct names *names, struct unit *u, const struct value *origin,
			      uint64_t off);

#endif
