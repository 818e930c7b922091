/*
 * The rows are those of the flat views by function and by function and line: both count a stack
 * once for each row, so that the lines of a recursive function add up sensibly.
 */
#include "report/profile/annotate.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "report/profile/filter.h"
#include "report/profile/profile.h"
#include "report/profile/view_order.h"

size_t annotate_find(const struct profile *p, const char *symbol, bool *ret)
{
	char *word = (char *)symbol;
	struct filter_words pattern = { .word = &word, .n = 1 };
	size_t n = 0;

	for (size_t i = 0; i < p->n_functions; i++) {
		ret[i] = !strcmp(profile_text(p, p->function[i].name), symbol) ||
			 !strcmp(profile_text(p, p->function[i].system_name), symbol);
		n += ret[i];
	}
	if (n)
		return n;
	for (size_t i = 0; i < p->n_functions; i++) {
		ret[i] = filter_symbol_matches(&pattern, profile_text(p, p->function[i].name));
		n += ret[i];
	}
	return n;
}

size_t annotate_similar(const struct profile *p, const char *symbol, uint32_t *ret, size_t max)
{
	uint32_t source = 0;
	struct view_flat v;
	size_t n = 0;

	for (uint32_t s = 1; s < SOURCE_MAX; s++)
		if (p->source[s].count > p->source[source].count)
			source = s;
	view_flat(p, VIEW_FUNCTION, source, &v);
	for (size_t i = 0; i < v.n && n < max; i++) {
		const struct profile_function *f = &p->function[v.row[i].at];

		if (f->named && strcasestr(profile_text(p, f->name), symbol))
			ret[n++] = v.row[i].at;
	}
	view_flat_done(&v);
	return n;
}

static int compare_functions(const void *a, const void *b, void *ctx)
{
	const struct profile *p = ctx;
	const struct annotate_function *x = a, *y = b;
	int order = view_compare_weights(&x->total, &y->total);

	if (!order)
		order = view_compare_weights(&x->self, &y->self);
	if (!order)
		order = view_compare_text(p, p->function[x->function].name,
					  p->function[y->function].name);
	return order ? order : x->function < y->function ? -1 : x->function > y->function;
}

static void collect_functions(struct annotation *a, const struct profile *p, const bool *wanted)
{
	struct view_flat v;

	view_flat(p, VIEW_FUNCTION, a->source, &v);
	a->all = v.all;
	a->function = mem_alloc((v.n + 1) * sizeof(*a->function));
	for (size_t i = 0; i < v.n; i++)
		if (wanted[v.row[i].at])
			a->function[a->n++] = (struct annotate_function){
				.function = v.row[i].at,
				.self = v.row[i].self,
				.total = v.row[i].total,
			};
	view_flat_done(&v);
	qsort_r(a->function, a->n, sizeof(*a->function), compare_functions, (void *)p);
}

/* Rows whose `at` are places, by function, file and line. */
static int compare_places(const void *a, const void *b, void *ctx)
{
	const struct profile *p = ctx;
	uint32_t x = ((const struct view_row *)a)->at, y = ((const struct view_row *)b)->at;
	uint32_t f = p->place[x].function, g = p->place[y].function;

	return f == g ? view_compare_lines(p, x, y) : f < g ? -1 : 1;
}

/* The first row of this function, or where it would be. */
static size_t first_row(const struct profile *p, const struct view_flat *v, uint32_t function)
{
	size_t low = 0, high = v->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (p->place[v->row[middle].at].function < function)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void collect_lines(struct annotation *a, const struct profile *p)
{
	struct view_flat v;

	view_flat(p, VIEW_FUNCTION_LINE, a->source, &v);
	qsort_r(v.row, v.n, sizeof(*v.row), compare_places, (void *)p);
	a->line = mem_alloc((v.n + 1) * sizeof(*a->line));
	for (size_t i = 0; i < v.n; i++) {
		const struct profile_place *at = &p->place[v.row[i].at];

		a->line[i] = (struct annotate_line){ .file = at->file,
						     .line = at->line,
						     .self = v.row[i].self,
						     .total = v.row[i].total };
	}
	for (size_t i = 0; i < a->n; i++) {
		struct annotate_function *f = &a->function[i];
		size_t first = first_row(p, &v, f->function);

		f->line = a->line + first;
		f->n_lines = first_row(p, &v, f->function + 1) - first;
	}
	view_flat_done(&v);
}

void annotation_init(struct annotation *a, const struct profile *p, const bool *wanted,
		     uint32_t source)
{
	*a = (struct annotation){ .source = source };
	collect_functions(a, p, wanted);
	collect_lines(a, p);
}

void annotation_done(struct annotation *a)
{
	free(a->function);
	free(a->line);
	*a = (struct annotation){ 0 };
}
