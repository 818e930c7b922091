/*
 * A table is decoded once for each combination of version, address size and offset size it is used
 * with (in practice one). Steps of skipped attributes that follow each other become one.
 */
#include "report/dwarf/abbrev.h"

#include <dwarf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/cursor.h"

static enum tag_class class_of(uint64_t tag)
{
	switch (tag) {
	case DW_TAG_subprogram:
		return TAG_FUNCTION;
	case DW_TAG_inlined_subroutine:
		return TAG_INLINED;
	case DW_TAG_compile_unit:
	case DW_TAG_partial_unit:
	case DW_TAG_skeleton_unit:
	case DW_TAG_type_unit:
		return TAG_UNIT;
	case DW_TAG_enumeration_type:
	case DW_TAG_array_type:
	case DW_TAG_subroutine_type:
	case DW_TAG_call_site:
	case DW_TAG_GNU_call_site:
		return TAG_CLOSED;
	default:
		return TAG_OTHER;
	}
}

static enum slot root_slot_of(uint64_t attribute)
{
	switch (attribute) {
	case DW_AT_stmt_list:
		return SLOT_STMT_LIST;
	case DW_AT_comp_dir:
		return SLOT_COMP_DIR;
	case DW_AT_language:
		return SLOT_LANGUAGE;
	case DW_AT_str_offsets_base:
		return SLOT_STR_BASE;
	case DW_AT_addr_base:
	case DW_AT_GNU_addr_base:
		return SLOT_ADDR_BASE;
	case DW_AT_rnglists_base:
		return SLOT_RNGLISTS_BASE;
	case DW_AT_GNU_ranges_base:
		return SLOT_RANGES_BASE;
	case DW_AT_dwo_name:
	case DW_AT_GNU_dwo_name:
		return SLOT_DWO_NAME;
	case DW_AT_GNU_dwo_id:
		return SLOT_DWO_ID;
	default:
		return SLOT_NONE;
	}
}

static enum slot slot_of(enum tag_class class, uint64_t attribute)
{
	if (attribute == DW_AT_sibling)
		return SLOT_SIBLING;
	if (class < TAG_FUNCTION)
		return SLOT_NONE;
	switch (attribute) {
	case DW_AT_name:
		return SLOT_NAME;
	case DW_AT_linkage_name:
	case DW_AT_MIPS_linkage_name:
		return SLOT_LINKAGE;
	case DW_AT_low_pc:
		return SLOT_LOW;
	case DW_AT_high_pc:
		return SLOT_HIGH;
	case DW_AT_ranges:
		return SLOT_RANGES;
	case DW_AT_abstract_origin:
		return SLOT_ORIGIN;
	case DW_AT_specification:
		return SLOT_SPECIFICATION;
	case DW_AT_call_file:
		return SLOT_CALL_FILE;
	case DW_AT_call_line:
		return SLOT_CALL_LINE;
	case DW_AT_call_column:
		return SLOT_CALL_COLUMN;
	default:
		return class == TAG_UNIT ? root_slot_of(attribute) : SLOT_NONE;
	}
}

/* How to step over a form; false: unknown form. */
static bool step_over(uint64_t form, struct encoding e, struct step *ret)
{
	*ret = (struct step){ .op = STEP_SKIP, .slot = SLOT_NONE, .form = (uint16_t)form };
	switch (form) {
	case DW_FORM_implicit_const:
	case DW_FORM_flag_present:
		return true;
	case DW_FORM_data1:
	case DW_FORM_ref1:
	case DW_FORM_flag:
	case DW_FORM_strx1:
	case DW_FORM_addrx1:
		ret->n = 1;
		return true;
	case DW_FORM_data2:
	case DW_FORM_ref2:
	case DW_FORM_strx2:
	case DW_FORM_addrx2:
		ret->n = 2;
		return true;
	case DW_FORM_strx3:
	case DW_FORM_addrx3:
		ret->n = 3;
		return true;
	case DW_FORM_data4:
	case DW_FORM_ref4:
	case DW_FORM_strx4:
	case DW_FORM_addrx4:
	case DW_FORM_ref_sup4:
		ret->n = 4;
		return true;
	case DW_FORM_data8:
	case DW_FORM_ref8:
	case DW_FORM_ref_sig8:
	case DW_FORM_ref_sup8:
		ret->n = 8;
		return true;
	case DW_FORM_data16:
		ret->n = 16;
		return true;
	case DW_FORM_addr:
		ret->n = e.addr_size;
		return true;
	case DW_FORM_ref_addr:
		ret->n = e.version <= 2 ? e.addr_size : e.off_size;
		return true;
	case DW_FORM_strp:
	case DW_FORM_line_strp:
	case DW_FORM_sec_offset:
	case DW_FORM_strp_sup:
	case DW_FORM_GNU_ref_alt:
	case DW_FORM_GNU_strp_alt:
		ret->n = e.off_size;
		return true;
	case DW_FORM_udata:
	case DW_FORM_sdata:
	case DW_FORM_ref_udata:
	case DW_FORM_strx:
	case DW_FORM_addrx:
	case DW_FORM_loclistx:
	case DW_FORM_rnglistx:
	case DW_FORM_GNU_addr_index:
	case DW_FORM_GNU_str_index:
		ret->op = STEP_SKIP_LEB;
		return true;
	case DW_FORM_string:
		ret->op = STEP_SKIP_TEXT;
		return true;
	case DW_FORM_block1:
	case DW_FORM_block2:
	case DW_FORM_block4:
		ret->op = STEP_SKIP_BLOCK;
		ret->n = form == DW_FORM_block1 ? 1 : form == DW_FORM_block2 ? 2 : 4;
		return true;
	case DW_FORM_block:
	case DW_FORM_exprloc:
		ret->op = STEP_SKIP_BLOCK;
		return true;
	case DW_FORM_indirect:
		ret->op = STEP_SKIP_INDIRECT;
		return true;
	default:
		return false;
	}
}

static void step_put(struct abbrevs *a, struct abbrev *to, const struct step *step)
{
	struct step *last = to->n_steps ? &a->step[a->n_steps - 1] : NULL;

	if (step->op == STEP_SKIP && !step->n)
		return;
	if (step->op == STEP_SKIP && last && last->op == STEP_SKIP) {
		last->n += step->n;
		return;
	}
	mem_grow(&a->step, &a->steps_cap, a->n_steps + 1, sizeof(*a->step));
	a->step[a->n_steps++] = *step;
	to->n_steps++;
}

/* False: the end of the list of attributes. */
static bool attribute_put(struct abbrevs *a, struct abbrev *to, struct cursor *c, struct encoding e)
{
	uint64_t attribute = cursor_uleb(c), form = cursor_uleb(c);
	int64_t implicit = form == DW_FORM_implicit_const ? cursor_sleb(c) : 0;
	enum slot slot = slot_of(to->class, attribute);
	struct step step;

	if ((!attribute && !form) || c->bad)
		return false;
	if (!step_over(form, e, &step)) {
		if (!to->bad)
			to->bad_form = form > UINT16_MAX ? UINT16_MAX : (uint16_t)form;
		to->bad = true;
		return true;
	}
	if (slot != SLOT_NONE) {
		step.op = STEP_READ;
		step.slot = (uint8_t)slot;
	}
	if (slot != SLOT_NONE && form == DW_FORM_implicit_const) {
		mem_grow(&a->implicit, &a->implicit_cap, a->n_implicit + 1, sizeof(*a->implicit));
		step.n = (uint32_t)a->n_implicit;
		a->implicit[a->n_implicit++] = implicit;
	}
	to->has_code |= slot == SLOT_LOW || slot == SLOT_RANGES;
	step_put(a, to, &step);
	return true;
}

static int by_code(const void *a, const void *b)
{
	const struct abbrev *x = a, *y = b;

	if (x->code != y->code)
		return x->code < y->code ? -1 : 1;
	return x->step < y->step ? -1 : x->step > y->step;
}

/* The list of attributes of an entry that nobody asks for. */
static void attributes_skip(struct cursor *c)
{
	uint64_t attribute, form;

	do {
		attribute = cursor_uleb(c);
		form = cursor_uleb(c);
		if (form == DW_FORM_implicit_const)
			cursor_sleb(c);
	} while ((attribute || form) && !c->bad);
}

enum { ABBREV_STEPS = 8 }; /* of the budget: what an entry costs in memory, about */

static void abbrev_put(struct abbrevs *a, struct cursor *c, struct encoding e, struct abbrev *item)
{
	item->step = (uint32_t)a->n_steps;
	while (attribute_put(a, item, c, e))
		;
	if (c->bad)
		return;
	mem_grow(&a->item, &a->cap, a->n + 1, sizeof(*a->item));
	a->item[a->n++] = *item;
}

/* Decodes a table into a; `only` is not 0: until that code, and nothing else is kept. */
static void abbrevs_read(struct abbrevs *a, struct cursor *c, struct encoding e,
			 struct budget *budget, uint64_t only)
{
	bool sorted = true;
	uint64_t code;

	while (cursor_left(c) && (code = cursor_uleb(c)) && budget_take(budget, ABBREV_STEPS)) {
		uint64_t tag = cursor_uleb(c);
		struct abbrev item = { .code = code,
				       .tag = tag > UINT16_MAX ? 0 : (uint16_t)tag,
				       .class = (uint8_t)class_of(tag),
				       .has_children = cursor_u8(c) == DW_CHILDREN_yes };

		if (only && only != code) {
			attributes_skip(c);
			continue;
		}
		sorted &= !a->n || a->item[a->n - 1].code < code;
		abbrev_put(a, c, e, &item);
		if (only || c->bad)
			break;
	}
	if (!sorted)
		qsort(a->item, a->n, sizeof(*a->item), by_code);
}

static bool abbrevs_at(struct dwarf_file *f, uint64_t off, struct cursor *ret)
{
	const struct section *s = file_section(f, SECTION_ABBREV);
	struct err err = { 0 };

	if (off < s->n && !(off >> 48)) {
		*ret = cursor_of(s->data + off, s->n - off);
		return true;
	}
	err_set(&err, -EBADMSG,
		"abbreviations at offset %" PRIu64 " of .debug_abbrev, which has %" PRIu64 " bytes",
		off, s->n);
	budget_trouble(f->budget, &err);
	return false;
}

const struct abbrevs *abbrevs_get(struct dwarf_file *f, uint64_t off, struct encoding e)
{
	uint64_t key = off << 12 | (uint64_t)(e.version & 15) << 8 | (e.addr_size & 15) << 4 |
		       (e.off_size & 15);
	struct abbrevs *a;
	struct cursor c;
	uint64_t *slot;
	bool is_new;

	if (!abbrevs_at(f, off, &c))
		return NULL;
	slot = map_put(&f->abbrevs, key, &is_new);
	if (!is_new)
		return (const struct abbrevs *)(uintptr_t)*slot;
	a = mem_zalloc(sizeof(*a));
	*slot = (uintptr_t)a;
	abbrevs_read(a, &c, e, f->budget, 0);
	return a;
}

const struct abbrev *abbrevs_one(struct dwarf_file *f, uint64_t off, struct encoding e,
				 uint64_t code, struct abbrevs *a)
{
	struct cursor c;

	a->n = a->n_steps = a->n_implicit = 0;
	if (!code || !abbrevs_at(f, off, &c))
		return NULL;
	abbrevs_read(a, &c, e, f->budget, code);
	return a->n ? &a->item[0] : NULL;
}

void abbrevs_done(struct abbrevs *a)
{
	free(a->item);
	free(a->step);
	free(a->implicit);
	*a = (struct abbrevs){ 0 };
}

void abbrevs_free_all(struct dwarf_file *f)
{
	for (size_t i = 0; f->abbrevs.slots && i <= f->abbrevs.mask; i++) {
		struct abbrevs *a = (struct abbrevs *)(uintptr_t)f->abbrevs.slots[i].value;

		if (!f->abbrevs.slots[i].key)
			continue;
		abbrevs_done(a);
		free(a);
	}
	map_done(&f->abbrevs);
}

const struct abbrev *abbrevs_search(const struct abbrevs *a, uint64_t code)
{
	size_t low = 0, high = a->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (a->item[mid].code < code)
			low = mid + 1;
		else
			high = mid;
	}
	return low < a->n && a->item[low].code == code ? &a->item[low] : NULL;
}
