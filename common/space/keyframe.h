/* The state of everything as records: what a reader needs to begin here. */
#ifndef COMMON_SPACE_KEYFRAME_H
#define COMMON_SPACE_KEYFRAME_H

#include <stdint.h>

#include "common/format/file.h"
#include "common/format/record.h"
#include "common/space/space.h"

/*
 * Uses `encoder` (the caller begins its next chunk). `unsampled`, `counters` NULL: none stand in
 * it; `governed` NULL: everything is recorded. Negative: the output refused a chunk.
 */
int keyframe_write(struct chunk_writer *chunks, struct record_encoder *encoder,
		   struct spaces *spaces, const struct record_source *source, uint8_t n_sources,
		   const struct unsampled_table *unsampled,
		   const struct event_governed *governed, uint64_t now_ns,
		   const struct record_counters *counters);

#endif
