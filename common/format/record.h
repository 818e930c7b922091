/*
 * Events <-> bytes of one EVENTS or KEYFRAME chunk. Both directions carry state that starts
 * empty with each chunk, so that a chunk decodes alone: object table, code address dictionary,
 * previous stack and time of each thread. Wire form: ddprof.data(5), "Records".
 */
#ifndef COMMON_FORMAT_RECORD_H
#define COMMON_FORMAT_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "common/format/event.h"
#include "common/format/file.h"
#include "common/format/unsampled.h"

struct err;

struct record_source {	       /* one event source: what a sample of it means */
	char name[64];	       /* "sCPU", "sched:sched_switch" */
	char unit[16];	       /* of period: "nanoseconds" */
	uint64_t frequency_hz; /* 0: fixed period */
	uint64_t period;
};

struct record_counters {
	uint64_t n[COUNTERS];
};

struct record_encoder;

struct record_encoder *record_encoder_new(enum machine machine, struct err *err);
void record_encoder_free(struct record_encoder *e);
void record_encoder_begin(struct record_encoder *e); /* a new chunk: state and bytes empty */
/*
 * 0, or -ENOSPC when it would pass CHUNK_RAW_MAX: nothing was added; close the chunk and put it
 * again.
 */
int record_encoder_put(struct record_encoder *e, const struct event *event);
int record_encoder_put_source(struct record_encoder *e, uint8_t source,
			      const struct record_source *s);
int record_encoder_put_unsampled(struct record_encoder *e, const struct unsampled *u);
/* Always fits (its room is reserved). Put last, once. */
void record_encoder_put_counters(struct record_encoder *e, const struct record_counters *c);
const uint8_t *record_encoder_bytes(const struct record_encoder *e, size_t *ret_n);
uint32_t record_encoder_n(const struct record_encoder *e);
void record_encoder_times(const struct record_encoder *e, uint64_t *ret_first_ns,
			  uint64_t *ret_last_ns);

struct record_decoder;

/* The chunk says its machine; `machine` is what holds before the first one. */
struct record_decoder *record_decoder_new(enum machine machine);
enum machine record_decoder_machine(const struct record_decoder *d);
void record_decoder_free(struct record_decoder *d);
/* bytes must live until the chunk is done. */
void record_decoder_begin(struct record_decoder *d, const struct chunk_header *header,
			  const uint8_t *bytes, size_t n);

enum record_read {
	RECORD_END = 0,
	RECORD_EVENT = 1,
	RECORD_SOURCE = 2,
	RECORD_COUNTERS = 3,
	RECORD_UNSAMPLED = 4,
	RECORD_BAD = -1
};

struct record {
	struct event event; /* pointers in it are lent until the next call */
	uint8_t source_index;
	struct record_source source;
	struct record_counters counters;
	struct unsampled unsampled;
};

/*
 * RECORD_BAD: err says offset and reason; the rest of the chunk is unusable. Unknown record types
 * are skipped.
 */
enum record_read record_decoder_next(struct record_decoder *d, struct record *ret, struct err *err);

#endif
