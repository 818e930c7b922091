/*
 * The records of a perf.data one after the other, as they lie in it: those that `perf record -z`
 * packed come unpacked in their place. Private to the room.
 * Source: tools/perf/Documentation/perf.data-file-format.txt, "PERF_RECORD_COMPRESSED"
 */
#ifndef REPORT_READ_PERFDATA_STREAM_H
#define REPORT_READ_PERFDATA_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/* Types that perf itself writes; only those that are heeded here. */
enum perf_user_type {
	PERF_USER_TYPES = 64, /* from here on */
	PERF_HEADER_ATTR = 64,
	PERF_HEADER_TRACING_DATA = 66,
	PERF_HEADER_BUILD_ID = 67,
	PERF_FINISHED_ROUND = 68,
	PERF_AUXTRACE = 71,
	PERF_EVENT_UPDATE = 78,
	PERF_HEADER_FEATURE = 80,
	PERF_COMPRESSED = 81,
	PERF_COMPRESSED2 = 83,
};

enum {
	PERF_BLOCK_BYTES_MAX = 256 << 20, /* one packed record, unpacked */
};

/* Unpacked bytes, kept until the last record in them is let go. */
struct perf_block {
	uint64_t *held_bytes; /* of the stream, which outlives it */
	uint32_t n_refs;
	size_t n;
	uint8_t bytes[];
};

struct perf_record {
	const uint8_t *bytes;	  /* at least a header, and as long as that says */
	struct perf_block *block; /* what keeps them; NULL: the file */
};

static inline uint32_t perf_record_type(const struct perf_record *r)
{
	return (uint32_t)r->bytes[0] | (uint32_t)r->bytes[1] << 8 | (uint32_t)r->bytes[2] << 16 |
	       (uint32_t)r->bytes[3] << 24;
}

static inline size_t perf_record_bytes(const struct perf_record *r)
{
	return (size_t)r->bytes[6] | (size_t)r->bytes[7] << 8;
}

struct perf_stream;

/* bytes: the data section, lent; file_off: where it lies, for messages. */
struct perf_stream *perf_stream_new(const uint8_t *bytes, size_t n, uint64_t file_off);
void perf_stream_free(struct perf_stream *s);
void perf_stream_rewind(struct perf_stream *s);
/* Packed records come as they are, when only those beside them matter. */
void perf_stream_skip_packed(struct perf_stream *s, bool skip);

enum perf_stream_next { PERF_STREAM_END = 0, PERF_STREAM_RECORD = 1, PERF_STREAM_DAMAGE = 2 };
/*
 * Damage: nothing follows it (records say where the next one begins); err says what is wrong,
 * *ret_off where, *ret_bytes how many bytes are lost. A record is lent until the next call unless
 * perf_record_keep was called.
 */
enum perf_stream_next perf_stream_next(struct perf_stream *s, struct perf_record *ret,
				       uint64_t *ret_off, uint64_t *ret_bytes, struct err *err);

void perf_record_keep(const struct perf_record *r);
void perf_record_drop(const struct perf_record *r);

/* Where the next record of the file lies. */
uint64_t perf_stream_file_off(const struct perf_stream *s);
/* Unpacked bytes that are alive in all blocks. */
uint64_t perf_stream_held_bytes(const struct perf_stream *s);

#endif
