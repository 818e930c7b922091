/*
 * Inclusive weights come from one pass over the nodes from the last to the first (children before
 * parents). A function that is its own caller must count once in "total": a walk in depth-first
 * order knows which keys are open above a node, and only the outermost one counts.
 */
#include "report/profile/view.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "common/base/map.h"
#include "report/profile/lines.h"
#include "report/profile/profile.h"
#include "report/profile/view_order.h"

/* Which row a place counts for. */
struct keys {
	enum view_by by;
	struct lines lines; /* VIEW_LINE, VIEW_FUNCTION_LINE */
	size_t n;
};

static void keys_init(struct keys *k, const struct profile *p, enum view_by by)
{
	*k = (struct keys){ .by = by };
	switch (by) {
	case VIEW_MODULE:
		k->n = p->n_modules;
		break;
	case VIEW_ADDRESS:
		k->n = p->n_places;
		break;
	case VIEW_LINE:
	case VIEW_FUNCTION_LINE:
		lines_init(&k->lines, p, by == VIEW_LINE ? LINES_ALONE : LINES_OF_FUNCTIONS);
		k->n = k->lines.n;
		break;
	default:
		k->n = p->n_functions;
	}
}

static uint32_t key_of(const struct profile *p, const struct keys *k, uint32_t node)
{
	uint32_t at = p->node[node].place;
	const struct profile_place *place = &p->place[at];

	switch (k->by) {
	case VIEW_MODULE:
		return p->function[place->function].module;
	case VIEW_ADDRESS:
		return place->inlined ? place->inner : at;
	case VIEW_LINE:
	case VIEW_FUNCTION_LINE:
		return k->lines.key[at];
	default:
		return place->function;
	}
}

/* What a row is about: see view_row.at. */
static uint32_t subject_of(const struct profile *p, const struct keys *k, uint32_t key)
{
	const struct profile_place *place;

	switch (k->by) {
	case VIEW_ADDRESS:
		place = &p->place[key];
		return place->n_inner ? place->inner + place->n_inner - 1 : key;
	case VIEW_LINE:
	case VIEW_FUNCTION_LINE:
		return k->lines.place[key];
	default:
		return key;
	}
}

/* ---- flat, by place in code ---- */

static struct view_weight *inclusive_weights(const struct profile *p, uint32_t source)
{
	struct view_weight *sum = mem_zalloc(p->n_nodes * sizeof(*sum));

	for (size_t i = 0; i < p->n_entries; i++)
		if (p->entry[i].source == source)
			view_add(&sum[p->entry[i].node], p->entry[i].count, p->entry[i].weight);
	for (size_t n = p->n_nodes - 1; n; n--)
		view_add(&sum[p->node[n].parent], sum[n].count, sum[n].weight);
	return sum;
}

static void add_totals(const struct profile *p, struct view_flat *v, const struct keys *keys)
{
	struct view_weight *sum = inclusive_weights(p, v->source);
	uint32_t *open =
		mem_zalloc((keys->n + 1) * sizeof(*open)); /* times a key stands above this node */
	uint32_t n = 0;

	v->all = sum[0];
	for (;;) {
		if (n) {
			uint32_t key = key_of(p, keys, n);

			if (!open[key]++)
				view_add(&v->row[key].total, sum[n].count, sum[n].weight);
		}
		if (p->node[n].first) {
			n = p->node[n].first;
			continue;
		}
		while (n && !p->node[n].recent) {
			open[key_of(p, keys, n)]--;
			n = p->node[n].parent;
		}
		if (!n)
			break;
		open[key_of(p, keys, n)]--;
		n = p->node[n].recent;
	}
	free(open);
	free(sum);
}

static void flat_by_code(const struct profile *p, struct view_flat *v)
{
	struct keys keys;

	keys_init(&keys, p, v->by);
	v->row = mem_zalloc((keys.n + 1) * sizeof(*v->row));
	v->n = keys.n;
	for (size_t i = 0; i < p->n_entries; i++)
		if (p->entry[i].source == v->source && p->entry[i].node)
			view_add(&v->row[key_of(p, &keys, p->entry[i].node)].self,
				 p->entry[i].count, p->entry[i].weight);
	add_totals(p, v, &keys);
	for (uint32_t key = 0; key < v->n; key++)
		v->row[key].at = subject_of(p, &keys, key);
	lines_done(&keys.lines);
}

/* ---- flat, by thread and process ---- */

static uint64_t thread_key(const struct profile_thread *t, enum view_by by)
{
	if (by == VIEW_PROCESS)
		return ((uint64_t)t->pid << 32 | t->process.n) + 1;
	return hash_u64(((uint64_t)t->pid << 32 | t->tid) + 1) ^ t->comm.n;
}

static void flat_by_thread(const struct profile *p, struct view_flat *v)
{
	struct map rows;

	map_init(&rows);
	v->n = p->n_threads;
	v->row = mem_zalloc((v->n + 1) * sizeof(*v->row));
	for (size_t i = 0; i < p->n_entries; i++) {
		const struct profile_entry *e = &p->entry[i];
		uint64_t key = thread_key(&p->thread[e->thread], v->by), *at;
		bool is_new;

		if (e->source != v->source)
			continue;
		at = map_put(&rows, key ? key : 1, &is_new);
		if (is_new || e->thread < *at) {
			/*
			 * the first thread of a key stands for it, whatever order entries come in
			 */
			struct view_row moved = is_new ? (struct view_row){ 0 } : v->row[*at];

			if (!is_new)
				v->row[*at] = (struct view_row){ 0 };
			v->row[e->thread] = moved;
			*at = e->thread;
		}
		v->row[*at].at = (uint32_t)*at;
		view_add(&v->row[*at].self, e->count, e->weight);
		view_add(&v->row[*at].total, e->count, e->weight);
		view_add(&v->all, e->count, e->weight);
	}
	map_done(&rows);
}

/* ---- order ---- */

struct order {
	const struct profile *p;
	enum view_by by;
};

static int compare_functions(const struct profile *p, uint32_t a, uint32_t b)
{
	const struct profile_function *x = &p->function[a], *y = &p->function[b];
	int order = view_compare_text(p, x->name, y->name);

	return order ? order :
		       view_compare_text(p, p->module[x->module].path, p->module[y->module].path);
}

static int compare_threads(const struct profile *p, uint32_t a, uint32_t b)
{
	const struct profile_thread *x = &p->thread[a], *y = &p->thread[b];

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	return view_compare_text(p, x->comm, y->comm);
}

static int compare_names(const struct order *o, uint32_t a, uint32_t b)
{
	const struct profile *p = o->p;
	int order;

	switch (o->by) {
	case VIEW_FUNCTION:
		return compare_functions(p, a, b);
	case VIEW_MODULE:
		return view_compare_text(p, p->module[a].path, p->module[b].path);
	case VIEW_ADDRESS:
		order = compare_functions(p, p->place[a].function, p->place[b].function);
		return order				   ? order :
		       p->place[a].addr < p->place[b].addr ? -1 :
							     p->place[a].addr > p->place[b].addr;
	case VIEW_LINE:
		order = view_compare_lines(p, a, b);
		return order ? order :
			       compare_functions(p, p->place[a].function, p->place[b].function);
	case VIEW_FUNCTION_LINE:
		order = compare_functions(p, p->place[a].function, p->place[b].function);
		return order ? order : view_compare_lines(p, a, b);
	default:
		return compare_threads(p, a, b);
	}
}

static int compare_rows(const void *a, const void *b, void *ctx)
{
	const struct view_row *x = a, *y = b;
	int order = view_compare_weights(&x->self, &y->self);

	if (!order)
		order = view_compare_weights(&x->total, &y->total);
	if (!order)
		order = compare_names(ctx, x->at, y->at);
	return order ? order : x->at < y->at ? -1 : x->at > y->at;
}

void view_flat(const struct profile *p, enum view_by by, uint32_t source, struct view_flat *ret)
{
	struct order order = { .p = p, .by = by };
	size_t kept = 0;

	*ret = (struct view_flat){ .by = by, .source = source };
	if (by == VIEW_THREAD || by == VIEW_PROCESS)
		flat_by_thread(p, ret);
	else
		flat_by_code(p, ret);
	for (size_t i = 0; i < ret->n; i++) {
		if (ret->row[i].total.count)
			ret->row[kept++] = ret->row[i];
	}
	ret->n = kept;
	qsort_r(ret->row, ret->n, sizeof(*ret->row), compare_rows, &order);
}

void view_flat_done(struct view_flat *v)
{
	free(v->row);
	v->row = NULL;
	v->n = 0;
}
