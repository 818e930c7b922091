/* What flat views and trees share: sums, and the order of what is equal. Private to the room. */
#ifndef REPORT_PROFILE_VIEW_ORDER_H
#define REPORT_PROFILE_VIEW_ORDER_H

#include <string.h>

#include "report/profile/profile.h"
#include "report/profile/view.h"

static inline void view_add(struct view_weight *to, uint64_t count, uint64_t weight)
{
	to->count += count;
	if (__builtin_add_overflow(to->weight, weight, &to->weight))
		to->weight = UINT64_MAX;
}

/* Ids say nothing about order: they come in the order of the samples. */
static inline int view_compare_text(const struct profile *p, str_id a, str_id b)
{
	return a.n == b.n ? 0 : strcmp(profile_text(p, a), profile_text(p, b));
}

/* File, then line; nothing known comes first. */
static inline int view_compare_lines(const struct profile *p, uint32_t a, uint32_t b)
{
	const struct profile_place *x = &p->place[a], *y = &p->place[b];
	int order = view_compare_text(p, x->file, y->file);

	return order ? order : x->line < y->line ? -1 : x->line > y->line;
}

/* Heaviest first. */
static inline int view_compare_weights(const struct view_weight *a, const struct view_weight *b)
{
	if (a->weight != b->weight)
		return a->weight > b->weight ? -1 : 1;
	return a->count == b->count ? 0 : a->count > b->count ? -1 : 1;
}

#endif
