/*
 * Looks at the records of a perf.data before its events are read: whatever must be known from the
 * first event on, and stands anywhere. Each begins at the stream's start or where it stands, and
 * leaves it anywhere: rewind it. Private to the room.
 */
#ifndef REPORT_READ_PERFDATA_SCAN_H
#define REPORT_READ_PERFDATA_SCAN_H

#include "report/read/perfdata_header.h"
#include "report/read/perfdata_layout.h"
#include "report/read/perfdata_stream.h"

struct map;

/* Time of a record; 0: it has none, nor have any of those that perf writes for itself. */
uint64_t perf_scan_time(const struct perf_layouts *l, const struct perf_record *record);

/* A pipe's header is spread over its records, build-ids come last: all of them are looked at. */
int perf_scan_header(struct perf_stream *s, struct perf_header *h, struct err *err);

/*
 * The first time of any record, `known_ns` if that is earlier (0: none is known): rings follow each
 * other, so it may stand anywhere in the first round.
 */
uint64_t perf_scan_begin(struct perf_stream *s, const struct perf_layouts *l, uint64_t known_ns);

/* Which of these processes have mappings in the file: keys of *ret. Reads all of it. */
void perf_scan_pids(struct perf_stream *s, const uint32_t *pid, size_t n, struct map *ret);

#endif
