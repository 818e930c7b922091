/*
 * What the records of each event of a perf.data hold, from its perf_event_attr. Private to the
 * room.
 * Source: perf_event_open(2); linux/perf_event.h; tools/perf/Documentation, perf.data-file-format
 */
#ifndef REPORT_READ_PERFDATA_LAYOUT_H
#define REPORT_READ_PERFDATA_LAYOUT_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/map.h"
#include "common/format/event.h"
#include "common/format/perfregs.h"

struct err;

enum {
	PERF_ATTR_BYTES_MIN = 64,   /* PERF_ATTR_SIZE_VER0, Linux 2.6.31 */
	PERF_ATTR_BYTES_MAX = 4096, /* as the kernel: a page */
	PERF_EVENTS_MAX = 4096,
	PERF_IDS_MAX = 1 << 20,
	PERF_RECORD_BYTES_MAX = 65536,
	PERF_SAMPLE_TYPES = 25, /* bits of sample_type that are known here */
};

enum perf_attr_flag {
	PERF_ATTR_FREQ = 1 << 10,
	PERF_ATTR_SAMPLE_ID_ALL = 1 << 18,
	PERF_ATTR_USE_CLOCKID = 1 << 25,
	PERF_ATTR_CONTEXT_SWITCH = 1 << 26,
};

/* Fields that later kernels added are 0 where the file has none. */
struct perf_attr {
	uint32_t type, size, stack_user;
	int32_t clockid;
	uint64_t config, period, sample_type, read_format, flags, branch_type, regs_user, regs_intr;
};

/* n bytes at least PERF_ATTR_BYTES_MIN. */
void perf_attr_read(const uint8_t *bytes, size_t n, struct perf_attr *ret);

struct perf_layout {
	struct perf_attr attr;
	uint8_t source;	 /* index of the event source; SOURCE_MAX: one too many */
	char name[32];	 /* "" until someone said it */
	uint8_t reg[64]; /* perf's register -> DWARF number; UINT8_MAX: has none */
	/* of samples, from the record's start; 0: not there */
	uint16_t id_at, time_at;
	/* of all other records, from their end; 0: not there */
	uint16_t id_back, time_back, tid_back, cpu_back, trailer_bytes;
};

struct perf_layouts {
	struct perf_layout *item;
	size_t n, cap;
	struct map by_id; /* id + 1 -> index */
	uint32_t n_ids;
};

void perf_layouts_init(struct perf_layouts *l);
void perf_layouts_done(struct perf_layouts *l);

/*
 * -ENOTSUP: a sample_type with bits that nobody knows the size of; -EFBIG over a limit.
 * ids: n 8-byte numbers, little-endian, any alignment.
 */
int perf_layouts_add(struct perf_layouts *l, const struct perf_attr *attr, const uint8_t *ids,
		     size_t n, struct err *err);
void perf_layouts_set_machine(struct perf_layouts *l, enum machine machine);

struct perf_layout *perf_layouts_by_id(const struct perf_layouts *l, uint64_t id); /* or NULL */

/* Whose record it is; NULL: no event has its id. n: its size, at least a header. */
const struct perf_layout *perf_layouts_of(const struct perf_layouts *l, const uint8_t *record,
					  size_t n);

/* Time of a record of this layout; 0: it has none. */
uint64_t perf_layout_time(const struct perf_layout *l, const uint8_t *record, size_t n);

#endif
