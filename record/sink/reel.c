/*
 *	bytes: ....[chunk][chunk][chunk]......[chunk]--    a ring; a chunk that does not fit before
 *	           newest ^          oldest ^         end  the end begins at 0
 */
#include "record/sink/reel.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/pages.h"
#include "common/format/chunk.h"

enum { CHUNKS_MAX = 1 << 16, SPANS_MAX = 1 << 12, PAGE = 4096 };

struct kept_chunk {
	uint64_t off;
	uint32_t n;
};

struct span {
	uint64_t from_ns, first; /* number of its first chunk */
	struct record_counters counters;
};

struct reel {
	uint64_t cap, keep_ns;
	/* number % CHUNKS_MAX; whole pages, given back as the bytes are */
	struct kept_chunk chunk[CHUNKS_MAX] __attribute__((aligned(PAGE)));
	uint64_t first, end;
	struct span span[SPANS_MAX] __attribute__((aligned(PAGE))); /* number % SPANS_MAX */
	uint64_t first_span, end_span;
	uint64_t head; /* where the next chunk goes */
	uint8_t bytes[];
};

struct reel *reel_new(uint64_t bytes, uint64_t keep_ns, struct err *err)
{
	struct reel *r = pages_reserve(sizeof(*r) + bytes);

	if (!r) {
		err_set(err, -ENOMEM, "no memory to keep %llu bytes", (unsigned long long)bytes);
		return NULL;
	}
	r->cap = bytes;
	r->keep_ns = keep_ns;
	return r;
}

void reel_free(struct reel *r)
{
	if (r)
		pages_free(r, sizeof(*r) + r->cap);
}

static const struct kept_chunk *chunk_at(const struct reel *r, uint64_t number)
{
	return &r->chunk[number % CHUNKS_MAX];
}

static struct span *span_at(struct reel *r, uint64_t number)
{
	return &r->span[number % SPANS_MAX];
}

/*
 * Whole pages between two offsets, none of which is in use. The first page goes too when only what
 * was dropped before lies in front of `from` in it.
 */
static void give_back(struct reel *r, uint64_t from, uint64_t to)
{
	uintptr_t base = (uintptr_t)r->bytes, end = (base + to) & ~(uintptr_t)(PAGE - 1);
	uintptr_t begin = (base + from) & ~(uintptr_t)(PAGE - 1);

	if (begin < base || (base + r->head > begin && r->head <= from))
		begin = (base + from + PAGE - 1) & ~(uintptr_t)(PAGE - 1);
	if (begin < end)
		madvise((void *)begin, end - begin, MADV_DONTNEED);
}

/* [from, to) of the ring was dropped. */
static void give_back_ring(struct reel *r, uint64_t from, uint64_t to)
{
	if (from <= to) {
		give_back(r, from, to);
		return;
	}
	give_back(r, from, r->cap);
	give_back(r, 0, to);
}

/*
 * Of a table that numbers go round in: pages of the elements [from, to), which were dropped. The
 * page of `to` stays. Nearly full, the newest may lie in the first one.
 */
static void give_back_table(void *table, size_t size, uint64_t n, uint64_t from, uint64_t to,
			    uint64_t end)
{
	uint64_t begin = from % n * size / PAGE * PAGE, stop = to % n * size / PAGE * PAGE;

	if (end - from > n - 2 * PAGE / size || begin == stop)
		return;
	if (stop < begin) {
		pages_forget((uint8_t *)table, stop);
		stop = n * size;
	}
	pages_forget((uint8_t *)table + begin, stop - begin);
}

static void drop_span(struct reel *r)
{
	uint64_t from = r->first == r->end ? r->head : chunk_at(r, r->first)->off;
	uint64_t first = r->first;

	give_back_table(r->span, sizeof(*r->span), SPANS_MAX, r->first_span, r->first_span + 1,
			r->end_span);
	r->first_span++;
	r->first = r->first_span == r->end_span ? r->end : span_at(r, r->first_span)->first;
	uint64_t to = r->first == r->end ? r->head : chunk_at(r, r->first)->off;
	give_back_ring(r, from, to);
	give_back_table(r->chunk, sizeof(*r->chunk), CHUNKS_MAX, first, r->first, r->end);
}

static uint64_t n_spans(const struct reel *r)
{
	return r->end_span - r->first_span;
}

void reel_begin_span(struct reel *r, uint64_t now_ns, const struct record_counters *counters)
{
	if (n_spans(r) == SPANS_MAX)
		drop_span(r);
	*span_at(r, r->end_span++) =
		(struct span){ .from_ns = now_ns, .first = r->end, .counters = *counters };
	/* The span that reaches back across the limit is the first that stays. */
	while (r->keep_ns && n_spans(r) > 1 &&
	       span_at(r, r->first_span + 1)->from_ns + r->keep_ns <= now_ns)
		drop_span(r);
}

/* Where n bytes can go in one piece; false: nowhere. */
static bool find_room(const struct reel *r, size_t n, uint64_t *ret)
{
	if (r->first == r->end) {
		*ret = 0;
		return n <= r->cap;
	}
	uint64_t tail = chunk_at(r, r->first)->off;
	if (r->head > tail) {
		*ret = r->cap - r->head >= n ? r->head : 0;
		return r->cap - r->head >= n || tail >= n;
	}
	*ret = r->head;
	return tail - r->head >= n;
}

int reel_put(void *ctx, const void *bytes, size_t n)
{
	struct reel *r = ctx;
	struct chunk_header header;
	uint64_t file_id, off;

	if (n < CHUNK_HEADER_BYTES || chunk_header_get(bytes, &header, &file_id) ||
	    (header.type != CHUNK_KEYFRAME && header.type != CHUNK_EVENTS))
		return 0;
	while (!find_room(r, n, &off) || r->end - r->first == CHUNKS_MAX) {
		if (n_spans(r) < 2)
			return -ENOSPC;
		drop_span(r);
	}
	memcpy(r->bytes + off, bytes, n);
	r->chunk[r->end++ % CHUNKS_MAX] = (struct kept_chunk){ .off = off, .n = (uint32_t)n };
	r->head = off + n;
	return 0;
}

uint64_t reel_first(const struct reel *r)
{
	return r->first;
}

uint64_t reel_end(const struct reel *r)
{
	return r->end;
}

const void *reel_get(const struct reel *r, uint64_t number, size_t *ret_n)
{
	const struct kept_chunk *chunk = chunk_at(r, number);

	*ret_n = chunk->n;
	return r->bytes + chunk->off;
}

uint64_t reel_since_ns(const struct reel *r)
{
	return n_spans(r) ? r->span[r->first_span % SPANS_MAX].from_ns : 0;
}

const struct record_counters *reel_since(const struct reel *r)
{
	return &r->span[r->first_span % SPANS_MAX].counters;
}
