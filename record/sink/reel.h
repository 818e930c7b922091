/*
 * The flight recorder's memory: finished chunks of keyframes and events, the oldest dropped for the
 * newest. What is kept always begins with a keyframe, so it decodes. Fixed address space; memory
 * that was dropped goes back. Private to the room.
 */
#ifndef RECORD_SINK_REEL_H
#define RECORD_SINK_REEL_H

#include <stddef.h>
#include <stdint.h>

#include "common/format/record.h"

struct err;
struct reel;

/* `keep_ns` 0: as much as goes into `bytes`. */
struct reel *reel_new(uint64_t bytes, uint64_t keep_ns, struct err *err);
void reel_free(struct reel *r);

/*
 * A span begins: a keyframe and the events up to the next one. `counters` are those before it, so
 * that what is kept can be told from what was dropped. Spans older than keep_ns go.
 */
void reel_begin_span(struct reel *r, uint64_t now_ns, const struct record_counters *counters);

/*
 * A chunk_sink: `r` as ctx. -ENOSPC: the span alone is larger than the memory. What is no chunk of
 * events or state is not kept.
 */
int reel_put(void *r, const void *bytes, size_t n);

/* Chunks are numbered as they come: those in [reel_first, reel_end) are there. */
uint64_t reel_first(const struct reel *r);
uint64_t reel_end(const struct reel *r);
/* Header and stored bytes; lent until the next reel_put or reel_begin_span. */
const void *reel_get(const struct reel *r, uint64_t number, size_t *ret_n);

/* Of the oldest span that is kept. */
uint64_t reel_since_ns(const struct reel *r);
const struct record_counters *reel_since(const struct reel *r);

#endif
