/*
 * A segment tree over the edges of all spans: a span hangs at the few nodes that together cover
 * it. Spans of one node all cover the node's whole range, so they end each other, and the one that
 * holds at a time is found by bisection. A lookup visits the nodes above its address.
 *
 *	edges      a   b   c   d   e		span [b, d) hangs at node 5 alone
 *	leaves       4   5   6   7 		(or at 4 and 5, as its edges fall)
 */
#include "report/jit/timeline.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/bits.h"

void timeline_done(struct timeline *t)
{
	free(t->span);
	free(t->edge);
	free(t->first);
	free(t->list);
	*t = (struct timeline){ 0 };
}

void timeline_add(struct timeline *t, const struct timeline_span *s)
{
	mem_grow(&t->span, &t->cap, t->n + 1, sizeof(*t->span));
	t->span[t->n] = *s;
	t->span[t->n++].dead_ns = UINT64_MAX;
}

/* ---- order ---- */

struct order {
	uint64_t born_ns;
	size_t index;
};

static int by_time(const void *a, const void *b)
{
	const struct order *x = a, *y = b;

	if (x->born_ns != y->born_ns)
		return x->born_ns < y->born_ns ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static void sort_spans(struct timeline *t)
{
	struct order *order = mem_alloc((t->n + 1) * sizeof(*order));
	struct timeline_span *sorted = mem_alloc((t->n + 1) * sizeof(*sorted));

	for (size_t i = 0; i < t->n; i++)
		order[i] = (struct order){ t->span[i].born_ns, i };
	qsort(order, t->n, sizeof(*order), by_time);
	for (size_t i = 0; i < t->n; i++)
		sorted[i] = t->span[order[i].index];
	free(order);
	free(t->span);
	t->span = sorted;
	t->cap = t->n;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void find_edges(struct timeline *t)
{
	size_t n = 0;

	t->edge = mem_alloc((2 * t->n + 1) * sizeof(*t->edge));
	for (size_t i = 0; i < t->n; i++) {
		t->edge[2 * i] = t->span[i].start;
		t->edge[2 * i + 1] = t->span[i].end;
	}
	qsort(t->edge, 2 * t->n, sizeof(*t->edge), by_value);
	for (size_t i = 0; i < 2 * t->n; i++)
		if (!n || t->edge[i] != t->edge[n - 1])
			t->edge[n++] = t->edge[i];
	t->n_edges = n;
	for (t->width = 1; t->width < n;)
		t->width *= 2;
}

/* Index of the last edge at or below addr; SIZE_MAX: none. */
static size_t edge_index(const struct timeline *t, uint64_t addr)
{
	size_t lo = 0, hi = t->n_edges;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (t->edge[mid] <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo - 1;
}

/* ---- which span ends which ---- */

/* A set of small numbers; the next and the previous member of any number, 64 at a time. */
enum { LEVELS_MAX = 6 };
struct members {
	uint64_t *bits[LEVELS_MAX];
	int n_levels;
};

static void members_init(struct members *m, size_t n)
{
	m->n_levels = 0;
	do {
		n = n / 64 + 1;
		m->bits[m->n_levels++] = mem_zalloc(n * sizeof(uint64_t));
	} while (n > 1 && m->n_levels < LEVELS_MAX);
}

static void members_done(struct members *m)
{
	for (int i = 0; i < m->n_levels; i++)
		free(m->bits[i]);
}

static void members_put(struct members *m, size_t i)
{
	for (int level = 0; level < m->n_levels; level++, i /= 64)
		m->bits[level][i / 64] |= (uint64_t)1 << i % 64;
}

static void members_remove(struct members *m, size_t i)
{
	for (int level = 0; level < m->n_levels; level++, i /= 64) {
		m->bits[level][i / 64] &= ~((uint64_t)1 << i % 64);
		if (m->bits[level][i / 64])
			break;
	}
}

/* The largest member at or below i; SIZE_MAX: none. */
static size_t members_at_most(const struct members *m, size_t i)
{
	for (int level = 0; level < m->n_levels; level++) {
		uint64_t word = m->bits[level][i / 64] & (UINT64_MAX >> (63 - i % 64));

		if (word) {
			i = i / 64 * 64 + 63 - (size_t)__builtin_clzll(word);
			while (level-- > 0)
				i = i * 64 + 63 - (size_t)__builtin_clzll(m->bits[level][i]);
			return i;
		}
		if (i < 64)
			return SIZE_MAX;
		i = i / 64 - 1;
	}
	return SIZE_MAX;
}

/*
 * In the order of their times: spans that live never overlap, so each is known by the edge at
 * which it begins. Each is put once and ended once.
 */
static void find_ends(struct timeline *t)
{
	uint32_t *owner = mem_zalloc((t->n_edges + 1) * sizeof(*owner));
	struct members live;

	members_init(&live, t->n_edges);
	for (size_t i = 0; i < t->n; i++) {
		struct timeline_span *s = &t->span[i];
		size_t begin = edge_index(t, s->start), at;

		while ((at = members_at_most(&live, edge_index(t, s->end - 1))) != SIZE_MAX) {
			struct timeline_span *other = &t->span[owner[at]];

			if (other->end <= s->start)
				break;
			other->dead_ns = s->born_ns;
			members_remove(&live, at);
		}
		owner[begin] = (uint32_t)i;
		members_put(&live, begin);
	}
	members_done(&live);
	free(owner);
}

/* ---- the tree ---- */

/* Calls for each node of the cover of [lo, hi). */
static void each_node(const struct timeline *t, size_t lo, size_t hi, uint32_t *count,
		      uint32_t *list, uint32_t span)
{
	for (lo += t->width, hi += t->width; lo < hi; lo /= 2, hi /= 2) {
		size_t node[2], n = 0;

		if (lo & 1)
			node[n++] = lo++;
		if (hi & 1)
			node[n++] = --hi;
		while (n-- > 0) {
			if (list)
				list[count[node[n]]] = span;
			count[node[n]]++;
		}
	}
}

static void hang_spans(struct timeline *t)
{
	size_t n_nodes = 2 * t->width;
	uint32_t *at = mem_zalloc((n_nodes + 1) * sizeof(*at)), sum = 0;

	t->first = mem_zalloc((n_nodes + 1) * sizeof(*t->first));
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < t->n; i++)
			if (t->span[i].code)
				each_node(t, edge_index(t, t->span[i].start),
					  edge_index(t, t->span[i].end), at, t->list, (uint32_t)i);
		if (pass)
			break;
		for (size_t i = 0; i < n_nodes; i++) {
			t->first[i] = sum;
			sum += at[i];
			at[i] = t->first[i];
		}
		t->first[n_nodes] = sum;
		t->list = mem_alloc(((size_t)sum + 1) * sizeof(*t->list));
	}
	free(at);
}

void timeline_seal(struct timeline *t)
{
	if (!t->n)
		return;
	sort_spans(t);
	find_edges(t);
	find_ends(t);
	hang_spans(t);
}

/* ---- questions ---- */

/* The first of the node's spans that begins after time_ns; the end of its list: none. */
static uint32_t first_later(const struct timeline *t, size_t node, uint64_t time_ns)
{
	uint32_t lo = t->first[node], hi = t->first[node + 1];

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (t->span[t->list[mid]].born_ns <= time_ns)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct timeline_answer timeline_find(const struct timeline *t, uint64_t addr, uint64_t time_ns)
{
	struct timeline_answer a = { .until_ns = UINT64_MAX };
	size_t edge = t->n ? edge_index(t, addr) : SIZE_MAX;

	if (edge == SIZE_MAX || edge + 1 >= t->n_edges)
		return a;
	for (size_t node = edge + t->width; node; node /= 2) {
		uint32_t i = first_later(t, node, time_ns);
		const struct timeline_span *s = NULL;

		if (i < t->first[node + 1])
			s = &t->span[t->list[i]];
		if (s && (!a.later || s < a.later))
			a.later = s;
		if (i > t->first[node] && t->span[t->list[i - 1]].dead_ns > time_ns)
			a.now = &t->span[t->list[i - 1]];
	}
	if (a.now)
		a.until_ns = a.now->dead_ns;
	else if (a.later)
		a.until_ns = a.later->born_ns;
	if (a.now)
		a.later = NULL;
	return a;
}
