/*
 * Nodes of equal label below one parent are one node of the view. Callees first, a branch is
 * followed only while it is heavy enough.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "report/profile/lines.h"
#include "report/profile/profile.h"
#include "report/profile/slots.h"
#include "report/profile/view.h"
#include "report/profile/view_order.h"

struct tree_builder {
	const struct profile *p;
	const struct view_tree_options *o;
	struct view_tree *tree;
	struct slots slots;
	struct lines lines; /* with o->lines */
};

/* Child of `parent` for what stands at `node` of the profile. */
static uint32_t tree_child(struct tree_builder *b, uint32_t parent, uint32_t node)
{
	uint32_t place = b->p->node[node].place;
	str_id name = b->p->function[b->p->place[place].function].name;
	uint32_t label = b->o->lines ? b->lines.key[place] : name.n;
	uint64_t hash = hash_u64((uint64_t)parent << 32 | label);
	struct view_tree *t = b->tree;
	struct slots *s = &b->slots;
	uint32_t i, at;

	for (i = slots_first(s, hash); (at = slots_at(s, i, hash)) != SLOT_FREE;
	     i = slots_next(s, i))
		if (at != SLOT_OTHER && t->node[at].parent == parent && t->node[at].label == label)
			return at;
	mem_grow(&t->node, &t->cap, t->n + 1, sizeof(*t->node));
	at = (uint32_t)t->n++;
	t->node[at] = (struct view_node){
		.parent = parent,
		.name = name,
		.label = label,
		.place = place,
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

static void build_callers_first(struct tree_builder *b)
{
	const struct profile *p = b->p;
	uint32_t source = b->o->source;
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
			to[n] = tree_child(b, to[p->node[n].parent], (uint32_t)n);
	node = b->tree->node;
	for (size_t i = 0; i < p->n_entries; i++)
		if (counts(&p->entry[i], source))
			view_add(&node[to[p->entry[i].node]].self, p->entry[i].count,
				 p->entry[i].weight);
	for (size_t n = b->tree->n - 1;; n--) {
		view_add(&node[n].total, node[n].self.count, node[n].self.weight);
		if (!n)
			break;
		view_add(&node[node[n].parent].total, node[n].total.count, node[n].total.weight);
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
static void climb(struct tree_builder *b, struct climber *climber, size_t n)
{
	const struct profile *p = b->p;

	for (size_t i = 0; i < n; i++) {
		struct climber *c = &climber[i];
		const struct profile_entry *e = &p->entry[c->entry];

		c->at = tree_child(b, c->at, c->node);
		c->node = p->node[c->node].parent;
		view_add(&b->tree->node[c->at].total, e->count, e->weight);
		if (!c->node)
			view_add(&b->tree->node[c->at].self, e->count, e->weight);
	}
}

/*
 * Level by level, so that a branch below the least weight ends where that shows: whole inverted
 * stacks would be as many nodes as there are frames of all distinct stacks.
 */
static void build_callees_first(struct tree_builder *b)
{
	const struct profile *p = b->p;
	struct climber *climber = mem_alloc((p->n_entries + 1) * sizeof(*climber));
	size_t n = 0, kept;

	for (size_t i = 0; i < p->n_entries; i++) {
		const struct profile_entry *e = &p->entry[i];

		if (!counts(e, b->o->source))
			continue;
		view_add(&b->tree->node[0].total, e->count, e->weight);
		if (e->node)
			climber[n++] = (struct climber){ .entry = (uint32_t)i, .node = e->node };
	}
	for (; n; n = kept) {
		climb(b, climber, n);
		kept = 0;
		for (size_t i = 0; i < n; i++)
			if (climber[i].node &&
			    b->tree->node[climber[i].at].total.weight >= b->o->min_weight)
				climber[kept++] = climber[i];
	}
	free(climber);
}

static int compare_siblings(const void *a, const void *b, void *ctx)
{
	const struct tree_builder *t = ctx;
	const struct view_node *x = &t->tree->node[*(const uint32_t *)a],
			       *y = &t->tree->node[*(const uint32_t *)b];
	int order;

	if (x->parent != y->parent)
		return x->parent < y->parent ? -1 : 1;
	order = t->o->order == VIEW_BY_WEIGHT ? view_compare_weights(&x->total, &y->total) : 0;
	if (!order)
		order = view_compare_text(t->p, x->name, y->name);
	return order || !t->o->lines ? order : view_compare_lines(t->p, x->place, y->place);
}

static void link_siblings(struct tree_builder *b)
{
	struct view_tree *t = b->tree;
	uint32_t *at = mem_alloc(t->n * sizeof(*at));

	for (uint32_t n = 0; n < t->n; n++)
		at[n] = n;
	qsort_r(at + 1, t->n - 1, sizeof(*at), compare_siblings, b);
	for (size_t i = t->n - 1; i; i--) {
		struct view_node *node = &t->node[at[i]];

		node->next_sibling = t->node[node->parent].first_child;
		t->node[node->parent].first_child = at[i];
	}
	free(at);
}

void view_tree(const struct profile *p, const struct view_tree_options *o, struct view_tree *ret)
{
	struct tree_builder b = { .p = p, .o = o, .tree = ret };

	memset(ret, 0, sizeof(*ret));
	mem_grow(&ret->node, &ret->cap, 1, sizeof(*ret->node));
	ret->node[0] = (struct view_node){ .first_child = VIEW_NONE, .next_sibling = VIEW_NONE };
	ret->n = 1;
	slots_init(&b.slots);
	if (o->lines)
		lines_init(&b.lines, p, LINES_OF_NAMES);
	if (o->callees_first)
		build_callees_first(&b);
	else
		build_callers_first(&b);
	slots_done(&b.slots);
	link_siblings(&b);
	lines_done(&b.lines);
}

void view_tree_done(struct view_tree *t)
{
	free(t->node);
	memset(t, 0, sizeof(*t));
}
