#include "report/dwarf/ranges.h"

#include <dwarf.h>
#include <stdlib.h>

#include "common/base/arena.h"
#include "report/dwarf/unit.h"

static void put(const struct unit *u, struct ranges *r, uint64_t begin, uint64_t end)
{
	if (begin >= end || !file_is_code(u->skeleton->file, begin))
		return;
	mem_grow(&r->item, &r->cap, r->n + 1, sizeof(*r->item));
	r->item[r->n++] = (struct range){ begin, end };
}

static uint64_t read_address(struct cursor *c, const struct unit *u)
{
	return u->encoding.addr_size == 8 ? cursor_u64(c) : cursor_u32(c);
}

/* Pairs of .debug_ranges; a pair that starts with the highest address sets the base. */
static void pairs_read(const struct unit *u, uint64_t off, struct ranges *ret)
{
	const struct unit *at = u->skeleton;
	const struct section *s = file_section(at->file, SECTION_RANGES);
	uint64_t highest = u->encoding.addr_size == 8 ? UINT64_MAX : UINT32_MAX;
	uint64_t base = at->low;
	struct cursor c;

	/* entries of a split unit count from the skeleton's part */
	if (u != at && __builtin_add_overflow(off, at->ranges_base, &off))
		return;
	if (off >= s->n)
		return;
	c = cursor_of(s->data + off, s->n - off);
	while (budget_take(u->file->budget, 1)) {
		uint64_t begin = read_address(&c, u), end = read_address(&c, u);

		if (c.bad || (!begin && !end))
			return;
		if (begin == highest)
			base = end;
		else
			put(u, ret, base + begin, base + end);
	}
}

/* One entry of .debug_rnglists; false: the list ends here. */
static bool rnglist_entry(const struct unit *u, struct cursor *c, uint64_t *base,
			  struct ranges *ret)
{
	uint8_t kind = cursor_u8(c);
	uint64_t begin = 0, end = 0;

	switch (kind) {
	case DW_RLE_base_addressx:
		return unit_address_at(u, cursor_uleb(c), base) && !c->bad;
	case DW_RLE_base_address:
		*base = read_address(c, u);
		return !c->bad;
	case DW_RLE_startx_endx:
		if (!unit_address_at(u, cursor_uleb(c), &begin) ||
		    !unit_address_at(u, cursor_uleb(c), &end))
			return false;
		break;
	case DW_RLE_startx_length:
		if (!unit_address_at(u, cursor_uleb(c), &begin))
			return false;
		end = begin + cursor_uleb(c);
		break;
	case DW_RLE_offset_pair:
		begin = *base + cursor_uleb(c);
		end = *base + cursor_uleb(c);
		break;
	case DW_RLE_start_end:
		begin = read_address(c, u);
		end = read_address(c, u);
		break;
	case DW_RLE_start_length:
		begin = read_address(c, u);
		end = begin + cursor_uleb(c);
		break;
	default: /* DW_RLE_end_of_list, or unknown */
		return false;
	}
	if (!c->bad)
		put(u, ret, begin, end);
	return !c->bad;
}

static void rnglist_read(const struct unit *u, uint64_t off, struct ranges *ret)
{
	const struct section *s = file_section(u->file, SECTION_RNGLISTS);
	uint64_t base = u->skeleton->low;
	struct cursor c;

	if (off >= s->n)
		return;
	c = cursor_of(s->data + off, s->n - off);
	while (budget_take(u->file->budget, 1) && rnglist_entry(u, &c, &base, ret))
		;
}

/* DW_FORM_rnglistx: the table of offsets starts at the base, offsets count from there. */
static bool rnglist_offset(const struct unit *u, uint64_t index, uint64_t *ret)
{
	const struct section *s = file_section(u->file, SECTION_RNGLISTS);
	uint64_t at;
	struct cursor c;

	if (__builtin_mul_overflow(index, (uint64_t)u->encoding.off_size, &at) ||
	    __builtin_add_overflow(at, u->rnglists_base, &at) || at >= s->n)
		return false;
	c = cursor_of(s->data + at, s->n - at);
	at = u->encoding.off_size == 8 ? cursor_u64(&c) : cursor_u32(&c);
	return !c.bad && !__builtin_add_overflow(at, u->rnglists_base, ret);
}

void ranges_read(const struct unit *u, const struct value *low, const struct value *high,
		 const struct value *ranges, struct ranges *ret)
{
	uint64_t begin, end, off;

	ret->n = 0;
	if (ranges->form) {
		if (ranges->form == DW_FORM_rnglistx) {
			if (rnglist_offset(u, ranges->n, &off))
				rnglist_read(u, off, ret);
		} else if (value_number(ranges, &off)) {
			if (u->encoding.version >= 5)
				rnglist_read(u, off, ret);
			else
				pairs_read(u, off, ret);
		}
		return;
	}
	if (!high->form || !value_address(u, low, &begin))
		return;
	if (value_address(u, high, &end))
		put(u, ret, begin, end);
	else if (value_number(high, &end))
		put(u, ret, begin, begin + end);
}

void ranges_done(struct ranges *r)
{
	free(r->item);
	*r = (struct ranges){ 0 };
}
