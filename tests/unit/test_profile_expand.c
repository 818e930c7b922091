/* Inlined frames become nodes; places become lines. */
#include "tests/unit/check.h"

#include <stdlib.h>

#include "common/base/arena.h"
#include "report/profile/lines.h"
#include "report/profile/view.h"
#include "tests/unit/profile_made.h"

/* "A>B>c": the functions from the root to this node; an inlined one has a '*'. */
static const char *stack_of(const struct profile *p, uint32_t node)
{
	static char text[128];
	uint32_t chain[32], n = 0;
	size_t at = 0;

	text[0] = 0;
	for (; node; node = p->node[node].parent)
		chain[n++] = node;
	while (n--) {
		const struct profile_place *place = &p->place[p->node[chain[n]].place];

		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%c%s", at ? ">" : "",
				       profile_text(p, p->function[place->function].name)[0],
				       place->inlined ? "*" : "");
	}
	return text;
}

static void check_tree(const struct profile *p)
{
	size_t n_linked = 0;

	for (uint32_t n = 1; n < p->n_nodes; n++)
		CHECK_TRUE(p->node[n].parent < n, "node %u", n);
	for (uint32_t n = 0; n < p->n_nodes; n++)
		for (uint32_t c = p->node[n].first; c; c = p->node[c].recent, n_linked++)
			CHECK_UINT(p->node[c].parent, n);
	CHECK_UINT(n_linked, p->n_nodes - 1);
}

static void chains(void)
{
	struct profile *p = made_new();

	made_add(p, 1, "t", "AB", 10);
	made_add(p, 1, "t", "ABC", 20);
	made_add(p, 1, "t", "AC", 30);
	made_names(p);
	made_inline(p, 'B', "XY", "b.c", 5);
	made_inline(p, 'C', "Z", "c.c", 9);
	profile_expand(p);
	CHECK_UINT(p->n_nodes, 1 + 1 + 3 + 2 + 2);
	check_tree(p);
	REQUIRE_INT(p->n_entries, 3);
	CHECK_STR(stack_of(p, p->entry[0].node), "A>B>X*>Y*");
	CHECK_STR(stack_of(p, p->entry[1].node), "A>B>X*>Y*>C>Z*");
	CHECK_STR(stack_of(p, p->entry[2].node), "A>C>Z*");
	CHECK_UINT(p->entry[1].weight, 20);
	profile_free(p);
}

static void nothing_inlined(void)
{
	struct profile *p = made_new();
	struct profile_node *before;

	made_add(p, 1, "t", "ABC", 10);
	made_names(p);
	before = p->node;
	profile_expand(p);
	CHECK_TRUE(p->node == before);
	CHECK_UINT(p->n_nodes, 4);
	profile_free(p);
}

/* The table by function: an inlined function has the time, the one that holds it the total. */
static void weights(void)
{
	struct profile *p = made_new();
	struct view_flat v;

	made_add(p, 1, "t", "AB", 10);
	made_add(p, 1, "t", "A", 1);
	made_names(p);
	made_inline(p, 'B', "XY", "b.c", 5);
	profile_expand(p);
	view_flat(p, VIEW_FUNCTION, 0, &v);
	REQUIRE_INT(v.n, 4);
	CHECK_STR(profile_text(p, p->function[v.row[0].at].name), "Y()");
	CHECK_UINT(v.row[0].self.weight, 10);
	CHECK_STR(profile_text(p, p->function[v.row[1].at].name), "A()");
	CHECK_UINT(v.row[1].total.weight, 11);
	view_flat_done(&v);
	view_flat(p, VIEW_ADDRESS, 0, &v);
	REQUIRE_INT(v.n, 2); /* an address is one row, whatever was inlined there */
	CHECK_UINT(v.row[0].total.weight, 10);
	CHECK_STR(profile_text(p, p->function[p->place[v.row[0].at].function].name), "Y()");
	view_flat_done(&v);
	profile_free(p);
}

/* Debug information made for it: 60 nodes with 20 000 frames each are more than there may be. */
static void limit(void)
{
	enum { INNER = 20000, DEPTH = 60 };
	char inner[INNER + 1], stack[DEPTH + 1];
	struct profile *p = made_new();

	memset(inner, 'X', INNER);
	inner[INNER] = 0;
	memset(stack, 'A', DEPTH);
	stack[DEPTH] = 0;
	made_add(p, 1, "t", stack, 1);
	made_names(p);
	made_inline(p, 'A', inner, "x.c", 1);
	profile_expand(p);
	CHECK_UINT(p->n_nodes, 1 + DEPTH * (1 + 128));
	check_tree(p);
	profile_free(p);
}

static void line_keys(void)
{
	static const struct {
		enum lines_by by;
		bool ab, bc, ad; /* which two are one line */
	} want[] = {
		{ LINES_OF_FUNCTIONS, false, false, false },
		{ LINES_OF_NAMES, false, false, false },
		{ LINES_ALONE, true, false, false },
	};
	struct profile *p = made_new();
	uint32_t x;

	made_names(p);
	made_source(p, 'A', "/s/a.c", 7);
	made_source(p, 'B', "/s/a.c", 7);
	made_source(p, 'C', "/s/a.c", 8);
	made_source(p, 'D', "/s/d.c", 7);
	x = made_inline(p, 'E', "A", "/s/a.c", 7); /* A once more, inlined */
	for (size_t i = 0; i < 3; i++) {
		struct lines l;

		lines_init(&l, p, want[i].by);
		CHECK_UINT(l.key['A'] == l.key['B'], want[i].ab);
		CHECK_UINT(l.key['B'] == l.key['C'], want[i].bc);
		CHECK_UINT(l.key['A'] == l.key['D'], want[i].ad);
		CHECK_UINT(l.key[x], l.key['A']);
		CHECK_TRUE(l.key['F'] != l.key['G']); /* no line: each function is one */
		CHECK_UINT(l.place[l.key[x]], 'A');
		lines_done(&l);
	}
	profile_free(p);
}

SUITE(profile_expand,
      { "inlined frames become children of the one they were inlined into", chains },
      { "a tree without inlined frames stays as it is", nothing_inlined },
      { "an inlined function has its time, its caller the total", weights },
      { "chains are cut where all of them would be too many nodes", limit },
      { "places of one file and line are one line, or one for each function", line_keys }, )
