#include "report/dwarf/functions.h"

#include <stdlib.h>

#include "common/base/arena.h"

struct scan {
	struct unit *unit;
	const struct abbrevs *abbrevs;
	struct functions *found;
	struct ranges ranges; /* scratch */
	const uint8_t *base;
	struct cursor c;
	uint64_t depth;
	bool deep;
};

static void function_put(struct functions *f, uint64_t off, const struct ranges *ranges)
{
	struct function function = { .off = off, .start = UINT64_MAX };

	if (!ranges->n || f->n >= FUNCTION_NONE)
		return;
	mem_grow(&f->range, &f->ranges_cap, f->n_ranges + ranges->n, sizeof(*f->range));
	for (size_t i = 0; i < ranges->n; i++) {
		const struct range *r = &ranges->item[i];

		if (r->begin < function.start)
			function.start = r->begin;
		f->range[f->n_ranges++] = (struct function_range){ .begin = r->begin,
								   .end = r->end,
								   .function = (uint32_t)f->n };
	}
	mem_grow(&f->item, &f->cap, f->n + 1, sizeof(*f->item));
	f->item[f->n++] = function;
}

/* One entry; false: the unit ends here. */
static bool scan_entry(struct scan *s)
{
	uint64_t off = (uint64_t)(s->c.at - s->base), code = cursor_uleb(&s->c), sibling = 0;
	const struct abbrev *abbrev;
	struct dwarf_file *file;
	struct entry entry;

	if (!code)
		return --s->depth > 0;
	abbrev = abbrevs_find(s->abbrevs, code);
	if (!abbrev || abbrev->bad)
		goto damaged;
	if (abbrev->class == TAG_FUNCTION && abbrev->has_code) {
		const struct value *v = entry.value;

		if (!entry_values(&s->c, s->unit, s->abbrevs, abbrev, &entry))
			goto damaged;
		ranges_read(s->unit, &v[SLOT_LOW], &v[SLOT_HIGH], &v[SLOT_RANGES], &s->ranges);
		function_put(s->found, off, &s->ranges);
		if (!value_entry(s->unit, &v[SLOT_SIBLING], &file, &sibling))
			sibling = 0;
	} else if (!entry_skip(&s->c, s->unit, s->abbrevs, abbrev, &sibling)) {
		goto damaged;
	}
	if (!abbrev->has_children)
		return s->depth > 0;
	if (abbrev->class == TAG_CLOSED || (abbrev->class == TAG_FUNCTION && !s->deep)) {
		if (sibling > (uint64_t)(s->c.at - s->base) && sibling < s->unit->end) {
			s->found->has_skipped |= abbrev->class == TAG_FUNCTION;
			s->c.at = s->base + sibling;
			return true;
		}
	}
	s->depth++;
	return true;
damaged:
	unit_trouble_entry(s->unit, off, code, abbrev);
	return false;
}

static int by_begin(const void *a, const void *b)
{
	const struct function_range *x = a, *y = b;

	if (x->begin != y->begin)
		return x->begin < y->begin ? -1 : 1;
	if (x->end != y->end)
		return x->end < y->end ? -1 : 1;
	return x->function < y->function ? -1 : x->function > y->function;
}

static void ranges_order(struct functions *f)
{
	uint64_t reach = 0;
	size_t i;

	for (i = 1; i < f->n_ranges && by_begin(&f->range[i - 1], &f->range[i]) < 0; i++)
		;
	if (i < f->n_ranges)
		qsort(f->range, f->n_ranges, sizeof(*f->range), by_begin);
	for (i = 0; i < f->n_ranges; i++) {
		reach = MAX(reach, f->range[i].end);
		f->range[i].reach = reach;
	}
}

static void functions_read(struct unit *u, bool deep, struct functions *ret)
{
	struct scan s = { .unit = u, .abbrevs = unit_abbrevs(u), .found = ret, .deep = deep };

	ret->n = ret->n_ranges = 0;
	ret->has_skipped = false;
	if (!s.abbrevs)
		return;
	s.base = u->file->section[SECTION_INFO].data;
	s.c = cursor_of(s.base + u->root, u->end - u->root);
	while (cursor_left(&s.c) && scan_entry(&s)) {
		if (!budget_take(u->file->budget, 1)) {
			unit_trouble(u, "needs more steps than a sound file of this size");
			break;
		}
	}
	ranges_done(&s.ranges);
	ranges_order(ret);
}

const struct functions *functions_get(struct unit *u, bool deep)
{
	if (!u->functions) {
		u->functions = mem_zalloc(sizeof(*u->functions));
		functions_read(u, false, u->functions);
	}
	if (deep && u->functions->has_skipped)
		functions_read(u, true, u->functions);
	return u->functions;
}

void functions_free(struct functions *f)
{
	if (!f)
		return;
	free(f->item);
	free(f->range);
	free(f);
}

/* Of the ranges that begin at or before addr, how many; `from` of them are known to. */
static size_t count_begun(const struct functions *f, size_t from, uint64_t addr)
{
	size_t step = 1, low = from, high;

	while (low + step <= f->n_ranges && f->range[low + step - 1].begin <= addr) {
		low += step;
		step *= 2;
	}
	high = MIN(low + step - 1, f->n_ranges);
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (f->range[mid].begin <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* The smallest range around addr; n_begun of them begin at or before it. */
static uint32_t smallest(const struct functions *f, size_t n_begun, uint64_t addr,
			 struct budget *budget)
{
	uint64_t best = UINT64_MAX;
	uint32_t ret = FUNCTION_NONE;

	while (n_begun-- > 0 && f->range[n_begun].reach > addr && budget_take(budget, 1)) {
		const struct function_range *r = &f->range[n_begun];

		if (addr >= r->end || r->end - r->begin >= best)
			continue;
		best = r->end - r->begin;
		ret = r->function;
	}
	return ret;
}

bool functions_match(const struct functions *f, const uint64_t *addr, uint32_t n,
		     struct budget *budget, uint32_t *ret)
{
	size_t n_begun = 0;
	bool all = true;

	for (uint32_t i = 0; i < n; i++) {
		n_begun = count_begun(f, n_begun, addr[i]);
		ret[i] = smallest(f, n_begun, addr[i], budget);
		all &= ret[i] != FUNCTION_NONE;
	}
	return all;
}
