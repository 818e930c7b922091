/*
 * One record of a kernel ring -> struct event. Knows perf's wire form and register order; nobody
 * after it does. Takes any bytes: every count is checked against the record's size.
 * Source: linux/perf_event.h, enum perf_event_type; perf_event_open(2).
 */
#ifndef RECORD_KERNEL_DECODE_H
#define RECORD_KERNEL_DECODE_H

#include <linux/perf_event.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/map.h"
#include "common/format/event.h"
#include "common/format/perfregs.h"

/* Task events share these with samples, so that the trailer of all other records is the same. */
#define DECODE_TASKS_TYPE \
	(PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU)
#define DECODE_SAMPLE_TYPE \
	(DECODE_TASKS_TYPE | PERF_SAMPLE_IP | PERF_SAMPLE_PERIOD | PERF_SAMPLE_REGS_USER)

enum {
	DECODE_RECORD_MAX = 65536, /* header.size is 16 bits */
	DECODE_TRAILER_BYTES = 32, /* pid tid | time | cpu | identifier */
};

enum decode_value { DECODE_VALUE_PERIOD, DECODE_VALUE_REGISTER, DECODE_VALUE_RAW };

/* What the samples of one source hold beyond DECODE_SAMPLE_TYPE, and where their weight is. */
struct decode_source {
	bool callchain, raw, stack;
	bool off_cpu; /* samples of whoever leaves a CPU */
	bool wakeup;  /* no registers; the value is the thread that was woken: EVENT_SWITCH */
	uint64_t period; /* of every sample; 0: it stands in the record */
	enum decode_value value;
	uint32_t value_at;    /* DWARF number of a register; offset in the raw bytes */
	uint32_t value_bytes; /* of a raw value: 1, 2, 4 or 8, unsigned */
	double scale;	      /* factor of the weight; 0 is 1 */
};

struct decode_layout {
	const struct perf_regs *regs;
	const struct decode_source *source;
	uint8_t n_sources;
	const struct map *ids; /* identifier -> index of source; NULL: all are source 0 */
};

enum decode_result {
	DECODE_EVENT,
	DECODE_SKIP,	   /* sound, and nothing for us */
	DECODE_BAD,	   /* makes no sense */
	DECODE_BAD_SAMPLE, /* the same, and it was a sample */
};

/*
 * `record` is 8-aligned, n = its header's size (checked here again).
 * Pointers in *ret (stack, kchain, path) lie in `record`.
 */
enum decode_result decode_record(const struct decode_layout *layout, const void *record, size_t n,
				 struct event *ret);

/*
 * Time of a record without decoding it: where it is, counted from the start.
 * 0: the record is too short to have one.
 */
size_t decode_time_offset(const struct perf_event_header *header);

#endif
