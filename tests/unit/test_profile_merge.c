/* Profiles of different recordings as one. */
#include "report/profile/merge.h"

#include <errno.h>
#include <stdlib.h>

#include "common/base/err.h"
#include "report/profile/view.h"
#include "tests/unit/check.h"
#include "tests/unit/profile_made.h"

/* Takes the profiles. */
static struct profile *merged(struct profile *a, struct profile *b)
{
	struct merge *m = merge_new();
	struct err err = { 0 };
	struct profile *p;

	REQUIRE_INT(merge_add(m, a, &err), 0);
	REQUIRE_INT(merge_add(m, b, &err), 0);
	profile_free(a);
	profile_free(b);
	p = merge_finish(m);
	merge_free(m);
	return p;
}

static void equal_stacks(void)
{
	struct profile *a = made_new(), *b = made_new(), *p;

	made_add(a, 1, "one", "ABC", 10);
	made_add(a, 1, "one", "AB", 1);
	made_add(b, 9, "nine", "XY", 5); /* numbers of places and threads differ */
	made_add(b, 1, "one", "ABC", 20);
	made_add(b, 1, "other", "ABC", 3);
	made_names(a);
	made_names(b);
	p = merged(a, b);
	CHECK_UINT(p->n_nodes, 1 + 3 + 2);
	CHECK_UINT(p->n_entries, 4);
	CHECK_UINT(p->n_samples, 5);
	CHECK_UINT(p->n_threads, 3);
	CHECK_UINT(p->n_modules, 2);
	CHECK_UINT(p->source[0].weight, 39);
	CHECK_UINT(p->source[0].count, 5);
	CHECK_UINT(p->source[1].count, 0);
	CHECK_UINT(p->entry[0].weight, 30);
	CHECK_UINT(p->entry[0].count, 2);
	CHECK_UINT(p->coverage.stops[UNWIND_ROOT], 5);
	CHECK_UINT(p->origin.last_ns - p->origin.first_ns, 10000000000);
	profile_free(p);
}

/* Of hosts where the kernel or the program lies elsewhere: one function, two places. */
static void moved_code(void)
{
	struct profile *a = made_new(), *b = made_new(), *p;
	struct view_flat v;

	made_add(a, 1, "t", "AB", 10);
	made_add(b, 1, "t", "AB", 20);
	made_names(a);
	made_names(b);
	b->place['B'].addr += 0x100;
	p = merged(a, b);
	CHECK_UINT(p->n_nodes, 1 + 3);
	view_flat(p, VIEW_FUNCTION, 0, &v);
	REQUIRE_INT(v.n, 2);
	CHECK_STR(profile_text(p, p->function[v.row[0].at].name), "B()");
	CHECK_UINT(v.row[0].self.weight, 30);
	view_flat_done(&v);
	profile_free(p);
}

/* Another build of a file is another file, though names are the same. */
static void other_build(void)
{
	struct profile *a = made_new(), *b = made_new(), *p;

	made_add(a, 1, "t", "A", 10);
	made_add(b, 1, "t", "A", 20);
	made_names(a);
	made_names(b);
	b->module[0].build_id.bytes[0] ^= 1;
	p = merged(a, b);
	CHECK_UINT(p->n_modules, 3);
	CHECK_UINT(p->n_entries, 2);
	profile_free(p);
}

static void inlined_frames(void)
{
	struct profile *p[2], *all;

	for (int i = 0; i < 2; i++) {
		p[i] = made_new();
		made_add(p[i], 1, "t", i ? "QAB" : "AB", 10);
		made_names(p[i]);
		made_inline(p[i], 'B', "XY", "b.c", 5);
		profile_expand(p[i]);
	}
	all = merged(p[0], p[1]);
	/* A B X Y, and below Q the same; each place once */
	CHECK_UINT(all->n_nodes, 1 + 4 + 5);
	CHECK_UINT(all->n_places, 1 + 3 + 1);
	for (size_t i = 0; i < all->n_places; i++) {
		const struct profile_place *q = &all->place[i];

		if (q->inlined)
			CHECK_STR(profile_text(all, q->file), "b.c");
		for (uint32_t k = 0; k < q->n_inner && !q->inlined; k++)
			CHECK_UINT(all->place[q->inner + k].inner, i);
	}
	profile_free(all);
}

static void other_events(void)
{
	struct profile *a = made_new(), *b = made_new(), *p;

	strcpy(b->source[0].about.name, "hCPU");
	made_add(a, 1, "t", "A", 10);
	made_add(b, 1, "t", "A", 20);
	made_names(a);
	made_names(b);
	p = merged(a, b);
	CHECK_UINT(p->source[0].weight, 10);
	CHECK_UINT(p->source[1].weight, 20);
	CHECK_STR(p->source[1].about.name, "hCPU");
	profile_free(p);
}

static void too_many_events(void)
{
	struct merge *m = merge_new();
	struct err err = { 0 };
	int status = 0;

	for (int i = 0; i <= SOURCE_MAX && status == 0; i++) {
		struct profile *p = made_new();

		snprintf(p->source[0].about.name, sizeof(p->source[0].about.name), "e%d", i);
		made_add(p, 1, "t", "A", 1);
		made_names(p);
		status = merge_add(m, p, &err);
		CHECK_INT(status, i < SOURCE_MAX ? 0 : -EFBIG);
		profile_free(p);
	}
	CHECK_HAS(err.text, "more than 64 events");
	merge_free(m);
}

SUITE(profile_merge, { "equal stacks of two profiles are one", equal_stacks },
      { "code that lies elsewhere is the same function", moved_code },
      { "another build is another file", other_build },
      { "frames inlined in a place go with it", inlined_frames },
      { "samples of other events stay apart", other_events },
      { "more events than there can be are refused", too_many_events }, )
