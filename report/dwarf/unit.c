/*
 * All headers first, then all roots: what a root says may need the unit behind it to be complete
 * (addresses by index), and pointers between units need the array to stand still.
 */
#include "report/dwarf/unit.h"

#include <dwarf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "report/dwarf/dwarf.h"

enum {
	LENGTH_64 = 0xffffffff, /* a 64-bit length follows */
	LENGTH_RESERVED = 0xfffffff0,
};

void unit_trouble(struct unit *u, const char *fmt, ...)
{
	struct err err = { 0 };
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	err_set(&err, -EBADMSG, "unit at offset %" PRIu64 ": %s", u->off, text);
	budget_trouble(u->file->budget, &err);
	u->is_bad = true;
}

void unit_trouble_entry(struct unit *u, uint64_t off, uint64_t code, const struct abbrev *abbrev)
{
	if (abbrev && abbrev->bad)
		unit_trouble(u, "entry at offset %" PRIu64 " has the unknown form 0x%x", off,
			     abbrev->bad_form);
	else if (!abbrev)
		unit_trouble(u, "entry at offset %" PRIu64 " has the unknown abbreviation %" PRIu64,
			     off, code);
	else
		unit_trouble(u, "entry at offset %" PRIu64 " is cut", off);
}

/* A header where c stands; false: no unit that we can read, u->end says where to go on. */
static bool header_read(struct cursor *c, const uint8_t *base, struct unit *u)
{
	uint64_t length = cursor_u32(c);

	u->encoding.off_size = 4;
	if (length == LENGTH_64) {
		u->encoding.off_size = 8;
		length = cursor_u64(c);
	} else if (length >= LENGTH_RESERVED) {
		length = UINT64_MAX;
	}
	if (length > cursor_left(c)) {
		unit_trouble(u, "claims %" PRIu64 " bytes, %zu are left", length, cursor_left(c));
		c->bad = true;
		return false;
	}
	u->end = (uint64_t)(c->at - base) + length;
	*c = cursor_of(c->at, length);
	if (!length)
		return false; /* padding of linkers */
	uint16_t version = cursor_u16(c);

	u->encoding.version = (uint8_t)MIN(version, UINT8_MAX); /* MIN takes twice */
	if (u->encoding.version < 2 || u->encoding.version > 5) {
		unit_trouble(u, "DWARF version %u, known are 2 to 5", version);
		return false;
	}
	u->type = DW_UT_compile;
	if (u->encoding.version >= 5) {
		u->type = cursor_u8(c);
		u->encoding.addr_size = cursor_u8(c);
	}
	u->abbrev_off = u->encoding.off_size == 8 ? cursor_u64(c) : cursor_u32(c);
	if (u->encoding.version < 5)
		u->encoding.addr_size = cursor_u8(c);
	if (u->type == DW_UT_skeleton || u->type == DW_UT_split_compile)
		u->dwo_id = cursor_u64(c);
	if (u->type == DW_UT_type || u->type == DW_UT_split_type)
		return false;
	u->root = (uint64_t)(c->at - base);
	if (c->bad || (u->encoding.addr_size != 4 && u->encoding.addr_size != 8)) {
		unit_trouble(u, "header is cut, or addresses of %u bytes", u->encoding.addr_size);
		return false;
	}
	return true;
}

static void headers_read(struct dwarf_file *f, struct dwarf_stats *stats)
{
	const struct section *info = file_section(f, SECTION_INFO);
	size_t cap = 0;
	uint64_t off = 0;

	while (off < info->n) {
		struct cursor c = cursor_of(info->data + off, info->n - off);
		struct unit u = { .file = f, .off = off };

		if (header_read(&c, info->data, &u)) {
			mem_grow(&f->unit, &cap, f->n_units + 1, sizeof(*f->unit));
			f->unit[f->n_units++] = u;
		}
		stats->n_units_bad += u.is_bad;
		if (u.end <= off)
			return;
		off = u.end;
	}
}

/* Sections of version 5 start with a header: without a base, what follows the first one is meant */
static uint64_t base_of(const struct value *v, const struct unit *u, uint64_t header_32,
			uint64_t header_64)
{
	uint64_t base;

	if (value_number(v, &base))
		return base;
	if (u->encoding.version < 5)
		return 0;
	return u->encoding.off_size == 8 ? header_64 : header_32;
}

static void root_take(struct unit *u, const struct entry *root)
{
	const struct value *v = root->value;
	uint64_t n;

	u->str_base = base_of(&v[SLOT_STR_BASE], u, 8, 16);
	u->addr_base = base_of(&v[SLOT_ADDR_BASE], u, 8, 16);
	u->rnglists_base = base_of(&v[SLOT_RNGLISTS_BASE], u, 12, 20);
	if (value_number(&v[SLOT_RANGES_BASE], &n))
		u->ranges_base = n;
	if (value_number(&v[SLOT_DWO_ID], &n))
		u->dwo_id = n;
	u->has_lines = value_number(&v[SLOT_STMT_LIST], &u->stmt_list);
	u->language = value_number(&v[SLOT_LANGUAGE], &n) && n <= UINT16_MAX ? (uint16_t)n : 0;
	u->name = v[SLOT_NAME];
	u->comp_dir = v[SLOT_COMP_DIR];
	u->dwo_name = v[SLOT_DWO_NAME];
	u->ranges = v[SLOT_RANGES];
	u->high = v[SLOT_HIGH];
	u->low_value = v[SLOT_LOW];
	if (!value_address(u, &v[SLOT_LOW], &u->low))
		u->low = 0;
	u->has_ranges = u->ranges.form || (u->high.form && u->low_value.form);
	u->is_split_wanted = u->dwo_name.form && !u->file->split;
}

/* The last root's abbreviation: units that share a table mostly share this entry too. */
struct root_abbrev {
	struct abbrevs table;
	const struct abbrev *abbrev;
	uint64_t off, code;
	struct encoding encoding;
};

static const struct abbrev *root_abbrev(struct root_abbrev *last, struct unit *u, uint64_t code)
{
	const struct encoding *e = &u->encoding;

	if (last->abbrev && last->off == u->abbrev_off && last->code == code &&
	    !memcmp(&last->encoding, e, sizeof(*e)))
		return last->abbrev;
	last->off = u->abbrev_off;
	last->code = code;
	last->encoding = *e;
	last->abbrev = abbrevs_one(u->file, u->abbrev_off, *e, code, &last->table);
	return last->abbrev;
}

static void root_read(struct unit *u, struct root_abbrev *last)
{
	const struct section *info = &u->file->section[SECTION_INFO];
	struct cursor c = cursor_of(info->data + u->root, u->end - u->root);
	const struct abbrev *abbrev;
	struct entry root;
	uint64_t code = cursor_uleb(&c);

	if (!code)
		return;
	abbrev = root_abbrev(last, u, code);
	if (!abbrev || abbrev->bad || !entry_values(&c, u, &last->table, abbrev, &root)) {
		unit_trouble_entry(u, u->root, code, abbrev);
		return;
	}
	if (abbrev->class == TAG_UNIT)
		root_take(u, &root);
}

void units_read(struct dwarf_file *f, struct dwarf_stats *stats)
{
	struct root_abbrev last = { 0 };

	headers_read(f, stats);
	for (uint32_t i = 0; i < f->n_units; i++) {
		f->unit[i].skeleton = &f->unit[i];
		root_read(&f->unit[i], &last);
		stats->n_units_bad += f->unit[i].is_bad;
	}
	stats->n_units += f->n_units;
	abbrevs_done(&last.table);
}

struct unit *units_find(struct dwarf_file *f, uint64_t off)
{
	uint32_t low = 0, high = f->n_units;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (f->unit[mid].off <= off)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low || off < f->unit[low - 1].root || off >= f->unit[low - 1].end)
		return NULL;
	return &f->unit[low - 1];
}

const struct abbrevs *unit_abbrevs(struct unit *u)
{
	if (!u->abbrevs)
		u->abbrevs = abbrevs_get(u->file, u->abbrev_off, u->encoding);
	return u->abbrevs;
}
