/*
 * Keeps the recorder within its budget. When that is used up, in this order, each step only where
 * it saves what was measured to cost:
 *	fewer samples of each source, by powers of two, but 50 a second are kept;
 *	less of each stack: a quarter, and again;
 *	whole sources off, the least important first, never the most important one.
 * What a sample costs is learned, so that the rate returns in one step when fewer come. What a
 * source that is off would cost is not known: it is tried again, after a longer pause each time.
 * Pure arithmetic; session_govern.c acts.
 */
#ifndef RECORD_GOVERN_H
#define RECORD_GOVERN_H

#include <stdbool.h>
#include <stdint.h>

#include "record/budget.h"
#include "record/watcher/watcher.h"

enum {
	GOVERN_LEVEL_MAX = 7,	     /* 1/128 of the samples */
	GOVERN_STACK_MAX = 3,	     /* 1/64 of the longest stack */
	GOVERN_CHANGES_A_MINUTE = 6, /* at most */
};

/* What was used so far, in sum. */
struct govern_use {
	uint64_t own_ns, inspector_ns;
	struct govern_source_use {
		uint64_t n_samples; /* as they would have been at the full rate */
		uint64_t n_kept;
		/* of the samples that were kept, and of all else; to be compared only */
		uint64_t kept_cost_ns, rest_cost_ns;
	} source[WATCHERS_MAX];
	uint64_t other_cost_ns; /* of mappings and tasks */
	uint64_t stack_bytes;	/* of samples that were kept */
	uint64_t spare_bytes;	/* of these, what one step less of each stack would leave out */
};

struct govern {
	struct budget budget;
	uint8_t n_sources;
	uint8_t importance[WATCHERS_MAX]; /* the least is switched off first */

	uint8_t level[WATCHERS_MAX]; /* one of 2^level samples is kept */
	uint8_t stack;		     /* 4^-stack of the longest stack */
	uint32_t off;		     /* bit by source */

	bool begun;
	uint64_t from_ns;
	struct govern_use last;
	uint64_t sample_cost_ns;
	uint64_t calm_ns; /* since when more could be had; 0: not so */
	uint8_t calm_level[WATCHERS_MAX];
	uint64_t on_ns, pause_ns, again_ns; /* of the source that was switched last */
	uint64_t changed_ns[GOVERN_CHANGES_A_MINUTE];
	unsigned int n_changes;
	uint64_t stuck_ns;	 /* since when nothing could be reduced; 0: not so */
	uint64_t used_permyriad; /* in the time before the last look, inspector and all */
	bool helpless;		 /* over it for long, and nothing that costs can be left out */
};

enum govern_change {
	GOVERN_NOTHING,
	GOVERN_LESS_SAMPLES,
	GOVERN_LESS_STACK,
	GOVERN_LESS_SOURCES,
	GOVERN_MORE, /* of whatever was less */
};

/* Call often; looks once a second, and at once when the budget is used up. */
enum govern_change govern_look(struct govern *g, uint64_t now_ns, const struct govern_use *use);
/* Whether work that can wait may be done now. */
bool govern_may_spend(const struct govern *g, uint64_t now_ns, const struct govern_use *use);
/* Bytes of each stack that are kept at such a step; 0: all. */
uint32_t govern_stack_bytes(unsigned int step);

#endif
