/*
 * Where the time of draining goes: every fourth round is measured record by record, for the others
 * the mean holds.
 */
#ifndef RECORD_METER_H
#define RECORD_METER_H

#include <stdint.h>

#include "record/watcher/watcher.h"

/* Samples of each source that are kept; those left out, and switches; and all else. */
enum { METER_KEPT, METER_REST = WATCHERS_MAX, METER_OTHER = 2 * WATCHERS_MAX, METER_KINDS };

struct meter {
	uint64_t n_rounds;
	uint64_t at_ns; /* end of the last record; 0: this round is not measured */
	struct {
		uint64_t mean_ns, cost_ns; /* of one; of all so far */
	} kind[METER_KINDS];
};

void meter_round(struct meter *m, uint64_t now_ns);
/* A record of this kind was done with. */
void meter_record(struct meter *m, unsigned int kind);

#endif
