/*
 * Every form of an attribute, in units made by hand: those that compilers choose seldom are the
 * ones that nobody notices. Source: DWARF 5, 7.5.6; dwz and GNU split extensions.
 */
#include "report/dwarf/form.h"

#include <stdio.h>
#include <string.h>

#include "report/dwarf/unit.h"
#include "tests/unit/dwarf_made.h"

/* A form, and a value in it: n bytes of `number`, LEB128 (n 0), or text. */
struct value_case {
	const char *name;
	uint64_t form;
	unsigned int n;
	uint64_t number;
};

static void put_value(struct made *m, const struct value_case *c)
{
	if (c->form == DW_FORM_string)
		made_text(&m->info, MADE_NAME);
	else if (c->n)
		made_u(&m->info, c->number, c->n);
	else
		buf_varint(&m->info, c->number);
}

/* One function, whose `attr` has the case's form; the rest is plain. */
static const char *one_function(const struct value_case *c, uint64_t attr, char *trouble)
{
	struct made m;
	uint64_t code;

	made_init(&m, 5);
	code = made_abbrev(&m, DW_TAG_subprogram, false);
	made_attr(&m, attr, c->form);
	if (attr != DW_AT_name)
		made_attr(&m, DW_AT_name, DW_FORM_string);
	made_range_attrs(&m);
	made_entry(&m, code);
	put_value(&m, c);
	if (attr != DW_AT_name)
		made_text(&m.info, MADE_NAME);
	made_range(&m, 0);
	return made_finish(&m, 0, trouble);
}

static const struct value_case texts[] = {
	{ "string", DW_FORM_string, 0, 0 },
	{ "strp", DW_FORM_strp, 4, MADE_STR },
	{ "line_strp", DW_FORM_line_strp, 4, MADE_STR },
	{ "strx", DW_FORM_strx, 0, MADE_INDEX },
	{ "strx1", DW_FORM_strx1, 1, MADE_INDEX },
	{ "strx2", DW_FORM_strx2, 2, MADE_INDEX },
	{ "strx3", DW_FORM_strx3, 3, MADE_INDEX },
	{ "strx4", DW_FORM_strx4, 4, MADE_INDEX },
	{ "GNU_str_index", DW_FORM_GNU_str_index, 0, MADE_INDEX },
	{ "strp_sup", DW_FORM_strp_sup, 4, MADE_STR },
	{ "GNU_strp_alt", DW_FORM_GNU_strp_alt, 4, MADE_STR },
	/* the form, then the value */
	{ "indirect strp", DW_FORM_indirect, 5, DW_FORM_strp | MADE_STR << 8 },
	{ "indirect strx1", DW_FORM_indirect, 2, DW_FORM_strx1 | MADE_INDEX << 8 },
};

static void every_text(void)
{
	char trouble[256];

	for (size_t i = 0; i < N_ELEMENTS(texts); i++) {
		const char *name = one_function(&texts[i], DW_AT_name, trouble);

		CHECK_TRUE(strcmp(name, MADE_NAME) == 0, "%s: '%s'", texts[i].name, name);
		CHECK_STR(trouble, "");
	}
}

/* Values of texts beyond their tables: no name, and nothing read there. */
static void texts_out_of_bounds(void)
{
	static const struct value_case beyond[] = {
		{ "strp", DW_FORM_strp, 4, 0xffffffff },
		{ "strp at the end", DW_FORM_strp, 4, MADE_STR + sizeof(MADE_NAME) + 1 },
		{ "line_strp", DW_FORM_line_strp, 4, 0x80000000 },
		{ "strx", DW_FORM_strx, 0, UINT64_MAX },
		{ "strx, offset overflows", DW_FORM_strx, 0, UINT64_MAX / 4 + 1 },
		{ "strx1", DW_FORM_strx1, 1, 0xff },
		{ "strp_sup", DW_FORM_strp_sup, 4, 0xffffffff },
	};
	char trouble[256];

	for (size_t i = 0; i < N_ELEMENTS(beyond); i++) {
		const char *name = one_function(&beyond[i], DW_AT_name, trouble);

		CHECK_TRUE(!*name, "%s: '%s'", beyond[i].name, name);
	}
}

/* Forms of attributes that nobody asks for: what follows must be found behind them. */
static const struct value_case skipped[] = {
	{ "addr", DW_FORM_addr, 8, 1 },
	{ "block1", DW_FORM_block1, 3, 2 },
	{ "block2", DW_FORM_block2, 4, 2 },
	{ "block4", DW_FORM_block4, 6, 2 },
	{ "block", DW_FORM_block, 3, 2 },
	{ "exprloc", DW_FORM_exprloc, 3, 2 },
	{ "data1", DW_FORM_data1, 1, 0xff },
	{ "data2", DW_FORM_data2, 2, 0xffff },
	{ "data4", DW_FORM_data4, 4, 0xffffffff },
	{ "data8", DW_FORM_data8, 8, UINT64_MAX },
	{ "data16", DW_FORM_data16, 16, 0x0102030405060708 },
	{ "sdata", DW_FORM_sdata, 2, 0x7f80 },
	{ "udata", DW_FORM_udata, 0, UINT64_MAX },
	{ "string", DW_FORM_string, 0, 0 },
	{ "strp", DW_FORM_strp, 4, 1 },
	{ "flag", DW_FORM_flag, 1, 1 },
	{ "ref1", DW_FORM_ref1, 1, 1 },
	{ "ref2", DW_FORM_ref2, 2, 1 },
	{ "ref4", DW_FORM_ref4, 4, 1 },
	{ "ref8", DW_FORM_ref8, 8, 1 },
	{ "ref_udata", DW_FORM_ref_udata, 0, 300 },
	{ "ref_addr", DW_FORM_ref_addr, 4, 1 },
	{ "ref_sig8", DW_FORM_ref_sig8, 8, 1 },
	{ "ref_sup4", DW_FORM_ref_sup4, 4, 1 },
	{ "ref_sup8", DW_FORM_ref_sup8, 8, 1 },
	{ "GNU_ref_alt", DW_FORM_GNU_ref_alt, 4, 1 },
	{ "sec_offset", DW_FORM_sec_offset, 4, 1 },
	{ "line_strp", DW_FORM_line_strp, 4, 1 },
	{ "strp_sup", DW_FORM_strp_sup, 4, 1 },
	{ "GNU_strp_alt", DW_FORM_GNU_strp_alt, 4, 1 },
	{ "strx", DW_FORM_strx, 0, 300 },
	{ "strx3", DW_FORM_strx3, 3, 1 },
	{ "addrx", DW_FORM_addrx, 0, 300 },
	{ "addrx3", DW_FORM_addrx3, 3, 1 },
	{ "loclistx", DW_FORM_loclistx, 0, 300 },
	{ "rnglistx", DW_FORM_rnglistx, 0, 300 },
	{ "GNU_addr_index", DW_FORM_GNU_addr_index, 0, 300 },
	{ "GNU_str_index", DW_FORM_GNU_str_index, 0, 300 },
	{ "indirect data2", DW_FORM_indirect, 3, DW_FORM_data2 },
	{ "indirect block1", DW_FORM_indirect, 4, DW_FORM_block1 | 2 << 8 },
	{ "indirect block2", DW_FORM_indirect, 5, DW_FORM_block2 | 2 << 8 },
	{ "indirect block4", DW_FORM_indirect, 7, DW_FORM_block4 | 2 << 8 },
	{ "indirect exprloc", DW_FORM_indirect, 4, DW_FORM_exprloc | 2 << 8 },
};

static void every_skipped(void)
{
	static const uint64_t attrs[] = { DW_AT_decl_line, 0x2fff };
	char trouble[256];

	for (size_t i = 0; i < N_ELEMENTS(skipped); i++)
		for (size_t j = 0; j < N_ELEMENTS(attrs); j++) {
			const char *name = one_function(&skipped[i], attrs[j], trouble);

			CHECK_TRUE(strcmp(name, MADE_NAME) == 0, "%s: '%s' (%s)", skipped[i].name,
				   name, trouble);
		}
}

static void unknown_form(void)
{
	static const struct value_case unknown = { "unknown", 0x7e, 1, 1 };
	char trouble[256];

	CHECK_STR(one_function(&unknown, 0x2fff, trouble), "");
	CHECK_HAS(trouble, "form");
	CHECK_HAS(trouble, "unit at offset 0");
}

/* ---- addresses ---- */

/* The function with its code given in other forms; constants hold no bytes. */
static const char *one_range(const struct value_case *low, const struct value_case *high)
{
	static char trouble[256];
	struct made m;
	uint64_t code;

	made_init(&m, 5);
	code = made_abbrev(&m, DW_TAG_subprogram, false);
	made_attr(&m, DW_AT_name, DW_FORM_string);
	made_attr(&m, DW_AT_low_pc, low->form);
	made_attr(&m, DW_AT_high_pc, high->form);
	if (high->form == DW_FORM_implicit_const)
		buf_varint(&m.abbrev, high->number);
	made_entry(&m, code);
	made_text(&m.info, MADE_NAME);
	put_value(&m, low);
	if (high->form != DW_FORM_implicit_const)
		put_value(&m, high);
	return made_finish(&m, 0, trouble);
}

static void every_address(void)
{
	static const struct value_case low[] = {
		{ "addr", DW_FORM_addr, 8, MADE_TEXT },
		{ "addrx", DW_FORM_addrx, 0, MADE_INDEX },
		{ "addrx1", DW_FORM_addrx1, 1, MADE_INDEX },
		{ "addrx2", DW_FORM_addrx2, 2, MADE_INDEX },
		{ "addrx3", DW_FORM_addrx3, 3, MADE_INDEX },
		{ "addrx4", DW_FORM_addrx4, 4, MADE_INDEX },
		{ "GNU_addr_index", DW_FORM_GNU_addr_index, 0, MADE_INDEX },
	};
	static const struct value_case high[] = {
		{ "data1", DW_FORM_data1, 1, MADE_FUNCTION_BYTES },
		{ "data2", DW_FORM_data2, 2, MADE_FUNCTION_BYTES },
		{ "data4", DW_FORM_data4, 4, MADE_FUNCTION_BYTES },
		{ "data8", DW_FORM_data8, 8, MADE_FUNCTION_BYTES },
		{ "udata", DW_FORM_udata, 0, MADE_FUNCTION_BYTES },
		{ "sdata", DW_FORM_sdata, 1, MADE_FUNCTION_BYTES },
		{ "implicit_const", DW_FORM_implicit_const, 0, MADE_FUNCTION_BYTES },
		{ "addr", DW_FORM_addr, 8, MADE_TEXT + MADE_FUNCTION_BYTES },
	};

	for (size_t i = 0; i < N_ELEMENTS(low); i++)
		for (size_t j = 0; j < N_ELEMENTS(high); j++)
			CHECK_TRUE(strcmp(one_range(&low[i], &high[j]), MADE_NAME) == 0,
				   "low_pc %s, high_pc %s", low[i].name, high[j].name);
}

/* Indices beyond .debug_addr, ranges that are none, code that the linker dropped. */
static void no_addresses(void)
{
	static const struct value_case bytes = { "", DW_FORM_data4, 4, MADE_FUNCTION_BYTES };
	static const struct value_case low[] = {
		{ "addrx beyond", DW_FORM_addrx, 0, 1000 },
		{ "addrx, offset overflows", DW_FORM_addrx, 0, UINT64_MAX / 8 + 1 },
		{ "0", DW_FORM_addr, 8, 0 },
		{ "1", DW_FORM_addr, 8, 1 },
		{ "-1", DW_FORM_addr, 8, UINT64_MAX },
		{ "-2", DW_FORM_addr, 8, UINT64_MAX - 1 },
	};
	static const struct value_case text = { "", DW_FORM_addr, 8, MADE_TEXT };
	static const struct value_case high[] = {
		{ "0 bytes", DW_FORM_data4, 4, 0 },
		{ "all bytes", DW_FORM_data8, 8, UINT64_MAX },
		{ "below low_pc", DW_FORM_addr, 8, MADE_TEXT - 1 },
	};

	for (size_t i = 0; i < N_ELEMENTS(low); i++)
		CHECK_TRUE(!*one_range(&low[i], &bytes), "low_pc %s", low[i].name);
	for (size_t i = 0; i < N_ELEMENTS(high); i++)
		CHECK_TRUE(!*one_range(&text, &high[i]), "high_pc %s", high[i].name);
}

/* ---- references ---- */

/* A declaration with a name, then a function that refers to it in some form. */
static const char *one_reference(uint64_t attr, uint64_t form, unsigned int n, bool is_alt)
{
	static char trouble[256];
	struct made m, alt;
	uint64_t code, origin;

	made_init(&m, 5);
	code = made_abbrev(&m, DW_TAG_subprogram, false);
	made_attr(&m, DW_AT_name, DW_FORM_string);
	origin = made_entry(&m, code);
	made_text(&m.info, is_alt ? "wrong" : MADE_NAME);
	code = made_abbrev(&m, DW_TAG_subprogram, false);
	made_range_attrs(&m);
	made_attr(&m, attr, form);
	made_entry(&m, code);
	made_range(&m, 0);
	if (is_alt) {
		made_alt(&m, &alt);
		origin = m.alt_origin;
		buf_done(&alt.info);
		buf_done(&alt.abbrev);
	}
	if (n)
		made_u(&m.info, origin, n);
	else
		buf_varint(&m.info, origin);
	return made_finish(&m, 0, trouble);
}

static void every_reference(void)
{
	static const struct {
		const char *name;
		uint64_t form;
		unsigned int n;
		bool is_alt;
	} references[] = {
		{ "ref1", DW_FORM_ref1, 1, false },
		{ "ref2", DW_FORM_ref2, 2, false },
		{ "ref4", DW_FORM_ref4, 4, false },
		{ "ref8", DW_FORM_ref8, 8, false },
		{ "ref_udata", DW_FORM_ref_udata, 0, false },
		{ "ref_addr", DW_FORM_ref_addr, 4, false },
		{ "ref_sup4", DW_FORM_ref_sup4, 4, true },
		{ "ref_sup8", DW_FORM_ref_sup8, 8, true },
		{ "GNU_ref_alt", DW_FORM_GNU_ref_alt, 4, true },
	};
	static const uint64_t attrs[] = { DW_AT_abstract_origin, DW_AT_specification };

	for (size_t i = 0; i < N_ELEMENTS(references); i++)
		for (size_t j = 0; j < N_ELEMENTS(attrs); j++) {
			const char *name = one_reference(attrs[j], references[i].form,
							 references[i].n, references[i].is_alt);

			CHECK_TRUE(strcmp(name, MADE_NAME) == 0, "%s: '%s'", references[i].name,
				   name);
		}
}

/* Into the unit's header, behind its end, out of the section, between entries. */
static void references_to_nothing(void)
{
	static const uint32_t to[] = { 0, 11, 0x60, 0x80, 0x10000, 0x7fffffff, 0xffffffff };
	static const uint64_t forms[] = { DW_FORM_ref4, DW_FORM_ref_addr, DW_FORM_ref_sup4 };
	char trouble[256];

	for (size_t i = 0; i < N_ELEMENTS(to) * N_ELEMENTS(forms); i++) {
		struct made m;
		uint64_t code;

		made_init(&m, 5);
		code = made_abbrev(&m, DW_TAG_subprogram, false);
		made_range_attrs(&m);
		made_attr(&m, DW_AT_abstract_origin, forms[i % N_ELEMENTS(forms)]);
		made_entry(&m, code);
		made_range(&m, 0);
		made_u(&m.info, to[i / N_ELEMENTS(forms)], 4);
		CHECK_STR(made_finish(&m, 0, trouble), "");
	}
}

/*
 * A chain of `length` entries of which each refers to the next, the last one to the entry with
 * number `last` (itself: a circle), or has a name when `last` is negative.
 */
static const char *chain(unsigned int length, int last, char *trouble)
{
	uint64_t link, end, first;
	struct made m;

	made_init(&m, 5);
	link = made_abbrev(&m, DW_TAG_subprogram, false);
	made_range_attrs(&m);
	made_attr(&m, DW_AT_abstract_origin, DW_FORM_ref4);
	first = made_entry(&m, link);
	made_range(&m, 0);
	made_u(&m.info, m.info.n + 4, 4);
	for (unsigned int i = 1; i < length; i++) {
		buf_varint(&m.info, link);
		made_range(&m, i);
		made_u(&m.info, m.info.n + 4, 4);
	}
	if (last >= 0) {
		/* the last one's value is overwritten */
		uint32_t target = (uint32_t)(first + (m.info.n - first) / length * (unsigned)last);

		memcpy(m.info.data + m.info.n - sizeof(target), &target, sizeof(target));
	} else {
		end = made_abbrev(&m, DW_TAG_subprogram, false);
		made_attr(&m, DW_AT_name, DW_FORM_string);
		made_entry(&m, end);
		made_text(&m.info, MADE_NAME);
	}
	return made_finish(&m, 0, trouble);
}

static void circles(void)
{
	char trouble[256];

	CHECK_STR(chain(1, 0, trouble), "");
	CHECK_HAS(trouble, "more than 16 references away");
	CHECK_STR(chain(2, 0, trouble), "");
	CHECK_HAS(trouble, "more than 16 references away");
	CHECK_STR(chain(20, 5, trouble), "");
	CHECK_STR(chain(15, -1, trouble), MADE_NAME);
	CHECK_STR(trouble, "");
	CHECK_STR(chain(17, -1, trouble), "");
	CHECK_HAS(trouble, "more than 16 references away");
}

/* Units that import each other, or themselves, are not followed in circles. */
static void imports(void)
{
	char trouble[256];
	struct made m;
	uint64_t code;

	made_init(&m, 5);
	code = made_abbrev(&m, DW_TAG_imported_unit, false);
	made_attr(&m, DW_AT_import, DW_FORM_ref_addr);
	made_entry(&m, code);
	made_u(&m.info, 12, 4); /* the root entry of this very unit */
	code = made_abbrev(&m, DW_TAG_subprogram, false);
	made_attr(&m, DW_AT_name, DW_FORM_string);
	made_range_attrs(&m);
	made_entry(&m, code);
	made_text(&m.info, MADE_NAME);
	made_range(&m, 0);
	CHECK_STR(made_finish(&m, 0, trouble), MADE_NAME);
	CHECK_STR(trouble, "");
}

SUITE(dwarf_form, { "every form of text gives the name", every_text },
      { "text beyond its table is no name", texts_out_of_bounds },
      { "every form is stepped over", every_skipped },
      { "an unknown form is said, with its unit", unknown_form },
      { "every form of address and of length gives the range", every_address },
      { "tombstones, empty and endless ranges hold no code", no_addresses },
      { "every form of reference leads to the name", every_reference },
      { "references to no entry lead nowhere", references_to_nothing },
      { "circles of references end and are said", circles },
      { "a unit that imports itself is read once", imports }, )
