#include "report/dwarf/inlines.h"

#include <stdlib.h>

#include "common/base/arena.h"

enum {
	NESTING_MAX = 1 << 16,
	/* in `open`: within a function that stands inside this one; its bodies are not ours */
	OTHER_FUNCTION = UINT32_MAX - 1,
};

struct walk {
	struct inlines *in;
	struct unit *unit;
	const struct abbrevs *abbrevs;
	const uint8_t *base;
	struct cursor c;
	size_t depth; /* of nesting: in->open[0..depth) */
	const uint64_t *addr;
	uint32_t n;
	uint32_t *ret;
};

static uint32_t first_at_least(const uint64_t *addr, uint32_t n, uint64_t want)
{
	uint32_t low = 0;

	while (low < n) {
		uint32_t mid = low + (n - low) / 2;

		if (addr[mid] < want)
			low = mid + 1;
		else
			n = mid;
	}
	return low;
}

/* Whether one of the addresses lies in the ranges that were read last. */
static bool holds_any(const struct walk *w)
{
	const struct ranges *ranges = &w->in->ranges;

	for (size_t i = 0; i < ranges->n; i++) {
		uint32_t at = first_at_least(w->addr, w->n, ranges->item[i].begin);

		if (at < w->n && w->addr[at] < ranges->item[i].end)
			return true;
	}
	return false;
}

static void mark(struct walk *w, const struct range *r, uint32_t node)
{
	uint32_t depth = w->in->item[node].depth;

	for (uint32_t i = first_at_least(w->addr, w->n, r->begin);
	     i < w->n && w->addr[i] < r->end && budget_take(w->unit->file->budget, 1); i++) {
		uint32_t was = w->ret[i];

		if (was == INLINED_NONE || w->in->item[was].depth < depth)
			w->ret[i] = node;
	}
}

static uint64_t number_of(const struct value *v)
{
	uint64_t n;

	return value_number(v, &n) ? n : 0;
}

static uint32_t inlined_put(struct walk *w, const struct entry *e, uint32_t parent)
{
	struct inlines *in = w->in;
	const struct value *v = e->value;
	uint32_t node = (uint32_t)in->n;

	if (parent != INLINED_NONE && in->item[parent].depth >= INLINED_DEPTH_MAX)
		return parent;
	mem_grow(&in->item, &in->cap, in->n + 1, sizeof(*in->item));
	in->item[in->n++] = (struct inlined){
		.parent = parent,
		.depth = parent == INLINED_NONE ? 1 : in->item[parent].depth + 1,
		.frame = INLINED_NONE,
		.name = INLINED_NONE,
		.off = e->off,
		.origin = v[SLOT_ORIGIN],
		.call_file = number_of(&v[SLOT_CALL_FILE]),
		.call_line = number_of(&v[SLOT_CALL_LINE]),
		.call_column = number_of(&v[SLOT_CALL_COLUMN]),
	};
	for (size_t i = 0; i < in->ranges.n; i++)
		mark(w, &in->ranges.item[i], node);
	return node;
}

/* Children of the entry follow; false: nested too deep. */
static bool walk_down(struct walk *w, uint32_t body)
{
	if (w->depth >= NESTING_MAX) {
		unit_trouble(w->unit, "entries are nested more than %d deep", NESTING_MAX);
		return false;
	}
	mem_grow(&w->in->open, &w->in->open_cap, w->depth + 1, sizeof(*w->in->open));
	w->in->open[w->depth++] = body;
	return true;
}

/* Where the entry's sibling stands, if that is behind its children; 0: not known. */
static uint64_t sibling_of(const struct walk *w, const struct entry *e)
{
	struct dwarf_file *file;
	uint64_t off;

	return value_entry(w->unit, &e->value[SLOT_SIBLING], &file, &off) ? off : 0;
}

/* An inlined body; false: no address lies in it, and so none in what is inlined into it. */
static bool walk_inlined(struct walk *w, struct entry *e, uint32_t *body)
{
	const struct value *v = e->value;

	ranges_read(w->unit, &v[SLOT_LOW], &v[SLOT_HIGH], &v[SLOT_RANGES], &w->in->ranges);
	/*
	 * Without ranges its children say themselves where they are; and version 2 has no lists: of
	 * a body in several parts it says one.
	 */
	if (w->in->ranges.n && w->unit->encoding.version > 2 && !holds_any(w))
		return false;
	*body = inlined_put(w, e, *body);
	return true;
}

/* Steps over the children of an entry; false: it does not say where they end. */
static bool walk_over(struct walk *w, uint64_t sibling)
{
	if (sibling <= (uint64_t)(w->c.at - w->base) || sibling >= w->unit->end)
		return false;
	w->c.at = w->base + sibling;
	return true;
}

/* One entry of the body; false: it ends here. */
static bool walk_entry(struct walk *w)
{
	uint32_t body = w->in->open[w->depth - 1];
	uint64_t off = (uint64_t)(w->c.at - w->base), code = cursor_uleb(&w->c), sibling;
	const struct abbrev *abbrev;
	bool is_wanted = true;
	struct entry entry;

	if (!code)
		return --w->depth > 0;
	abbrev = abbrevs_find(w->abbrevs, code);
	if (!abbrev || abbrev->bad)
		goto damaged;
	if (abbrev->class == TAG_INLINED && body != OTHER_FUNCTION) {
		if (!entry_values(&w->c, w->unit, w->abbrevs, abbrev, &entry))
			goto damaged;
		entry.off = off;
		sibling = sibling_of(w, &entry);
		is_wanted = walk_inlined(w, &entry, &body);
	} else if (!entry_skip(&w->c, w->unit, w->abbrevs, abbrev, &sibling)) {
		goto damaged;
	} else if (abbrev->class == TAG_FUNCTION || abbrev->class == TAG_CLOSED) {
		is_wanted = false;
		body = OTHER_FUNCTION;
	}
	if (!abbrev->has_children || (!is_wanted && walk_over(w, sibling)))
		return true;
	return walk_down(w, body);
damaged:
	unit_trouble_entry(w->unit, off, code, abbrev);
	return false;
}

void inlines_read(struct inlines *in, struct unit *u, uint64_t off, const uint64_t *addr,
		  uint32_t n, uint32_t *ret)
{
	struct walk w = { .in = in, .unit = u, .addr = addr, .n = n, .ret = ret };
	struct entry entry;

	in->n = 0;
	for (uint32_t i = 0; i < n; i++)
		ret[i] = INLINED_NONE;
	w.abbrevs = unit_abbrevs(u);
	if (!w.abbrevs || off < u->root || off >= u->end)
		return;
	w.base = u->file->section[SECTION_INFO].data;
	w.c = cursor_of(w.base + off, u->end - off);
	if (entry_read(&w.c, u, w.abbrevs, &entry) != 1 || !entry.abbrev->has_children)
		return;
	walk_down(&w, INLINED_NONE);
	while (cursor_left(&w.c) && budget_take(u->file->budget, 1) && walk_entry(&w))
		;
}

void inlines_done(struct inlines *in)
{
	free(in->item);
	free(in->open);
	ranges_done(&in->ranges);
	*in = (struct inlines){ 0 };
}
