/*
 * Units of .debug_info: headers and root entries, and the code they cover. Reading a file's units
 * touches headers and roots only.
 * Source: DWARF 5, 3.1 and 7.5.1; GNU split DWARF for version 4.
 */
#ifndef REPORT_DWARF_UNIT_H
#define REPORT_DWARF_UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/dwarf/abbrev.h"
#include "report/dwarf/file.h"
#include "report/dwarf/form.h"

struct dwarf_stats;
struct functions;
struct lines;

struct unit {
	struct dwarf_file *file;
	/*
	 * Where addresses, ranges and the line table come from: the unit itself, or the skeleton
	 * in the main file of a split one.
	 */
	struct unit *skeleton;
	struct unit *split; /* of a skeleton: the unit that holds its entries; NULL: not had */
	uint64_t off, end, root; /* in .debug_info; root: first entry */
	uint64_t abbrev_off;
	struct encoding encoding;
	uint8_t type;	    /* DW_UT_... */
	uint16_t language;  /* DW_LANG_...; 0: not said */
	bool has_lines, has_ranges, is_split_wanted, is_bad;
	bool is_asked_split; /* the split file was asked for already */
	bool is_counted_bad; /* in the statistics */
	uint64_t low; /* base of ranges */
	uint64_t stmt_list;
	uint64_t str_base, addr_base, rnglists_base, ranges_base;
	uint64_t dwo_id;
	struct value name, comp_dir, dwo_name, ranges, low_value, high;
	/* made when the unit is touched */
	const struct abbrevs *abbrevs;
	struct functions *functions;
	struct lines *lines;
};

/* Root entries of all units -> f->unit. Damage ends it there: what was read before stands. */
void units_read(struct dwarf_file *f, struct dwarf_stats *stats);


/* The unit that holds an offset of .debug_info, or NULL. */
struct unit *units_find(struct dwarf_file *f, uint64_t off);

/* Abbreviations of a unit; NULL: damaged. */
const struct abbrevs *unit_abbrevs(struct unit *u);

/* "unit at offset 1234: ..." into the budget. */
void unit_trouble(struct unit *u, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The same for an entry whose code is unknown (abbrev NULL) or whose forms are. */
void unit_trouble_entry(struct unit *u, uint64_t off, uint64_t code, const struct abbrev *abbrev);

#endif
