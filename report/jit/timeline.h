/*
 * Pieces of code over addresses and time: which one held an address at a time. A later piece ends
 * every earlier one that it overlaps. Private to report/jit/. Work and memory stay n log n for any
 * input: many pieces at one place, or one over many.
 */
#ifndef REPORT_JIT_TIMELINE_H
#define REPORT_JIT_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timeline_span {
	uint64_t start, end; /* start < end */
	uint64_t born_ns;
	uint64_t dead_ns; /* set by timeline_seal; UINT64_MAX: never */
	uint32_t code;	  /* 0: nothing is here any more */
};

struct timeline {
	struct timeline_span *span;
	size_t n, cap;
	/* sealed */
	uint64_t *edge; /* where spans begin and end, rising, distinct */
	size_t n_edges, width;
	uint32_t *first,
		*list; /* node -> its spans, in order: list[first[i]] .. list[first[i + 1]] */
};

void timeline_done(struct timeline *t);
void timeline_add(struct timeline *t, const struct timeline_span *s);
/* Equal times stay in the order in which they were added. */
void timeline_seal(struct timeline *t);

struct timeline_answer {
	const struct timeline_span *now;   /* holds addr at that time; NULL */
	const struct timeline_span *later; /* nothing does: the first that begins later; NULL */
	uint64_t until_ns;		   /* nothing changes before */
};
struct timeline_answer timeline_find(const struct timeline *t, uint64_t addr, uint64_t time_ns);

#endif
