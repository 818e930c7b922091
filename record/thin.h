/*
 * Fewer samples, same totals. Of a source's samples one in k is kept, at a place that chance picks
 * in each stretch of k, and weighs as much as the stretch: each has the same chance, so that every
 * share is right in the mean, and the total is right to a stretch.
 */
#ifndef RECORD_THIN_H
#define RECORD_THIN_H

#include <stdbool.h>
#include <stdint.h>

struct thin {
	uint64_t stretch; /* weight of what one kept sample stands for; 0: all are kept */
	uint64_t seen;	  /* weight since the stretch began */
	uint64_t at;	  /* where in the stretch the kept one is; `stretch`: it was met */
	uint64_t random;
};

/* From here on. What a stretch before had is right in the mean already. */
void thin_begin(struct thin *t, uint64_t stretch);

/*
 * A sample of this weight: whether it is kept, then *weight is what it stands for. One that is
 * heavier than a stretch stands for several.
 */
bool thin_take(struct thin *t, uint64_t *weight);

#endif
