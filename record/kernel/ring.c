/*
 * data_tail moves when a round ends, or when an eighth of the ring was taken: not for each
 * record.
 */
#include "record/kernel/ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/bits.h"
#include "common/base/err.h"
#include "record/kernel/decode.h"

int ring_map(struct ring *r, int fd, size_t size_bytes, struct err *err)
{
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);

	*r = (struct ring){ 0 };
	uint8_t *bounce = aligned_alloc(8, DECODE_RECORD_MAX);
	if (!bounce)
		return err_set(err, -ENOMEM, "no memory for %d bytes", DECODE_RECORD_MAX);
	void *base = mmap(NULL, page_bytes + size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED) {
		int code = -errno;

		free(bounce);
		return err_set(err, code, "cannot map a ring of %zu KiB: %s", size_bytes >> 10,
			       strerror(-code));
	}
	r->page = base;
	r->data = (const uint8_t *)base + page_bytes;
	r->size = size_bytes;
	r->bounce = bounce;
	r->mapped = true;
	return 0;
}

void ring_init(struct ring *r, const void *data, uint64_t size, uint64_t tail, uint64_t head,
	       void *bounce)
{
	*r = (struct ring){
		.data = data,
		.size = size,
		.head = head,
		.at = tail,
		.released = tail,
		.bounce = bounce,
	};
}

void ring_done(struct ring *r)
{
	if (!r->mapped)
		return;
	munmap(r->page, (size_t)(r->data - (const uint8_t *)r->page) + r->size);
	free(r->bounce);
	*r = (struct ring){ 0 };
}

void ring_look(struct ring *r)
{
	if (r->page)
		r->head = __atomic_load_n(&r->page->data_head, __ATOMIC_ACQUIRE);
}

/* Bytes at a place of the ring, which may run over its end. */
static void copy_out(const struct ring *r, uint64_t from, void *to, size_t n)
{
	uint64_t off = from & (r->size - 1);
	size_t first = MIN(n, r->size - off);

	memcpy(to, r->data + off, first);
	memcpy((uint8_t *)to + first, r->data, n - first);
}

enum ring_peek ring_peek(const struct ring *r, struct ring_record *ret)
{
	uint64_t used = ring_used(r);

	if (!used)
		return RING_EMPTY;
	if (used > r->size || used < sizeof(ret->header) || r->at % 8)
		return RING_DAMAGED;
	copy_out(r, r->at, &ret->header, sizeof(ret->header));
	if (ret->header.size < sizeof(ret->header) || ret->header.size > used ||
	    ret->header.size % 8)
		return RING_DAMAGED;
	size_t off = decode_time_offset(&ret->header);
	ret->time_ns = 0;
	if (off)
		copy_out(r, r->at + off, &ret->time_ns, sizeof(ret->time_ns));
	return RING_RECORD;
}

const void *ring_take(struct ring *r, const struct ring_record *record)
{
	uint64_t off = r->at & (r->size - 1);
	const void *bytes = r->data + off;

	if (off + record->header.size > r->size) {
		copy_out(r, r->at, r->bounce, record->header.size);
		bytes = r->bounce;
	}
	r->at += record->header.size;
	return bytes;
}

uint64_t ring_last_ns(const struct ring *r)
{
	struct ring at = *r;
	struct ring_record record = { .time_ns = 0 };

	while (ring_peek(&at, &record) == RING_RECORD)
		at.at += record.header.size;
	return record.time_ns;
}

void ring_skip_all(struct ring *r)
{
	r->at = r->head;
}

void ring_release(struct ring *r)
{
	if (r->page && r->released != r->at)
		__atomic_store_n(&r->page->data_tail, r->at, __ATOMIC_RELEASE);
	r->released = r->at;
}
