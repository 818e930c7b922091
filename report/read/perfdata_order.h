/*
 * Records of many rings -> time order. A ring is in order, its neighbours lie behind it; perf ends
 * each turn around all rings with FINISHED_ROUND, and what is older than the newest record of the
 * round before can then not come any more. Private to the room.
 * Source: tools/perf/util/ordered-events.c; tools/perf/util/session.c on FINISHED_ROUND.
 */
#ifndef REPORT_READ_PERFDATA_ORDER_H
#define REPORT_READ_PERFDATA_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/read/perfdata_stream.h"

enum {
	/* files without rounds: more than this is not waited for */
	PERF_ORDER_RECORDS_MAX = 16 << 20,
};
#define PERF_ORDER_HELD_MAX (UINT64_C(1) << 30) /* unpacked bytes */

struct perf_waiting {
	uint64_t time_ns;
	struct perf_record record;
};

struct perf_order {
	struct perf_waiting *item, *spare; /* spare: for merging */
	size_t n, cap, spare_cap;
	size_t n_ready, at; /* item[at .. n_ready) is ready, the rest waits */
	uint64_t newest_ns, limit_ns;
};

void perf_order_done(struct perf_order *o);
void perf_order_reset(struct perf_order *o);

/* Keeps the record. Only while nothing is ready. */
void perf_order_put(struct perf_order *o, uint64_t time_ns, const struct perf_record *record);
/* A round ended. */
void perf_order_round(struct perf_order *o);
/* Nothing follows; or, with `half`, too much waits: the older half goes. */
void perf_order_flush(struct perf_order *o, bool half);

/* The next one that is ready; NULL: none is. Lent until the next call of any function here. */
const struct perf_waiting *perf_order_next(struct perf_order *o);

#endif
