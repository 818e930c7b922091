/*
 * Abbreviation tables, compiled: for each code what to skip in bytes at once and which attributes
 * to read. Entries of tags that the engine has no use for are skipped in one step where all their
 * forms have fixed sizes.
 * Source: DWARF 5, 7.5.3 to 7.5.6.
 */
#ifndef REPORT_DWARF_ABBREV_H
#define REPORT_DWARF_ABBREV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/dwarf/file.h"

/* Attributes that are read; others are skipped. */
enum slot {
	SLOT_SIBLING,
	SLOT_NAME,
	SLOT_LINKAGE,
	SLOT_LOW,
	SLOT_HIGH,
	SLOT_RANGES,
	SLOT_ORIGIN,
	SLOT_SPECIFICATION,
	SLOT_CALL_FILE,
	SLOT_CALL_LINE,
	SLOT_CALL_COLUMN,
	/* of root entries only */
	SLOT_STMT_LIST,
	SLOT_COMP_DIR,
	SLOT_LANGUAGE,
	SLOT_STR_BASE,
	SLOT_ADDR_BASE,
	SLOT_RNGLISTS_BASE,
	SLOT_RANGES_BASE,
	SLOT_DWO_NAME,
	SLOT_DWO_ID,
	SLOTS,
	SLOT_NONE = SLOTS
};

enum tag_class {
	TAG_OTHER,  /* looked into for functions */
	TAG_CLOSED, /* never holds a function: skipped with what is below it */
	TAG_FUNCTION,
	TAG_INLINED,
	TAG_UNIT,
};

enum step_op {
	STEP_SKIP, /* n bytes */
	STEP_SKIP_LEB,
	STEP_SKIP_TEXT,
	STEP_SKIP_BLOCK, /* length in n bytes; 0: LEB128 */
	STEP_SKIP_INDIRECT,
	STEP_READ,
};

struct step {
	uint8_t op, slot;
	uint16_t form;
	uint32_t n; /* DW_FORM_implicit_const: index of the constant */
};

struct abbrev {
	uint64_t code;
	uint16_t tag;
	uint8_t class;
	bool has_children, has_code;
	bool bad; /* an unknown form: the entry's end is not known */
	uint16_t bad_form;
	uint32_t step, n_steps; /* into the table's steps */
};

struct abbrevs {
	struct abbrev *item; /* rising by code */
	struct step *step;
	int64_t *implicit;
	size_t n, cap, n_steps, steps_cap, n_implicit, implicit_cap;
};

/* What sizes of forms depend on. */
struct encoding {
	uint8_t version, addr_size, off_size;
};

/*
 * The table at an offset of .debug_abbrev; lives as long as the file. NULL: damaged, said in the
 * budget.
 */
const struct abbrevs *abbrevs_get(struct dwarf_file *f, uint64_t off, struct encoding e);
void abbrevs_free_all(struct dwarf_file *f);

/*
 * One code alone of the table at an offset, without keeping the rest: for root entries, so that
 * finding the units of a file does not decode thousands of tables. `a` is the caller's, zeroed at
 * first, reused; abbrevs_done. NULL: not there.
 */
const struct abbrev *abbrevs_one(struct dwarf_file *f, uint64_t off, struct encoding e,
				 uint64_t code, struct abbrevs *a);
void abbrevs_done(struct abbrevs *a);

const struct abbrev *abbrevs_search(const struct abbrevs *a, uint64_t code);

static inline const struct abbrev *abbrevs_find(const struct abbrevs *a, uint64_t code)
{
	if (code - 1 < a->n && a->item[code - 1].code == code)
		return &a->item[code - 1];
	return abbrevs_search(a, code);
}

#endif
