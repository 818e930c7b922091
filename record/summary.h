/* The last line on stderr: what was recorded, what was lost and why. */
#ifndef RECORD_SUMMARY_H
#define RECORD_SUMMARY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/format/record.h"
#include "record/sink/sink.h"

struct summary {
	const char *output;
	struct record_counters counters;
	struct sink_total total;
	const struct unsampled_table *unsampled;
	uint64_t ran_ns;
	bool exact_lost;
};

void summary_print(const struct summary *s);
/* "12 of 40118 samples lost: 9 ring full, 3 output full"; "" when none is. For tests. */
void summary_losses(const struct summary *s, char *text, unsigned int n);

#endif
