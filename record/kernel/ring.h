/*
 * One mapped ring of the kernel, read from the front. Records are looked at where they lie; only
 * one that runs over the ring's end is copied together.
 * Source: perf_event_open(2), "MMAP layout".
 */
#ifndef RECORD_KERNEL_RING_H
#define RECORD_KERNEL_RING_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

struct ring {
	struct perf_event_mmap_page *page; /* data_head, data_tail; data follows */
	const uint8_t *data;
	uint64_t size;	   /* bytes of data, a power of two */
	uint64_t head;	   /* as of ring_look */
	uint64_t at;	   /* next record to be read */
	uint64_t released; /* the kernel may write up to here again */
	uint8_t *bounce;   /* DECODE_RECORD_MAX bytes, 8-aligned */
	bool mapped;
};

/* What stands at the front. */
struct ring_record {
	struct perf_event_header header;
	uint64_t time_ns;
};

enum ring_peek { RING_EMPTY = 0, RING_RECORD = 1, RING_DAMAGED = -1 };

/* Maps `size_bytes` (a power of two of pages) of the event's ring. -EPERM, -ENOMEM: too much. */
int ring_map(struct ring *r, int fd, size_t size_bytes, struct err *err);
/* The same over memory (tests, fuzz): `data` of `size` bytes, records in [tail, head). */
void ring_init(struct ring *r, const void *data, uint64_t size, uint64_t tail, uint64_t head,
	       void *bounce);
void ring_done(struct ring *r);

/* Sees what the kernel wrote so far. */
void ring_look(struct ring *r);
static inline uint64_t ring_used(const struct ring *r)
{
	return r->head - r->at;
}

/* Time of the youngest record; walks over all of them. 0: there is none. */
uint64_t ring_last_ns(const struct ring *r);

/* Header and time of the record at the front. DAMAGED: nothing in [at, head) can be trusted. */
enum ring_peek ring_peek(const struct ring *r, struct ring_record *ret);
/*
 * The record's bytes, 8-aligned, and steps over it. Lent until ring_release (or, for one that
 * ran over the end, until the next ring_take).
 */
const void *ring_take(struct ring *r, const struct ring_record *record);
/* Drops everything up to head. */
void ring_skip_all(struct ring *r);
/* Gives the space of all records taken so far back to the kernel. */
void ring_release(struct ring *r);

#endif
