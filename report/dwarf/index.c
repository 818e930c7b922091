#include "report/dwarf/index.h"

#include <stdlib.h>

#include "common/base/arena.h"
#include "report/dwarf/lines.h"
#include "report/dwarf/ranges.h"
#include "report/dwarf/unit.h"

struct making {
	struct index *index;
	uint32_t unit;
};

static void range_put(void *ctx, uint64_t begin, uint64_t end)
{
	struct making *m = ctx;
	struct index *index = m->index;

	mem_grow(&index->range, &index->cap, index->n + 1, sizeof(*index->range));
	index->range[index->n++] =
		(struct index_range){ .begin = begin, .end = end, .unit = m->unit };
}

static int by_begin(const void *a, const void *b)
{
	const struct index_range *x = a, *y = b;

	if (x->begin != y->begin)
		return x->begin < y->begin ? -1 : 1;
	if (x->end != y->end)
		return x->end < y->end ? -1 : 1;
	return x->unit < y->unit ? -1 : x->unit > y->unit;
}

static void unit_put(struct making *m, struct unit *u, struct ranges *scratch)
{
	struct lines *lines;

	if (u->has_ranges) {
		ranges_read(u, &u->low_value, &u->high, &u->ranges, scratch);
		for (size_t i = 0; i < scratch->n; i++)
			range_put(m, scratch->item[i].begin, scratch->item[i].end);
		/* version 2 has no lists of ranges: cold parts are in the line table alone */
		if (u->encoding.version > 2)
			return;
	}
	lines = lines_get(u);
	if (lines)
		lines_each_run(lines, range_put, m);
}

void unit_index_make(struct index *index, struct dwarf_file *f)
{
	struct making m = { .index = index };
	struct ranges scratch = { 0 };
	uint64_t reach = 0;

	for (m.unit = 0; m.unit < f->n_units; m.unit++)
		unit_put(&m, &f->unit[m.unit], &scratch);
	ranges_done(&scratch);
	if (index->n)
		qsort(index->range, index->n, sizeof(*index->range), by_begin);
	for (size_t i = 0; i < index->n; i++) {
		reach = MAX(reach, index->range[i].end);
		index->range[i].reach = reach;
	}
}

void unit_index_done(struct index *index)
{
	free(index->range);
	*index = (struct index){ 0 };
}

void unit_index_each(const struct index *index, uint64_t addr, struct budget *budget,
		     index_got *got, void *ctx)
{
	size_t low = 0, high = index->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (index->range[mid].begin <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	while (low-- > 0 && index->range[low].reach > addr && budget_take(budget, 1)) {
		if (addr < index->range[low].end)
			got(ctx, index->range[low].unit);
	}
}
