/*
 * Debug information by hand, for what compilers write seldom: one unit with functions that the test
 * describes attribute by attribute. Texts, offsets and addresses that forms point to are at known
 * places of the other sections.
 */
#ifndef TESTS_UNIT_DWARF_MADE_H
#define TESTS_UNIT_DWARF_MADE_H

#include <dwarf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/bits.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "report/dwarf/engine.h"
#include "report/dwarf/unit.h"
#include "report/symbol/answer.h"
#include "tests/unit/check.h"

enum {
	MADE_TEXT = 0x1000,
	MADE_FUNCTION_BYTES = 0x10, /* of each; the n-th begins n times this behind MADE_TEXT */
	MADE_FUNCTIONS_MAX = 32,
	MADE_STR = 3,	/* where MADE_NAME is in .debug_str, .debug_line_str and the alternate's */
	MADE_INDEX = 2, /* of its offset in .debug_str_offsets; of MADE_TEXT in .debug_addr */
	MADE_BASE = 8,	/* of both tables: behind their headers */
};
#define MADE_NAME "named"

struct made {
	struct buf info, abbrev;
	uint8_t version;
	uint64_t n_abbrevs;
	uint64_t alt_origin; /* entry with MADE_NAME in the alternate's .debug_info */
};

static inline void made_u(struct buf *b, uint64_t value, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		buf_putc(b, (char)(i < 8 ? value >> 8 * i : 0));
}

static inline void made_text(struct buf *b, const char *text)
{
	buf_put(b, text, strlen(text) + 1);
}

/* Declares an entry; made_attr follows for each attribute, then made_entry. Returns its code. */
static inline uint64_t made_abbrev(struct made *m, uint64_t tag, bool has_children)
{
	buf_varint(&m->abbrev, ++m->n_abbrevs);
	buf_varint(&m->abbrev, tag);
	buf_putc(&m->abbrev, (char)has_children);
	return m->n_abbrevs;
}

static inline void made_attr(struct made *m, uint64_t name, uint64_t form)
{
	buf_varint(&m->abbrev, name);
	buf_varint(&m->abbrev, form);
}

/* Ends the declaration and begins the entry; values follow in m->info. Returns its offset. */
static inline uint64_t made_entry(struct made *m, uint64_t code)
{
	uint64_t off = m->info.n;

	made_u(&m->abbrev, 0, 2);
	buf_varint(&m->info, code);
	return off;
}

/* Header and root entry of a unit that covers all functions. */
static inline void made_init(struct made *m, uint8_t version)
{
	uint64_t code;

	*m = (struct made){ .version = version };
	buf_init(&m->info);
	buf_init(&m->abbrev);
	made_u(&m->info, 0, 4); /* length: made_finish */
	made_u(&m->info, version, 2);
	if (version >= 5)
		made_u(&m->info, (uint64_t)8 << 8 | DW_UT_compile, 2);
	made_u(&m->info, 0, 4);
	if (version < 5)
		made_u(&m->info, 8, 1);
	code = made_abbrev(m, DW_TAG_compile_unit, true);
	made_attr(m, DW_AT_low_pc, DW_FORM_addr);
	made_attr(m, DW_AT_high_pc, DW_FORM_data4);
	made_attr(m, DW_AT_str_offsets_base, DW_FORM_data4);
	made_attr(m, DW_AT_addr_base, DW_FORM_data4);
	made_entry(m, code);
	made_u(&m->info, MADE_TEXT, 8);
	made_u(&m->info, MADE_FUNCTIONS_MAX * MADE_FUNCTION_BYTES, 4);
	made_u(&m->info, MADE_BASE, 4);
	made_u(&m->info, MADE_BASE, 4);
}

/* low_pc and high_pc of function n, in the plainest forms. */
static inline void made_range_attrs(struct made *m)
{
	made_attr(m, DW_AT_low_pc, DW_FORM_addr);
	made_attr(m, DW_AT_high_pc, DW_FORM_data4);
}

static inline void made_range(struct made *m, unsigned int n)
{
	made_u(&m->info, MADE_TEXT + n * MADE_FUNCTION_BYTES, 8);
	made_u(&m->info, MADE_FUNCTION_BYTES, 4);
}

static inline void made_length(struct buf *info)
{
	uint32_t length = (uint32_t)info->n - 4;

	memcpy(info->data, &length, sizeof(length));
}

/* The alternate file: one entry with a name. */
static inline void made_alt(struct made *m, struct made *alt)
{
	uint64_t code;

	made_init(alt, 4);
	code = made_abbrev(alt, DW_TAG_subprogram, false);
	made_attr(alt, DW_AT_name, DW_FORM_strp);
	m->alt_origin = made_entry(alt, code);
	made_u(&alt->info, MADE_STR, 4);
	made_u(&alt->info, 0, 1);
	made_u(&alt->abbrev, 0, 1);
	made_length(&alt->info);
}

static inline struct section made_section(const struct buf *b)
{
	return (struct section){ .data = (const uint8_t *)b->data, .n = b->n };
}

/* Name of function n; "" none. Lent from a static buffer. */
static inline const char *made_ask(struct dwarf *d, unsigned int n)
{
	static char name[256];
	struct answers_builder *out = answers_builder_new();
	uint64_t addr = MADE_TEXT + n * MADE_FUNCTION_BYTES + 1;
	struct answers a;
	struct err err = { 0 };
	struct buf bytes;

	dwarf_answer(d, &addr, 1, out, &err);
	buf_init(&bytes);
	answers_finish(out, &bytes);
	answers_builder_free(out);
	REQUIRE_INT(answers_open(bytes.data, bytes.n, &a, &err), 0);
	name[0] = 0;
	if (a.first[0] != ANSWER_NONE)
		strncat(name, answers_text(&a, a.frame[a.first[0]].name), sizeof(name) - 1);
	buf_done(&bytes);
	return name;
}

/*
 * Ends the unit and opens an engine over it, with an alternate file. `trouble` (256 bytes) gets
 * what was said; the name of function n is returned. Frees what m holds.
 */
static inline const char *made_finish(struct made *m, unsigned int n, char *trouble)
{
	static const char str[] = "\0\0\0" MADE_NAME;
	static const uint32_t offsets[] = { 0, 0, 0, 0, MADE_STR, 0 };
	static const uint64_t addrs[] = { 0, 0, 0, MADE_TEXT, 0 };
	struct section section[SECTION_KINDS] = { 0 };
	struct made alt;
	const char *name;
	struct dwarf *d;

	made_u(&m->info, 0, 1);
	made_u(&m->abbrev, 0, 1);
	made_length(&m->info);
	made_alt(m, &alt);
	section[SECTION_INFO] = made_section(&m->info);
	section[SECTION_ABBREV] = made_section(&m->abbrev);
	section[SECTION_STR] = section[SECTION_LINE_STR] =
		(struct section){ (const uint8_t *)str, sizeof(str) };
	section[SECTION_STR_OFFSETS] = (struct section){ (const void *)offsets, sizeof(offsets) };
	section[SECTION_ADDR] = (struct section){ (const void *)addrs, sizeof(addrs) };
	d = dwarf_over(section, MADE_TEXT, MADE_TEXT + MADE_FUNCTIONS_MAX * MADE_FUNCTION_BYTES);
	d->alt.section[SECTION_INFO] = made_section(&alt.info);
	d->alt.section[SECTION_ABBREV] = made_section(&alt.abbrev);
	d->alt.section[SECTION_STR] = section[SECTION_STR];
	d->main.alt = &d->alt;
	d->budget.steps = 1 << 16;
	units_read(&d->alt, &(struct dwarf_stats){ 0 });
	name = made_ask(d, n);
	snprintf(trouble, 256, "%s", dwarf_trouble(d));
	dwarf_close(d);
	buf_done(&m->info);
	buf_done(&m->abbrev);
	buf_done(&alt.info);
	buf_done(&alt.abbrev);
	return name;
}

#endif
