/* The tree of stacks, views on it, filters. */
#include "tests/unit/check.h"

#include <stdlib.h>

#include "common/base/err.h"
#include "report/profile/filter.h"
#include "report/profile/view.h"
#include "tests/unit/profile_made.h"

static const struct view_row *row_named(const struct profile *p, const struct view_flat *v,
					const char *name)
{
	for (size_t i = 0; i < v->n; i++)
		if (!strcmp(profile_text(p, p->function[v->row[i].at].name), name))
			return &v->row[i];
	return NULL;
}

static void equal_stacks(void)
{
	struct profile *p = made_new();

	made_add(p, 1, "one", "ABC", 10);
	made_add(p, 1, "one", "ABC", 11);
	made_add(p, 1, "one", "ABD", 12);
	made_add(p, 2, "two", "ABC", 13);
	made_names(p);
	CHECK_UINT(p->n_nodes, 1 + 4);
	CHECK_UINT(p->n_entries, 3);
	CHECK_UINT(p->n_samples, 4);
	CHECK_UINT(p->source[0].weight, 46);
	profile_free(p);
}

/* Adding with the hint gives the very tree that adding without it gives. */
static void shared_callers(void)
{
	static const struct {
		uint32_t tid;
		const char *stack;
		uint32_t n_shared;
	} sample[] = {
		{ 1, "ABCDE", 0 }, { 1, "ABCXY", 3 }, { 2, "ABC", 0 }, { 1, "ABCX", 4 },
		{ 1, "ABZ", 2 },   { 65, "QRS", 0 }, /* shares the path's slot with thread 1 */
		{ 1, "ABZZ", 3 },		     /* so this promise is about a forgotten path */
		{ 1, "", 0 },	   { 1, "AB", 0 },    { 1, "AB", 2 },
	};
	struct profile *with = made_new(), *without = made_new();

	for (size_t i = 0; i < sizeof(sample) / sizeof(sample[0]); i++) {
		made_add_shared(with, sample[i].tid, "t", sample[i].stack, 1, UNWIND_ROOT,
				sample[i].n_shared);
		made_add_shared(without, sample[i].tid, "t", sample[i].stack, 1, UNWIND_ROOT, 0);
	}
	profile_seal(with);
	profile_seal(without);
	REQUIRE_INT(with->n_nodes, without->n_nodes);
	REQUIRE_INT(with->n_entries, without->n_entries);
	for (size_t i = 0; i < with->n_nodes; i++) {
		CHECK_UINT(with->node[i].parent, without->node[i].parent);
		CHECK_UINT(with->node[i].place, without->node[i].place);
	}
	for (size_t i = 0; i < with->n_entries; i++)
		CHECK_UINT(with->entry[i].node, without->entry[i].node);
	profile_free(with);
	profile_free(without);
}

static void recursion(void)
{
	struct profile *p = made_new();
	const struct view_row *r;
	struct view_flat v;

	made_add(p, 1, "t", "ARRRR", 10);
	made_add(p, 1, "t", "ARBR", 5);
	made_add(p, 1, "t", "AB", 1);
	made_names(p);
	view_flat(p, VIEW_FUNCTION, 0, &v);
	CHECK_UINT(v.all.weight, 16);
	r = row_named(p, &v, "R()");
	REQUIRE_TRUE(r != NULL);
	CHECK_UINT(r->self.weight, 15);
	CHECK_UINT(r->total.weight, 15);
	CHECK_UINT(r->total.count, 2);
	r = row_named(p, &v, "A()");
	REQUIRE_TRUE(r != NULL);
	CHECK_UINT(r->self.weight, 0);
	CHECK_UINT(r->total.weight, 16);
	CHECK_UINT(row_named(p, &v, "B()")->total.weight, 6);
	CHECK_STR(profile_text(p, p->function[v.row[0].at].name), "R()");
	view_flat_done(&v);
	profile_free(p);
}

static void self_adds_up(void)
{
	static const enum view_by by[] = { VIEW_FUNCTION, VIEW_MODULE, VIEW_THREAD, VIEW_PROCESS,
					   VIEW_ADDRESS };
	struct profile *p = made_new();

	for (unsigned int i = 0; i < 500; i++) {
		char stack[] = { 'A', (char)('B' + i % 7), (char)('a' + i % 11), 0 };

		made_add(p, 1 + i % 5, i % 2 ? "odd" : "even", stack, i);
	}
	made_names(p);
	for (size_t b = 0; b < sizeof(by) / sizeof(by[0]); b++) {
		struct view_flat v;
		uint64_t sum = 0;

		view_flat(p, by[b], 0, &v);
		for (size_t i = 0; i < v.n; i++) {
			sum += v.row[i].self.weight;
			CHECK_TRUE(v.row[i].total.weight >= v.row[i].self.weight);
			CHECK_TRUE(v.row[i].total.weight <= v.all.weight);
		}
		CHECK_UINT(sum, 500 * 499 / 2);
		CHECK_UINT(v.all.count, 500);
		view_flat_done(&v);
	}
	profile_free(p);
}

static void threads(void)
{
	struct profile *p = made_new();
	struct view_flat v;

	made_add(p, 2, "worker", "A", 1);
	made_add(p, 1, "main", "A", 5);
	made_add(p, 2, "worker", "B", 7);
	made_add(p, 2, "renamed", "B", 2);
	made_names(p);
	view_flat(p, VIEW_THREAD, 0, &v);
	REQUIRE_INT(v.n, 3);
	CHECK_STR(profile_text(p, p->thread[v.row[0].at].comm), "worker");
	CHECK_UINT(v.row[0].total.weight, 8);
	view_flat_done(&v);
	view_flat(p, VIEW_PROCESS, 0, &v);
	REQUIRE_INT(v.n, 1);
	CHECK_UINT(v.row[0].total.weight, 15);
	view_flat_done(&v);
	profile_free(p);
}

static void trees(void)
{
	struct profile *p = made_new();
	struct view_tree t;
	uint32_t a, b;

	made_add(p, 1, "t", "ABC", 10);
	made_add(p, 1, "t", "ADC", 20);
	made_add(p, 1, "t", "A", 1);
	made_names(p);
	view_tree(p, &(struct view_tree_options){ .source = 0 }, &t);
	CHECK_UINT(t.n, 6);
	a = t.node[0].first_child;
	CHECK_UINT(t.node[a].total.weight, 31);
	CHECK_UINT(t.node[a].self.weight, 1);
	b = t.node[a].first_child;
	CHECK_STR(profile_text(p, t.node[b].name), "D()");
	CHECK_STR(profile_text(p, t.node[t.node[b].next_sibling].name), "B()");
	view_tree_done(&t);
	view_tree(p, &(struct view_tree_options){ .callees_first = true }, &t);
	a = t.node[0].first_child;
	CHECK_STR(profile_text(p, t.node[a].name), "C()");
	CHECK_UINT(t.node[a].total.weight, 30);
	b = t.node[a].first_child;
	CHECK_STR(profile_text(p, t.node[b].name), "D()");
	CHECK_UINT(t.node[b].total.weight, 20);
	view_tree_done(&t);
	profile_free(p);
}

static void late_filters(void)
{
	static const struct {
		const char *dso, *symbol;
		uint64_t want;
	} filter[] = {
		{ NULL, "C", 10 },	  { NULL, "C()", 10 },	    { NULL, "B", 30 },
		{ NULL, "B,c", 70 },	  { NULL, "?", 40 + 30 },   { NULL, "nothing", 0 },
		{ "libc*", NULL, 40 },	  { "/opt/app", NULL, 70 }, { "libc.so.6", "B", 0 },
		{ "libc.so.6", "A", 40 },
	};

	for (size_t i = 0; i < sizeof(filter) / sizeof(filter[0]); i++) {
		struct profile *p = made_new();
		struct filter f;

		made_add(p, 1, "t", "ABC", 10);
		made_add(p, 1, "t", "AB", 20);
		made_add(p, 1, "t", "Ac", 40);
		made_names(p);
		filter_init(&f);
		if (filter[i].dso)
			filter_add_words(&f.dso, filter[i].dso);
		if (filter[i].symbol)
			filter_add_words(&f.symbol, filter[i].symbol);
		CHECK_TRUE(filter_is_late(&f));
		filter_apply(&f, p);
		CHECK_TRUE(p->source[0].weight == filter[i].want, "%s %s: %d",
			   filter[i].dso ? filter[i].dso : "",
			   filter[i].symbol ? filter[i].symbol : "", (int)p->source[0].weight);
		CHECK_UINT(p->n_samples + p->coverage.n_filtered, 3);
		filter_done(&f);
		profile_free(p);
	}
}

static void early_filters(void)
{
	struct filter_sample s = {
		.pid = 7, .tid = 8, .time_ns = 1500000000, .comm = "worker-1", .event = "sCPU"
	};
	struct err err = { 0 };
	struct filter f;

	filter_init(&f);
	CHECK_TRUE(filter_takes(&f, &s));
	CHECK_INT(filter_add_numbers(&f.pid, "1,7", &err), 0);
	CHECK_TRUE(filter_takes(&f, &s));
	filter_add_words(&f.comm, "main,worker-*");
	CHECK_TRUE(filter_takes(&f, &s));
	CHECK_INT(filter_set_time(&f, "1.5-1500.1ms", &err), 0);
	CHECK_TRUE(filter_takes(&f, &s));
	s.time_ns += 100000;
	CHECK_TRUE(!filter_takes(&f, &s));
	s.time_ns -= 100001;
	CHECK_TRUE(!filter_takes(&f, &s));
	filter_done(&f);
	CHECK_INT(filter_add_numbers(&f.tid, "9", &err), 0);
	CHECK_TRUE(!filter_takes(&f, &s));
	filter_done(&f);
}

static void wrong_filters(void)
{
	static const char *const numbers[] = { "",   "x",	   "1,",  ",1",
					       "-1", "4294967296", "1 2", "0x10" };
	static const char *const times[] = { "",     "1", "2-1", "1-1",	  "a-b",    "1x-2",
					     "1e3-", "-", "--",	 "1-2-3", "1..2-3", "9e99-" };
	struct err err;
	struct filter f;

	filter_init(&f);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		CHECK_TRUE(filter_add_numbers(&f.pid, numbers[i], &err) < 0, "%s", numbers[i]);
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		if (strcmp(times[i], "-") != 0)
			CHECK_TRUE(filter_set_time(&f, times[i], &err) < 0, "%s", times[i]);
	filter_done(&f);
}

SUITE(profile_profile, { "equal stacks of a thread are one entry", equal_stacks },
      { "adopting shared callers builds the same tree as looking them up", shared_callers },
      { "a function that calls itself counts once in total", recursion },
      { "self weights of every view add up to the whole", self_adds_up },
      { "threads are told apart by name, processes join their threads", threads },
      { "a tree is sorted by weight, callers first or callees first", trees },
      { "filters by module and function look at the whole stack", late_filters },
      { "filters by process, name and time look at the sample", early_filters },
      { "filters that make no sense are refused", wrong_filters }, )
