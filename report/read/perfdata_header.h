/*
 * What a perf.data says before and beside its records: events, features, build-ids. In a file it
 * stands in a header and in sections, in a pipe in records between the others. Private to the
 * room.
 * Source: tools/perf/Documentation/perf.data-file-format.txt
 */
#ifndef REPORT_READ_PERFDATA_HEADER_H
#define REPORT_READ_PERFDATA_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/read/mapped.h"
#include "report/read/perfdata_files.h"
#include "report/read/perfdata_layout.h"
#include "report/read/perfdata_stream.h"

struct err;
struct recording;

enum { PERF_MAGIC_BYTES = 8 };
/* Whether a file that begins so is a perf.data: of any version, byte order and kind. */
bool perf_header_is(const uint8_t bytes[PERF_MAGIC_BYTES]);

struct perf_header {
	struct recording *recording; /* its manifest is filled */
	struct perf_layouts *layouts;
	struct perf_files *files;
	char arch[32];	     /* "x86_64"; "" not said */
	bool pipe, finished; /* finished: perf ended in order (files only) */
	uint64_t data_off, data_bytes;
	int64_t realtime_offset_ns; /* 0: not said */
};

/* Header, events and features of a file; of a pipe the header alone. */
int perf_header_read(struct perf_header *h, const struct mapped *file, struct err *err);
/* A record of a pipe that belongs to the header; others are left alone. */
int perf_header_take(struct perf_header *h, const struct perf_record *record, struct err *err);
/* After all of it: machine, event sources, manifest. -ENOTSUP: a machine that is not known. */
int perf_header_finish(struct perf_header *h, struct err *err);

#endif
