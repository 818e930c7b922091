/*
 * Texts and frames are found again through tables of their own (open addressing, 32-bit indices, a
 * quarter empty at least). Addresses are only gathered: finishing merges the rising runs they came
 * in, which is one pass for addresses in order and two for old answers beside new ones.
 */
#include "report/symbol/answer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/format/crc.h"
#include "report/symbol/answer_layout.h"

enum { TABLE_MIN = 256 };

/* Index plus 1 of a thing whose hash leads here; 0: free. */
struct table {
	uint32_t *slot;
	uint32_t *hash; /* of each thing, by its number */
	size_t hash_cap;
	uint32_t n, mask;
};

struct entry {
	uint64_t addr;
	int64_t rank; /* of two entries for one address the higher stays */
	uint32_t first;
};

struct answers_builder {
	struct buf text;
	uint32_t *text_at; /* offset of each text, by its number */
	size_t text_cap;
	struct table texts;
	struct answer_frame *frame;
	uint16_t *depth; /* of each frame: frames from it to its outermost caller */
	size_t frame_cap, depth_cap;
	struct table frames; /* frames.n frames */
	struct entry *entry;
	size_t n, entry_cap;
	int64_t newest, oldest; /* ranks given out; see answers_add_all */
};

/* ---- tables ---- */

static uint32_t hash_bytes(const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	uint64_t h = n * UINT64_C(0x9e3779b97f4a7c15), word;

	for (; n >= 8; p += 8, n -= 8) {
		memcpy(&word, p, 8);
		h = (h ^ word) * UINT64_C(0x9fb21c651e98df25);
		h ^= h >> 32;
	}
	word = 0;
	memcpy(&word, p, n);
	h = (h ^ word) * UINT64_C(0x9fb21c651e98df25);
	return (uint32_t)(h >> 32);
}

static void table_resize(struct table *t, uint32_t size)
{
	free(t->slot);
	t->slot = mem_zalloc(size * sizeof(*t->slot));
	t->mask = size - 1;
	for (uint32_t i = 0; i < t->n; i++) {
		uint32_t at = t->hash[i] & t->mask;

		while (t->slot[at])
			at = (at + 1) & t->mask;
		t->slot[at] = i + 1;
	}
}

/* Another thing, number t->n, at the slot where looking for it ended. */
static uint32_t table_add(struct table *t, uint32_t at, uint32_t hash)
{
	mem_grow(&t->hash, &t->hash_cap, t->n + (size_t)1, sizeof(*t->hash));
	t->hash[t->n] = hash;
	t->slot[at] = t->n + 1;
	return t->n++;
}

static void table_reserve(struct table *t)
{
	if (!t->slot || (uint64_t)t->n * 4 >= (uint64_t)t->mask * 3)
		table_resize(t, t->slot ? (t->mask + 1) * 2 : TABLE_MIN);
}

static void table_done(struct table *t)
{
	free(t->slot);
	free(t->hash);
}

/* ---- texts and frames ---- */

struct answers_builder *answers_builder_new(void)
{
	struct answers_builder *b = mem_zalloc(sizeof(*b));

	buf_init(&b->text);
	answers_text_put(b, "", 0); /* offset 0 */
	return b;
}

void answers_builder_free(struct answers_builder *b)
{
	if (!b)
		return;
	buf_done(&b->text);
	free(b->text_at);
	table_done(&b->texts);
	free(b->frame);
	free(b->depth);
	table_done(&b->frames);
	free(b->entry);
	free(b);
}

void answers_reserve(struct answers_builder *b, uint32_t n)
{
	uint64_t size = TABLE_MIN, frames = (uint64_t)b->frames.n + n;

	mem_grow(&b->entry, &b->entry_cap, b->n + n, sizeof(*b->entry));
	mem_grow(&b->frame, &b->frame_cap, frames, sizeof(*b->frame));
	mem_grow(&b->depth, &b->depth_cap, frames, sizeof(*b->depth));
	mem_grow(&b->frames.hash, &b->frames.hash_cap, frames, sizeof(*b->frames.hash));
	while (size * 3 <= frames * 4)
		size *= 2;
	if (size <= UINT32_MAX / 2 && (!b->frames.slot || size > (uint64_t)b->frames.mask + 1))
		table_resize(&b->frames, (uint32_t)size);
}

static bool same_text(const struct answers_builder *b, uint32_t number, const char *text, size_t n)
{
	const char *have = b->text.data + b->text_at[number];

	return b->text.n - b->text_at[number] > n && !memcmp(have, text, n) && !have[n];
}

uint32_t answers_text_put(struct answers_builder *b, const char *text, size_t n)
{
	struct table *t = &b->texts;
	uint32_t hash, at, number;

	if (!n && b->text.n) /* text may be NULL then; "" is the first of all */
		return 0;
	n = strnlen(text, n < ANSWER_TEXT_MAX ? n : ANSWER_TEXT_MAX);
	hash = hash_bytes(text, n);
	table_reserve(t);
	for (at = hash & t->mask; t->slot[at]; at = (at + 1) & t->mask) {
		number = t->slot[at] - 1;
		if (t->hash[number] == hash && same_text(b, number, text, n))
			return b->text_at[number];
	}
	if (b->text.n + n + 1 > UINT32_MAX)
		return 0;
	number = table_add(t, at, hash);
	mem_grow(&b->text_at, &b->text_cap, number + (size_t)1, sizeof(*b->text_at));
	b->text_at[number] = (uint32_t)b->text.n;
	buf_put(&b->text, text, n);
	buf_putc(&b->text, 0);
	return b->text_at[number];
}

uint32_t answers_frame_put(struct answers_builder *b, const struct answer_frame *frame)
{
	struct table *t = &b->frames;
	uint16_t depth = 1;
	uint32_t hash, at, number;

	assert(frame->caller == ANSWER_NONE || frame->caller < t->n);
	if (frame->caller != ANSWER_NONE) {
		if (b->depth[frame->caller] >= ANSWER_DEPTH_MAX)
			return frame->caller;
		depth += b->depth[frame->caller];
	}
	hash = hash_bytes(frame, sizeof(*frame));
	table_reserve(t);
	for (at = hash & t->mask; t->slot[at]; at = (at + 1) & t->mask) {
		number = t->slot[at] - 1;
		if (t->hash[number] == hash && !memcmp(&b->frame[number], frame, sizeof(*frame)))
			return number;
	}
	number = table_add(t, at, hash);
	mem_grow(&b->frame, &b->frame_cap, number + (size_t)1, sizeof(*b->frame));
	mem_grow(&b->depth, &b->depth_cap, number + (size_t)1, sizeof(*b->depth));
	b->frame[number] = *frame;
	b->depth[number] = depth;
	return number;
}

/* ---- addresses ---- */

static void put_entry(struct answers_builder *b, uint64_t addr, uint32_t first, int64_t rank)
{
	assert(first == ANSWER_NONE || first < b->frames.n);
	mem_grow(&b->entry, &b->entry_cap, b->n + 1, sizeof(*b->entry));
	b->entry[b->n++] = (struct entry){ .addr = addr, .rank = rank, .first = first };
}

void answers_put(struct answers_builder *b, uint64_t addr, uint32_t first)
{
	put_entry(b, addr, first, ++b->newest);
}

/* Callers lie before what they called: one pass down finds all that is wanted, one up copies. */
static uint32_t *copy_frames(struct answers_builder *b, const struct answers *from)
{
	uint32_t *to = mem_zalloc((from->n_frames + (size_t)1) * sizeof(*to));

	for (uint32_t i = 0; i < from->n; i++)
		if (from->first[i] != ANSWER_NONE)
			to[from->first[i]] = 1;
	for (uint32_t i = from->n_frames; i-- > 0;)
		if (to[i] && from->frame[i].caller != ANSWER_NONE)
			to[from->frame[i].caller] = 1;
	for (uint32_t i = 0; i < from->n_frames; i++) {
		struct answer_frame f = from->frame[i];
		const char *name = answers_text(from, f.name), *file = answers_text(from, f.file);

		if (!to[i])
			continue;
		f.name = answers_text_put(b, name, strlen(name));
		f.file = answers_text_put(b, file, strlen(file));
		if (f.caller != ANSWER_NONE)
			f.caller = to[f.caller];
		to[i] = answers_frame_put(b, &f);
	}
	return to;
}

void answers_add_all(struct answers_builder *b, const struct answers *from)
{
	uint32_t *to = copy_frames(b, from);

	b->oldest--; /* below all that was put, and below what was added earlier */
	for (uint32_t i = 0; i < from->n; i++)
		put_entry(b, from->addr[i],
			  from->first[i] == ANSWER_NONE ? ANSWER_NONE : to[from->first[i]],
			  b->oldest);
	free(to);
}

static bool is_before(const struct entry *a, const struct entry *b)
{
	return a->addr != b->addr ? a->addr < b->addr : a->rank < b->rank;
}

static size_t run_end(const struct entry *e, size_t from, size_t n)
{
	if (from >= n)
		return n;
	for (from++; from < n && !is_before(&e[from], &e[from - 1]);)
		from++;
	return from;
}

static void merge(const struct entry *e, size_t a, size_t mid, size_t end, struct entry *to)
{
	size_t b = mid;

	for (size_t i = a; i < end; i++)
		to[i] = e[b < end && (a == mid || is_before(&e[b], &e[a])) ? b++ : a++];
}

static void sort_entries(struct answers_builder *b)
{
	struct entry *other;

	if (run_end(b->entry, 0, b->n) == b->n)
		return;
	other = mem_alloc(b->n * sizeof(*other));
	while (run_end(b->entry, 0, b->n) < b->n) {
		struct entry *swap = b->entry;

		for (size_t a = 0; a < b->n;) {
			size_t mid = run_end(b->entry, a, b->n);
			size_t end = run_end(b->entry, mid, b->n);

			merge(b->entry, a, mid, end, other);
			a = end;
		}
		b->entry = other;
		other = swap;
	}
	free(other);
	b->entry_cap = b->n;
}

/* Sorted, and of one address only the entry of highest rank: the last. */
static void settle_entries(struct answers_builder *b)
{
	size_t n = 0;

	sort_entries(b);
	for (size_t i = 0; i < b->n; i++)
		if (i + 1 == b->n || b->entry[i + 1].addr != b->entry[i].addr)
			b->entry[n++] = b->entry[i];
	assert(n < UINT32_MAX);
	b->n = n;
}

void answers_finish(struct answers_builder *b, struct buf *ret)
{
	struct answer_layout at;
	struct answer_header h;
	uint64_t *addr;
	uint32_t *first, crc;
	uint8_t *base;

	settle_entries(b);
	at = answer_layout(b->n, b->frames.n, b->text.n);
	h = (struct answer_header){
		.magic = ANSWER_MAGIC,
		.version = ANSWER_VERSION,
		.n = (uint32_t)b->n,
		.n_frames = b->frames.n,
		.text_bytes = (uint32_t)b->text.n,
		.total_bytes = at.total,
	};
	buf_reset(ret);
	base = buf_grow(ret, at.total);
	memset(base + at.frame - 8, 0, 8); /* what alignment leaves between the parts */
	memcpy(base, &h, sizeof(h));
	addr = (uint64_t *)(base + at.addr);
	first = (uint32_t *)(base + at.first);
	for (size_t i = 0; i < b->n; i++) {
		addr[i] = b->entry[i].addr;
		first[i] = b->entry[i].first;
	}
	if (b->frames.n)
		memcpy(base + at.frame, b->frame, at.text - at.frame);
	memset(base + at.crc - 8, 0, 8);
	memcpy(base + at.text, b->text.data, b->text.n);
	crc = crc32c(base, at.crc);
	memcpy(base + at.crc, &crc, sizeof(crc));
	ret->n = at.total;
}
