/* Features of a perf.data header, one at a time. Private to the room. */
#ifndef REPORT_READ_PERFDATA_FEATURES_H
#define REPORT_READ_PERFDATA_FEATURES_H

#include "report/read/perfdata_header.h"

/* What cannot be read is left out. */
void perf_feature_take(struct perf_header *h, uint64_t feature, const uint8_t *bytes, size_t n);

/* A table of build-ids: records of type PERF_HEADER_BUILD_ID. */
void perf_take_build_ids(struct perf_files *files, const uint8_t *bytes, size_t n);

#endif
