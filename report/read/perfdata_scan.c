#include "report/read/perfdata_scan.h"

#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/map.h"

uint64_t perf_scan_time(const struct perf_layouts *l, const struct perf_record *record)
{
	size_t n = perf_record_bytes(record);
	const struct perf_layout *layout;
	uint64_t time_ns;

	if (perf_record_type(record) >= PERF_USER_TYPES)
		return 0;
	layout = perf_layouts_of(l, record->bytes, n);
	time_ns = layout ? perf_layout_time(layout, record->bytes, n) : 0;
	return time_ns == UINT64_MAX ? 0 : time_ns;
}

/* The next record; damage is told when events are read. */
static bool next(struct perf_stream *s, struct perf_record *ret)
{
	struct err damage = { 0 };
	uint64_t off, bytes;

	return perf_stream_next(s, ret, &off, &bytes, &damage) == PERF_STREAM_RECORD;
}

int perf_scan_header(struct perf_stream *s, struct perf_header *h, struct err *err)
{
	struct perf_record record;
	int status = 0;

	perf_stream_skip_packed(s, true);
	while (status == 0 && next(s, &record))
		status = perf_header_take(h, &record, err);
	perf_stream_skip_packed(s, false);
	perf_stream_rewind(s);
	return status;
}

uint64_t perf_scan_begin(struct perf_stream *s, const struct perf_layouts *l, uint64_t known_ns)
{
	enum { RECORDS_MAX = 16384 };
	struct perf_record record;
	uint64_t begin_ns = known_ns;

	for (unsigned int i = 0; i < RECORDS_MAX && next(s, &record); i++) {
		uint64_t time_ns = perf_scan_time(l, &record);

		if (begin_ns && perf_record_type(&record) == PERF_FINISHED_ROUND)
			break;
		if (time_ns)
			begin_ns = begin_ns ? MIN(begin_ns, time_ns) : time_ns;
	}
	return begin_ns;
}

void perf_scan_pids(struct perf_stream *s, const uint32_t *pid, size_t n, struct map *ret)
{
	struct perf_record record;

	perf_stream_rewind(s);
	while (next(s, &record)) {
		uint32_t type = perf_record_type(&record), found;

		if ((type != PERF_RECORD_MMAP && type != PERF_RECORD_MMAP2) ||
		    perf_record_bytes(&record) < 16)
			continue;
		found = load_le32(record.bytes + 8);
		for (size_t i = 0; i < n; i++)
			if (pid[i] == found)
				map_put(ret, found, NULL);
	}
}
