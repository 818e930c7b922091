/*
 * Attribute values: read as raw numbers with their form, turned into text, addresses, ranges or
 * places of entries only when somebody wants that.
 * Source: DWARF 5, 7.5.4 to 7.5.6; GNU extensions for split DWARF (addr_index, str_index) and dwz
 * (ref_alt, strp_alt).
 */
#ifndef REPORT_DWARF_FORM_H
#define REPORT_DWARF_FORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/cursor.h"
#include "report/dwarf/abbrev.h"
#include "report/dwarf/file.h"

struct unit;

struct value {
	uint16_t form; /* DW_FORM_...; 0: the attribute is not there */
	/* number, offset or index; of DW_FORM_string: where it stands in .debug_info */
	uint64_t n;
};

/* An entry's attributes of interest: value[slot].form is 0 for those it has not. */
struct entry {
	const struct abbrev *abbrev;
	uint64_t off; /* in .debug_info */
	struct value value[SLOTS];
};

/*
 * Code and attributes of the entry where c stands. 1: an entry, 0: the end of a list of children,
 * -1: damaged (said in the budget).
 */
int entry_read(struct cursor *c, struct unit *u, const struct abbrevs *a, struct entry *ret);

/* The attributes alone, c behind the code; false: damaged, c->bad. */
bool entry_values(struct cursor *c, const struct unit *u, const struct abbrevs *a,
		  const struct abbrev *abbrev, struct entry *ret);

/* Steps over the attributes; ret_sibling: value of DW_AT_sibling as an offset, 0: none. */
bool entry_skip(struct cursor *c, const struct unit *u, const struct abbrevs *a,
		const struct abbrev *abbrev, uint64_t *ret_sibling);

/*
 * One value where c stands. DW_FORM_string is meant to stand in .debug_info: readers of other
 * sections take those themselves. Unknown forms set c->bad.
 */
struct value form_read(struct cursor *c, const struct unit *u, uint16_t form);

/* Text, lent, without its zero; false: none, or damaged. */
bool value_text(const struct unit *u, const struct value *v, const char **ret, size_t *ret_n);

/* An address, by itself or through .debug_addr. */
bool value_address(const struct unit *u, const struct value *v, uint64_t *ret);

/* A constant without sign. */
bool value_number(const struct value *v, uint64_t *ret);

/* Address at an index of .debug_addr, for ranges too. */
bool unit_address_at(const struct unit *u, uint64_t index, uint64_t *ret);

/* The entry a reference means: its file and its offset in that file's .debug_info. */
bool value_entry(const struct unit *u, const struct value *v, struct dwarf_file **ret_file,
		 uint64_t *ret_off);

#endif
