/*
 * One pass in the order of the nodes: a parent's chain is finished before its children come, so the
 * result has parents before children again, and entries stay in their order.
 */
#include <stdlib.h>

#include "common/base/bits.h"
#include "report/profile/profile.h"

static uint32_t n_inner(const struct profile *p, size_t node)
{
	return node ? p->place[p->node[node].place].n_inner : 0;
}

static size_t count_nodes(const struct profile *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_nodes; i++)
		n += 1 + n_inner(p, i);
	return n;
}

/* Shorter chains until they fit: only debug information made for it gets here. */
static size_t limit_nodes(struct profile *p)
{
	size_t max = MIN(PROFILE_INNER_LEAST + PROFILE_INNER_EACH * p->n_nodes, UINT32_MAX - 1);
	size_t n = count_nodes(p);

	for (uint32_t longest = 128; n > max; longest /= 2) {
		for (size_t i = 0; i < p->n_places; i++)
			if (!p->place[i].inlined)
				p->place[i].n_inner = MIN(p->place[i].n_inner, longest);
		n = count_nodes(p);
	}
	return n;
}

/* Appends what node `from` becomes below `parent`; its innermost node. */
static uint32_t put_chain(const struct profile *p, uint32_t from, uint32_t parent,
			  struct profile_node *to, size_t *n)
{
	uint32_t place = p->node[from].place, inner = n_inner(p, from);

	to[(*n)++] = (struct profile_node){ .parent = parent, .place = place };
	for (uint32_t i = 0; i < inner; i++, (*n)++)
		to[*n] = (struct profile_node){ .parent = (uint32_t)*n - 1,
						.place = p->place[place].inner + i };
	return (uint32_t)*n - 1;
}

void profile_expand(struct profile *p)
{
	size_t n_all = limit_nodes(p), n = 0;
	struct profile_node *node;
	uint32_t *innermost;

	if (n_all == p->n_nodes)
		return;
	node = mem_alloc(n_all * sizeof(*node));
	innermost = mem_alloc(p->n_nodes * sizeof(*innermost));
	innermost[0] = 0;
	for (uint32_t i = 0; i < p->n_nodes; i++)
		innermost[i] = put_chain(p, i, innermost[p->node[i].parent], node, &n);
	for (size_t i = 0; i < p->n_entries; i++)
		p->entry[i].node = innermost[p->entry[i].node];
	free(innermost);
	free(p->node);
	p->node = node;
	p->n_nodes = p->node_cap = n;
	profile_link(p);
}
