/*
 * A body that was inlined says whose it is through DW_AT_abstract_origin; that entry may be a
 * member defined out of its class, which says so through DW_AT_specification. Nearest linkage name
 * wins, then nearest name. Circles end by the number of hops.
 */
#include "report/dwarf/names.h"

#include <inttypes.h>
#include <stdlib.h>

#include "common/base/arena.h"

enum {
	/* sections end at 4 GiB; the rest is the file's id */
	KEY_OFFSET_BITS = 36,
};

void names_init(struct names *names)
{
	*names = (struct names){ 0 };
	map_init(&names->by_entry);
}

void names_done(struct names *names)
{
	map_done(&names->by_entry);
	free(names->item);
}

/* What an entry says itself; false: it cannot be read. */
static bool entry_name(struct unit *u, uint64_t off, struct entry *ret_entry, struct name *name)
{
	const struct abbrevs *abbrevs = unit_abbrevs(u);
	struct cursor c;

	if (!abbrevs)
		return false;
	c = cursor_of(u->file->section[SECTION_INFO].data + off, u->end - off);
	if (entry_read(&c, u, abbrevs, ret_entry) != 1)
		return false;
	if (value_text(u, &ret_entry->value[SLOT_LINKAGE], &name->text, &name->n))
		name->is_linkage = true;
	else if (!name->text)
		value_text(u, &ret_entry->value[SLOT_NAME], &name->text, &name->n);
	return true;
}

static struct name name_find(struct unit *u, uint64_t off)
{
	struct unit *first = u;
	struct name name = { 0 };
	struct entry entry;

	for (unsigned int hop = 0; hop < NAMES_HOPS_MAX; hop++) {
		struct dwarf_file *file;

		if (!entry_name(u, off, &entry, &name) || name.is_linkage)
			return name;
		if (!value_entry(u, &entry.value[SLOT_ORIGIN], &file, &off) &&
		    !value_entry(u, &entry.value[SLOT_SPECIFICATION], &file, &off))
			return name;
		if (file != u->file || off < u->root || off >= u->end)
			u = units_find(file, off);
		if (!u)
			return name;
	}
	unit_trouble(first, "entry at offset %" PRIu64 " has its name more than %d references away",
		     off, NAMES_HOPS_MAX);
	return name;
}

struct name *names_get(struct names *names, struct unit *u, uint64_t off)
{
	uint64_t key = ((uint64_t)u->file->id << KEY_OFFSET_BITS | off) + 1;
	uint64_t *slot;
	bool is_new;

	slot = map_put(&names->by_entry, key, &is_new);
	if (!is_new)
		return &names->item[*slot - 1];
	mem_grow(&names->item, &names->cap, names->n + 1, sizeof(*names->item));
	names->item[names->n++] = name_find(u, off);
	*slot = names->n;
	return &names->item[names->n - 1];
}

struct name *names_get_origin(struct names *names, struct unit *u, const struct value *origin,
			      uint64_t off)
{
	struct dwarf_file *file;
	struct unit *at = u;
	uint64_t at_off;

	if (value_entry(u, origin, &file, &at_off)) {
		if (file != u->file || at_off < u->root || at_off >= u->end)
			at = units_find(file, at_off);
		if (at)
			return names_get(names, at, at_off);
	}
	return names_get(names, u, off);
}
