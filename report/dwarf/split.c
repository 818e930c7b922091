/*
 * The .dwp is looked at first, once: where there is one, the .dwo files mostly are gone. A unit of
 * a package becomes a file of slices, so that the readers need not know about packages.
 */
#include "report/dwarf/split.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/cursor.h"

enum {
	FILES_MAX = 1 << 20,
	COLUMNS_MAX = 16,
	TEXT_BYTES = 4096,
	INDEX_HEADER_BYTES = 16,
	STEPS_BYTE = 16, /* as dwarf.c gives for the main file */
};

static struct dwarf_file *file_add(struct dwarf *d, struct sections *sections)
{
	struct splits *s = &d->splits;
	struct dwarf_file *f = mem_zalloc(sizeof(*f));

	mem_grow(&s->file, &s->cap, s->n + 1, sizeof(*s->file));
	s->file[s->n++] = f;
	f->sections = sections;
	f->budget = &d->budget;
	f->id = (uint32_t)s->n + 1; /* 0: main, 1: alternate */
	f->split = true;
	map_init(&f->abbrevs);
	return f;
}

/* Units of a file that was just opened; the one with the wanted id. */
static struct unit *unit_take(struct dwarf *d, struct dwarf_file *f, struct unit *skeleton)
{
	struct dwarf_stats unused = { 0 };

	d->budget.steps += file_section(f, SECTION_INFO)->n * STEPS_BYTE;
	units_read(f, &unused);
	for (uint32_t i = 0; i < f->n_units; i++) {
		struct unit *u = &f->unit[i];

		if (u->dwo_id != skeleton->dwo_id)
			continue;
		u->skeleton = skeleton;
		return u;
	}
	unit_trouble(skeleton, "its split file has no unit %016" PRIx64, skeleton->dwo_id);
	return NULL;
}

/* ---- packages ---- */

struct package_index {
	uint16_t version;
	uint32_t columns, units, slots;
	const uint8_t *ids, *rows, *kinds, *offsets, *sizes;
};

static uint32_t u32_at(const uint8_t *table, uint64_t i)
{
	struct cursor c = cursor_of(table + 4 * i, 4);

	return cursor_u32(&c);
}

static bool index_open(const struct section *s, struct package_index *ret)
{
	uint64_t need = INDEX_HEADER_BYTES;
	struct cursor c;

	if (s->n < INDEX_HEADER_BYTES)
		return false;
	c = cursor_of(s->data, s->n);
	/* version 5 has 2 bytes of version and 2 of padding, version 2 has 4 */
	ret->version = (uint16_t)cursor_u32(&c);
	ret->columns = cursor_u32(&c);
	ret->units = cursor_u32(&c);
	ret->slots = cursor_u32(&c);
	if ((ret->version != 2 && ret->version != 5) || !ret->columns || ret->columns > COLUMNS_MAX)
		return false;
	need += (uint64_t)ret->slots * 12 + 4ull * ret->columns + 8ull * ret->columns * ret->units;
	if (need > s->n)
		return false;
	ret->ids = s->data + INDEX_HEADER_BYTES;
	ret->rows = ret->ids + 8ull * ret->slots;
	ret->kinds = ret->rows + 4ull * ret->slots;
	ret->offsets = ret->kinds + 4ull * ret->columns;
	ret->sizes = ret->offsets + 4ull * ret->columns * ret->units;
	return true;
}

/* Row of an id, counted from 0; false: none. Slots are tried in order: tables may be hostile. */
static bool index_find(const struct package_index *x, uint64_t id, struct budget *budget,
		       uint32_t *ret)
{
	uint64_t mask = (uint64_t)x->slots - 1, step = ((id >> 32) & mask) | 1, at = id & mask;

	if (!x->slots || (x->slots & mask))
		return false;
	for (uint32_t i = 0; i < x->slots && budget_take(budget, 1); i++, at = (at + step) & mask) {
		struct cursor c = cursor_of(x->ids + 8 * at, 8);
		uint64_t found = cursor_u64(&c);
		uint32_t row = u32_at(x->rows, at);

		if (!row)
			return false;
		if (found == id) {
			*ret = row - 1;
			return row <= x->units;
		}
	}
	return false;
}

/* What a column holds; SECTION_KINDS: nothing for us. */
static enum section_kind column_kind(const struct package_index *x, uint32_t column)
{
	switch (u32_at(x->kinds, column)) {
	case 1:
		return SECTION_INFO;
	case 3:
		return SECTION_ABBREV;
	case 6:
		return SECTION_STR_OFFSETS;
	case 8:
		return x->version == 5 ? SECTION_RNGLISTS : SECTION_KINDS;
	default:
		return SECTION_KINDS;
	}
}

static struct section package_section(struct dwarf *d, enum section_kind kind)
{
	struct section s = { 0 };
	struct err err = { 0 };

	if (sections_get(d->splits.package, kind, &s, &err) < 0) {
		budget_trouble(&d->budget, &err);
		return (struct section){ 0 };
	}
	return s;
}

static bool slices_make(struct dwarf *d, const struct package_index *x, uint32_t row,
			struct section *ret)
{
	for (uint32_t i = 0; i < x->columns; i++) {
		uint64_t at = (uint64_t)row * x->columns + i;
		uint32_t off = u32_at(x->offsets, at), n = u32_at(x->sizes, at);
		enum section_kind kind = column_kind(x, i);
		struct section whole;

		if (kind == SECTION_KINDS)
			continue;
		whole = package_section(d, kind);
		if (off > whole.n || n > whole.n - off)
			return false;
		ret[kind] = (struct section){ .data = n ? whole.data + off : NULL, .n = n };
	}
	ret[SECTION_STR] = package_section(d, SECTION_STR);
	return true;
}

static int supplied(struct dwarf *d, const struct dwarf_want *want)
{
	return d->in.supply ? d->in.supply(d->in.supply_ctx, want) : -ENOENT;
}

/* The file that the caller finds, opened; NULL: none, or damaged (noted). */
static struct sections *sections_supplied(struct dwarf *d, const struct dwarf_want *want)
{
	struct sections *s = NULL;
	struct err err = { 0 };
	int fd = supplied(d, want);

	if (fd < 0)
		return NULL;
	if (sections_open(fd, true, &s, &err) < 0) {
		budget_trouble(&d->budget, &err);
		s = NULL;
	}
	close(fd);
	return s;
}

static struct unit *package_get(struct dwarf *d, struct unit *u)
{
	struct dwarf_want want = { .kind = DWARF_WANT_DWP, .name = d->name, .comp_dir = "" };
	struct section slice[SECTION_KINDS] = { 0 }, table;
	struct dwarf_file *f;
	struct package_index index;
	uint32_t row;

	if (!d->splits.is_package_asked) {
		d->splits.is_package_asked = true;
		d->splits.package = sections_supplied(d, &want);
	}
	if (!d->splits.package)
		return NULL;
	table = package_section(d, SECTION_CU_INDEX);
	if (!index_open(&table, &index) || !index_find(&index, u->dwo_id, &d->budget, &row) ||
	    !slices_make(d, &index, row, slice))
		return NULL;
	f = file_add(d, NULL);
	for (int i = 0; i < SECTION_KINDS; i++)
		f->section[i] = slice[i];
	return unit_take(d, f, u);
}

/* ---- files of one unit ---- */

/* Zero-terminated copy into ret; "" where the unit says nothing. */
static void text_copy(const struct unit *u, const struct value *v, char ret[TEXT_BYTES])
{
	const char *text;
	size_t n;

	ret[0] = 0;
	if (!value_text(u, v, &text, &n) || n >= TEXT_BYTES)
		return;
	memcpy(ret, text, n);
	ret[n] = 0;
}

static struct unit *dwo_get(struct dwarf *d, struct unit *u)
{
	char name[TEXT_BYTES], comp_dir[TEXT_BYTES];
	struct dwarf_want want = {
		.kind = DWARF_WANT_DWO, .dwo_id = u->dwo_id, .name = name, .comp_dir = comp_dir
	};
	struct sections *s;

	text_copy(u, &u->dwo_name, name);
	text_copy(u, &u->comp_dir, comp_dir);
	if (!name[0])
		return NULL;
	s = sections_supplied(d, &want);
	return s ? unit_take(d, file_add(d, s), u) : NULL;
}

struct unit *split_get(struct dwarf *d, struct unit *u)
{
	if (u->is_asked_split || !u->is_split_wanted)
		return u->split;
	u->is_asked_split = true;
	if (d->splits.n < FILES_MAX)
		u->split = package_get(d, u);
	if (!u->split && d->splits.n < FILES_MAX)
		u->split = dwo_get(d, u);
	d->stats.n_split_missing += !u->split;
	return u->split;
}

void splits_done(struct dwarf *d)
{
	struct splits *s = &d->splits;

	for (size_t i = 0; i < s->n; i++) {
		file_done(s->file[i]);
		free(s->file[i]);
	}
	free(s->file);
	sections_close(s->package);
	*s = (struct splits){ 0 };
}
