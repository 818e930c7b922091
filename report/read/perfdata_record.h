/*
 * One record of a perf.data -> struct event. Takes any bytes: every count is checked against the
 * record's size. Nothing is copied: chains and stacks stay where they lie. Private to the room.
 * Source: linux/perf_event.h, enum perf_event_type.
 */
#ifndef REPORT_READ_PERFDATA_RECORD_H
#define REPORT_READ_PERFDATA_RECORD_H

#include "report/read/perfdata_layout.h"

enum { PERF_RING_WORDS = STACK_WORDS_MAX + 1 }; /* a power of two */

/* Memory for what cannot be lent as it lies; one for each reader. */
struct perf_scratch {
	uint64_t ring[PERF_RING_WORDS]; /* a stack at an odd address */
	uint64_t chain[UCHAIN_MAX];	/* of branch records; a lone ip */
	uint64_t kernel_ip;
};

enum perf_decoded {
	PERF_DECODED,	 /* *ret is an event */
	PERF_IGNORED,	 /* sound, and nothing for us */
	PERF_BAD,	 /* makes no sense */
	PERF_BAD_SAMPLE, /* the same, and it was a sample */
};

/*
 * `record` is 8-aligned, n = its header's size, at least 8. *ret lends from record and scratch.
 * For samples also `stack` (raw bytes from sp) is set beside the view, so that they can be
 * scrubbed. LOST and LOST_SAMPLES become EVENT_LOST.
 */
enum perf_decoded perf_record_decode(const struct perf_layout *layout, enum machine machine,
				     const uint8_t *record, size_t n, struct perf_scratch *scratch,
				     struct event *ret);

/* Mappings of the kernel and its modules: pid -1. */
enum { PERF_KERNEL_PID = UINT32_MAX };

#endif
