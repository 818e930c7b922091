/*
 * How much the recorder may cost. Its CPU time of each second is held against a share of one CPU;
 * short peaks (the files of a program that just began) are paid from what was saved before. Above
 * it, the rate of samples is lowered by powers of two. What a sample costs is learned, so that the
 * rate returns in one step when fewer samples come. Pure arithmetic: session_govern.c acts.
 */
#ifndef RECORD_GOVERN_H
#define RECORD_GOVERN_H

#include <stdbool.h>
#include <stdint.h>

enum {
	GOVERN_LEVEL_MAX = 7,	     /* 1/128 of the samples */
	GOVERN_CHANGES_A_MINUTE = 6, /* at most */
};

struct govern {
	uint64_t limit_permyriad; /* of one CPU: 300 is 3 %; 0: no limit */
	unsigned int level;	  /* one of 2^level samples is kept */
	bool begun;
	uint64_t from_ns, busy_ns, saved_ns;
	uint64_t sample_cost_ns;
	unsigned int n_calm; /* seconds in a row that would bear a higher rate */
	unsigned int calm_level;
	uint64_t changed_ns[GOVERN_CHANGES_A_MINUTE];
	unsigned int n_changes;
	uint64_t used_permyriad; /* of the last second, for those who tell */
	bool over;		 /* the last second was above the limit, and nothing saved */
};

/* What was used so far, in sum. */
struct govern_use {
	uint64_t busy_ns;
	uint64_t n_samples; /* as they would have been at the full rate */
	uint64_t n_kept;
};

/* Call often; looks once a second. True: the level changed. *last is the caller's, for it alone. */
bool govern_look(struct govern *g, uint64_t now_ns, const struct govern_use *use,
		 struct govern_use *last);

#endif
