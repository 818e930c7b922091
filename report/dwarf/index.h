/*
 * Which units may hold code at an address: ranges of root entries, and of line programs where a
 * root says nothing. Units may overlap: all candidates are given.
 */
#ifndef REPORT_DWARF_INDEX_H
#define REPORT_DWARF_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "report/dwarf/file.h"

struct index_range {
	uint64_t begin, end;
	uint64_t reach; /* highest end of this range and those before it */
	uint32_t unit;
};

struct index {
	struct index_range *range; /* rising by begin */
	size_t n, cap;
};

/* f's units have been read. */
void unit_index_make(struct index *index, struct dwarf_file *f);
void unit_index_done(struct index *index);

typedef void index_got(void *ctx, uint32_t unit);
void unit_index_each(const struct index *index, uint64_t addr, struct budget *budget,
		     index_got *got, void *ctx);

#endif
