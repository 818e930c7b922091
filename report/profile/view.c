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
#include "report/profile/profile.h"
#include "report/profile/slots.h"

static void add(struct view_weight *to, uint64_t count, uint64_t weight)
{
	to->count += count;
	if (__builtin_add_overflow(to->weight, weight, &to->weight))
		to->weight = UINT64_MAX;
}

/* The row a frame counts for, by what the view is about. */
static uint32_t key_of(const struct profile *p, enum view_by by, uint32_t node)
{
	const struct profile_place *place = &p->place[p->node[node].place];

	switch (by) {
	case VIEW_MODULE:
		return p->function[place->function].module;
	case VIEW_ADDRESS:
		return p->node[node].place;
	default:
		return place->function;
	}
}

/* ---- flat, by place in code ---- */

static struct view_weight *inclusive_weights(const struct profile *p, uint32_t source)
{
	struct view_weight *sum = mem_zalloc(p->n_nodes * sizeof(*sum));

	for (size_t i = 0; i < p->n_entries; i++)
		if (p->entry[i].source == source)
			add(&sum[p->entry[i].node], p->entry[i].count, p->entry[i].weight);
	for (size_t n = p->n_nodes - 1; n; n--)
		add(&sum[p->node[n].parent], sum[n].count, sum[n].weight);
	return sum;
}

static void add_totals(const struct profile *p, struct view_flat *v, size_t n_keys)
{
	struct view_weight *sum = inclusive_weights(p, v->source);
	uint32_t *open =
		mem_zalloc((n_keys + 1) * sizeof(*open)); /* times a key stands above this node */
	uint32_t n = 0;

	v->all = sum[0];
	for (;;) {
		if (n) {
			uint32_t key = key_of(p, v->by, n);

			if (!open[key]++)
				add(&v->row[key].total, sum[n].count, sum[n].weight);
		}
		if (p->node[n].first) {
			n = p->node[n].first;
			continue;
		}
		while (n && !p->node[n].recent) {
			open[key_of(p, v->by, n)]--;
			n = p->node[n].parent;
		}
		if (!n)
			break;
		open[key_of(p, v->by, n)]--;
		n = p->node[n].recent;
	}
	free(open);
	free(sum);
}

static void flat_by_code(const struct profile *p, struct view_flat *v)
{
	size_t n_keys = v->by == VIEW_MODULE  ? p->n_modules :
			v->by == VIEW_ADDRESS ? p->n_places :
						p->n_functions;

	v->row = mem_zalloc((n_keys + 1) * sizeof(*v->row));
	v->n = n_keys;
	for (size_t i = 0; i < p->n_entries; i++)
		if (p->entry[i].source == v->source && p->entry[i].node)
			add(&v->row[key_of(p, v->by, p->entry[i].node)].self, p->entry[i].count,
			    p->entry[i].weight);
	add_totals(p, v, n_keys);
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
		add(&v->row[*at].self, e->count, e->weight);
		add(&v->row[*at].total, e->count, e->weight);
		add(&v->all, e->count, e->weight);
	}
	map_done(&rows);
}

/* ---- order ---- */

struct order {
	const struct profile *p;
	enum view_by by;
};

static int compare_text(const struct profile *p, str_id a, str_id b)
{
	return a.n == b.n ? 0 : strcmp(profile_text(p, a), profile_text(p, b));
}

static int compare_functions(const struct profile *p, uint32_t a, uint32_t b)
{
	const struct profile_function *x = &p->function[a], *y = &p->function[b];
	int order = compare_text(p, x->name, y->name);

	return order ? order :
		       compare_text(p, p->module[x->module].path, p->module[y->module].path);
}

static int compare_threads(const struct profile *p, uint32_t a, uint32_t b)
{
	const struct profile_thread *x = &p->thread[a], *y = &p->thread[b];

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	return compare_text(p, x->comm, y->comm);
}

static int compare_names(const struct order *o, uint32_t a, uint32_t b)
{
	const struct profile *p = o->p;
	int order;

	switch (o->by) {
	case VIEW_FUNCTION:
		return compare_functions(p, a, b);
	case VIEW_MODULE:
		return compare_text(p, p->module[a].path, p->module[b].path);
	case VIEW_ADDRESS:
		order = compare_functions(p, p->place[a].function, p->place[b].function);
		return order				   ? order :
		       p->place[a].addr < p->place[b].addr ? -1 :
							     p->place[a].addr > p->place[b].addr;
	default:
		return compare_threads(p, a, b);
	}
}

static int compare_weights(const struct view_weight *a, const struct view_weight *b)
{
	if (a->weight != b->weight)
		return a->weight > b->weight ? -1 : 1;
	return a->count == b->count ? 0 : a->count > b->count ? -1 : 1;
}

static int compare_rows(const void *a, const void *b, void *ctx)
{
	const struct view_row *x = a, *y = b;
	int order = compare_weights(&x->self, &y->self);

	if (!order)
		order = compare_weights(&x->total, &y->total);
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
		if (!ret->row[i].total.count)
			continue;
		ret->row[kept] = ret->row[i];
		ret->row[kept++].at = (uint32_t)i;
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

/* ---- tree ---- */

struct tree_builder {
	struct view_tree *tree;
	struct slots slots;
};

static uint64_t hash_child(uint32_t parent, str_id name)
{
	return hash_u64((uint64_t)parent << 32 | name.n);
}

static uint32_t tree_child(struct tree_builder *b, uint32_t parent, str_id name)
{
	uint64_t hash = hash_child(parent, name);
	struct view_tree *t = b->tree;
	struct slots *s = &b->slots;
	uint32_t i, at;

	for (i = slots_first(s, hash); (at = slots_at(s, i, hash)) != SLOT_FREE;
	     i = slots_next(s, i))
		if (at != SLOT_OTHER && t->node[at].parent == parent &&
		    t->node[at].name.n == name.n)
			return at;
	mem_grow(&t->node, &t->cap, t->n + 1, sizeof(*t->node));
	at = (uint32_t)t->n++;
	t->node[at] = (struct view_node){
		.parent = parent,
		.name = name,
		.first_child = VIEW_NONE,
		.next_sibling = VIEW_NONE,
	};
	slots_put(s, i, hash, at);
	return at;
}

static bool counts(const struct profile_entry *e, uint32_t source)
{
	return source == VIEW_ALL_SOURCES || e->source == source;
}

static str_id node_name(const struct profile *p, uint32_t node)
{
	return p->function[profile_node_function(p, node)].name;
}

static void build_callers_first(const struct profile *p, uint32_t source, struct tree_builder *b)
{
	uint32_t *to = mem_zalloc(p->n_nodes * sizeof(*to));
	bool *used = mem_zalloc(p->n_nodes * sizeof(*used));
	struct view_node *node;

	/* Filters leave nodes without entries: they get no line. */
	for (size_t i = 0; i < p->n_entries; i++)
		if (counts(&p->entry[i], source))
			used[p->entry[i].node] = true;
	for (size_t n = p->n_nodes - 1; n; n--)
		used[p->node[n].parent] |= used[n];
	for (size_t n = 1; n < p->n_nodes; n++)
		if (used[n])
			to[n] = tree_child(b, to[p->node[n].parent], node_name(p, (uint32_t)n));
	node = b->tree->node;
	for (size_t i = 0; i < p->n_entries; i++)
		if (counts(&p->entry[i], source))
			add(&node[to[p->entry[i].node]].self, p->entry[i].count,
			    p->entry[i].weight);
	for (size_t n = b->tree->n - 1;; n--) {
		add(&node[n].total, node[n].self.count, node[n].self.weight);
		if (!n)
			break;
		add(&node[node[n].parent].total, node[n].total.count, node[n].total.weight);
	}
	free(used);
	free(to);
}

/* A stack on its way from the function that ran to the root. */
struct climber {
	uint32_t entry;
	uint32_t node; /* of the profile, the frame it is at; 0: it has arrived */
	uint32_t at;   /* of the tree */
};

/* One frame outwards for each climber. */
static void climb(const struct profile *p, struct tree_builder *b, struct climber *climber,
		  size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct climber *c = &climber[i];
		const struct profile_entry *e = &p->entry[c->entry];

		c->at = tree_child(b, c->at, node_name(p, c->node));
		c->node = p->node[c->node].parent;
		add(&b->tree->node[c->at].total, e->count, e->weight);
		if (!c->node)
			add(&b->tree->node[c->at].self, e->count, e->weight);
	}
}

/*
 * Level by level, so that a branch below the least weight ends where that shows: whole inverted
 * stacks would be as many nodes as there are frames of all distinct stacks.
 */
static void build_callees_first(const struct profile *p, uint32_t source, uint64_t min_weight,
				struct tree_builder *b)
{
	struct climber *climber = mem_alloc((p->n_entries + 1) * sizeof(*climber));
	size_t n = 0, kept;

	for (size_t i = 0; i < p->n_entries; i++) {
		const struct profile_entry *e = &p->entry[i];

		if (!counts(e, source))
			continue;
		add(&b->tree->node[0].total, e->count, e->weight);
		if (e->node)
			climber[n++] = (struct climber){ .entry = (uint32_t)i, .node = e->node };
	}
	for (; n; n = kept) {
		climb(p, b, climber, n);
		kept = 0;
		for (size_t i = 0; i < n; i++)
			if (climber[i].node &&
			    b->tree->node[climber[i].at].total.weight >= min_weight)
				climber[kept++] = climber[i];
	}
	free(climber);
}

struct sibling_order {
	const struct profile *p;
	const struct view_tree *t;
	enum view_order order;
};

static int compare_siblings(const void *a, const void *b, void *ctx)
{
	const struct sibling_order *o = ctx;
	const struct view_node *x = &o->t->node[*(const uint32_t *)a],
			       *y = &o->t->node[*(const uint32_t *)b];
	int order;

	if (x->parent != y->parent)
		return x->parent < y->parent ? -1 : 1;
	order = o->order == VIEW_BY_WEIGHT ? compare_weights(&x->total, &y->total) : 0;
	return order ? order : compare_text(o->p, x->name, y->name);
}

static void link_siblings(const struct profile *p, struct view_tree *t, enum view_order order)
{
	struct sibling_order o = { .p = p, .t = t, .order = order };
	uint32_t *at = mem_alloc(t->n * sizeof(*at));

	for (uint32_t n = 0; n < t->n; n++)
		at[n] = n;
	qsort_r(at + 1, t->n - 1, sizeof(*at), compare_siblings, &o);
	for (size_t i = t->n - 1; i; i--) {
		struct view_node *node = &t->node[at[i]];

		node->next_sibling = t->node[node->parent].first_child;
		t->node[node->parent].first_child = at[i];
	}
	free(at);
}

void view_tree(const struct profile *p, uint32_t source, bool callees_first, uint64_t min_weight,
	       enum view_order order, struct view_tree *ret)
{
	struct tree_builder b = { .tree = ret };

	memset(ret, 0, sizeof(*ret));
	mem_grow(&ret->node, &ret->cap, 1, sizeof(*ret->node));
	ret->node[0] = (struct view_node){ .first_child = VIEW_NONE, .next_sibling = VIEW_NONE };
	ret->n = 1;
	slots_init(&b.slots);
	if (callees_first)
		build_callees_first(p, source, min_weight, &b);
	else
		build_callers_first(p, source, &b);
	slots_done(&b.slots);
	link_siblings(p, ret, order);
}

void view_tree_done(struct view_tree *t)
{
	free(t->node);
	memset(t, 0, sizeof(*t));
}
