/*
 *	bytes:   [chunk][chunk][chunk]......        in the order they came, gaps are closed at once
 *	chunk[]: where each is, of which tag        the same order
 *	met[]:   tag -> when it was last met        open addressing; tag 0: free
 *
 * Of met[] a part is used that doubles and halves with the number of tags, so that tags that come
 * and go do not touch all of it.
 */
#include "record/sink/larder.h"

#include <errno.h>
#include <string.h>

#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/pages.h"

enum { MET_MIN = 1 << 8, MET_MAX = 1 << 16 };

struct kept {
	uint64_t tag, off, came_ns;
	uint32_t stored_bytes, raw_bytes, n_records;
	uint16_t type;
	bool due; /* larder_next gives it */
};

struct met {
	uint64_t tag, last_ns;
	uint32_t used; /* number of the sweep that last found it in use */
	bool too_large, jit;
	bool ended; /* its process: of those that live nothing goes but for want of room */
	uint64_t stored_bytes; /* of its chunks so far */
};

struct larder {
	struct kept chunk[LARDER_CHUNKS_MAX];
	uint32_t n, n_due, due_from; /* none is due before it */
	struct met met[MET_MAX];
	uint32_t n_met, n_jit, met_mask, sweep; /* n_jit: of the met ones */
	size_t used;
	uint64_t n_gone;
	uint8_t bytes[LARDER_BYTES];
};

struct larder *larder_new(struct err *err)
{
	struct larder *l = pages_reserve(sizeof(*l));

	if (!l)
		err_set(err, -ENOMEM, "no memory for embedded files");
	else
		l->met_mask = MET_MIN - 1;
	return l;
}

void larder_free(struct larder *l)
{
	pages_free(l, sizeof(*l));
}

/* Its place, or the free one where it belongs. */
static struct met *find(struct larder *l, uint64_t tag)
{
	uint64_t i = hash_u64(tag) & l->met_mask;

	while (l->met[i].tag && l->met[i].tag != tag)
		i = (i + 1) & l->met_mask;
	return &l->met[i];
}

bool larder_meet(struct larder *l, uint64_t tag, uint64_t now_ns)
{
	struct met *met = find(l, tag);

	if (!met->tag)
		return false;
	met->last_ns = now_ns;
	return true;
}

/*
 * In place, under another mask or with new gaps: taken out one after the other, each finds its
 * place among those put back.
 */
static void settle_met(struct larder *l, uint32_t mask)
{
	uint32_t n = MAX(l->met_mask, mask) + 1;

	l->met_mask = mask;
	for (bool moved = true; moved;) {
		moved = false;
		for (uint32_t i = 0; i < n; i++) {
			struct met one = l->met[i];

			if (!one.tag)
				continue;
			l->met[i].tag = 0;
			struct met *at = find(l, one.tag);
			*at = one;
			moved |= at != &l->met[i];
		}
	}
}

static bool is_in_use(const struct larder *l, const struct met *met)
{
	return met->jit ? !met->ended : met->used == l->sweep;
}

/* Those met before go, but with `unused` only when nothing uses them. */
static bool drop_met(struct larder *l, uint64_t since_ns, bool unused)
{
	uint32_t n = 0, mask = l->met_mask;

	for (uint32_t i = 0; i <= mask; i++) {
		struct met *met = &l->met[i];

		if (met->tag && met->last_ns < since_ns && !(unused && is_in_use(l, met))) {
			l->n_jit -= met->jit;
			*met = (struct met){ .tag = 0 };
		}
		n += met->tag != 0;
	}
	if (n == l->n_met)
		return false;
	l->n_met = n;
	while (mask >= MET_MIN && n < mask / 8)
		mask /= 2;
	uint32_t from = mask + 1, to = l->met_mask + 1;
	settle_met(l, mask);
	pages_forget(l->met + from, (to - from) * sizeof(*l->met));
	return true;
}

static bool stays(struct larder *l, const struct kept *k, uint64_t since_ns)
{
	const struct met *met = find(l, k->tag);

	return met->tag && !met->too_large && (!met->jit || k->came_ns >= since_ns);
}

static void keep_chunks(struct larder *l, uint64_t since_ns)
{
	uint32_t n = 0;
	size_t used = 0;

	for (uint32_t i = 0; i < l->n; i++) {
		struct kept k = l->chunk[i];

		if (!stays(l, &k, since_ns)) {
			l->n_gone += (k.type == CHUNK_JIT);
			l->n_due -= k.due;
			continue;
		}
		memmove(l->bytes + used, l->bytes + k.off, k.stored_bytes);
		k.off = used;
		used += k.stored_bytes;
		l->chunk[n++] = k;
	}
	pages_forget(l->bytes + used, l->used - used);
	l->n = n;
	l->used = used;
	l->due_from = 0;
}

static uint64_t oldest_ns(const struct larder *l)
{
	uint64_t ns = UINT64_MAX;

	for (uint32_t i = 0; i <= l->met_mask; i++)
		if (l->met[i].tag)
			ns = MIN(ns, l->met[i].last_ns);
	for (uint32_t i = 0; i < l->n; i++)
		if (l->chunk[i].type == CHUNK_JIT)
			ns = MIN(ns, l->chunk[i].came_ns);
	return ns;
}

static bool has_room(const struct larder *l, size_t n)
{
	return l->used + n <= LARDER_BYTES && l->n < LARDER_CHUNKS_MAX && l->n_met < MET_MAX / 2;
}

/* The oldest quarter of the time goes, until a quarter of everything is free. */
static void make_room(struct larder *l, size_t n, uint64_t now_ns)
{
	while (!has_room(l, MAX(n, (size_t)LARDER_BYTES / 4)) || l->n > LARDER_CHUNKS_MAX / 4 * 3) {
		uint64_t from_ns = oldest_ns(l);

		if (from_ns == UINT64_MAX)
			return;
		uint64_t since_ns = from_ns + (now_ns > from_ns ? now_ns - from_ns : 0) / 4 + 1;
		drop_met(l, since_ns, false);
		keep_chunks(l, since_ns);
	}
}

static struct met *expect(struct larder *l, uint64_t tag, uint64_t now_ns)
{
	if (!has_room(l, 0))
		make_room(l, 0, now_ns);
	if (2 * (l->n_met + 1) > l->met_mask + 1 && l->met_mask < MET_MAX - 1)
		settle_met(l, l->met_mask * 2 + 1);
	struct met *met = find(l, tag);
	l->n_met += !met->tag;
	l->n_jit -= met->tag && met->jit;
	*met = (struct met){ .tag = tag, .last_ns = now_ns, .used = l->sweep };
	return met;
}

void larder_expect(struct larder *l, uint64_t tag, uint64_t now_ns)
{
	expect(l, tag, now_ns);
}

/* ---- code made at run time ---- */

bool larder_has_jit(const struct larder *l)
{
	return l->n_jit;
}

static void meet_jit(struct larder *l, uint64_t tag, uint64_t now_ns)
{
	struct met *met = find(l, tag);

	if (!met->tag) {
		met = expect(l, tag, now_ns);
		met->jit = true;
		l->n_jit++;
	}
	met->last_ns = now_ns;
}

void larder_end_process(struct larder *l, uint32_t pid, uint64_t now_ns)
{
	struct met *met = find(l, larder_jit_tag(pid));

	if (!met->tag)
		return;
	met->ended = true;
	met->last_ns = now_ns;
}

void larder_begin_process(struct larder *l, uint32_t pid)
{
	struct met *met = find(l, larder_jit_tag(pid));

	if (met->tag)
		met->ended = false;
}

/* ---- what is kept ---- */

bool larder_lacks_room_for(struct larder *l, uint64_t tag)
{
	return find(l, tag)->too_large;
}

/* Whether a chunk is wanted. One object is not to push out all the others. */
static bool is_welcome(struct larder *l, uint64_t tag, size_t stored_bytes)
{
	struct met *met = find(l, tag);

	if (met->jit)
		return true;
	if (!met->tag || met->too_large)
		return false;
	met->stored_bytes += stored_bytes;
	if (met->stored_bytes <= LARDER_OBJECT_BYTES)
		return true;
	met->too_large = true;
	keep_chunks(l, 0);
	return false;
}

void larder_begin_sweep(struct larder *l)
{
	l->sweep++;
}

void larder_use(struct larder *l, uint64_t tag)
{
	struct met *met = find(l, tag);

	if (met->tag)
		met->used = l->sweep;
}

void larder_forget(struct larder *l, uint64_t since_ns)
{
	if (drop_met(l, since_ns, true))
		keep_chunks(l, 0);
}

void larder_put(struct larder *l, enum chunk_type type, uint64_t tag, const void *stored,
		size_t stored_bytes, size_t raw_bytes, uint32_t n_records, uint64_t now_ns)
{
	if (type == CHUNK_JIT)
		meet_jit(l, tag, now_ns);
	if (!is_welcome(l, tag, stored_bytes))
		return;
	if (!has_room(l, stored_bytes))
		make_room(l, stored_bytes, now_ns);
	if (!has_room(l, stored_bytes) || !find(l, tag)->tag)
		return;
	memcpy(l->bytes + l->used, stored, stored_bytes);
	l->chunk[l->n++] = (struct kept){ .tag = tag,
					  .off = l->used,
					  .came_ns = now_ns,
					  .stored_bytes = (uint32_t)stored_bytes,
					  .raw_bytes = (uint32_t)raw_bytes,
					  .n_records = n_records,
					  .type = (uint16_t)type };
	l->used += stored_bytes;
}

static void want(struct larder *l, struct kept *k)
{
	l->n_due += !k->due;
	k->due = true;
	l->due_from = 0;
}

bool larder_want(struct larder *l, uint64_t tag)
{
	bool any = false;

	for (uint32_t i = 0; i < l->n; i++)
		if (l->chunk[i].tag == tag) {
			want(l, &l->chunk[i]);
			any = true;
		}
	return any;
}

void larder_want_jit(struct larder *l)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (l->chunk[i].type == CHUNK_JIT)
			want(l, &l->chunk[i]);
}

void larder_want_since(struct larder *l, uint64_t since_ns, uint32_t *ret_n_objects)
{
	uint64_t last_tag = 0;

	*ret_n_objects = 0;
	for (uint32_t i = 0; i < l->n; i++) {
		struct kept *k = &l->chunk[i];

		if (k->type != CHUNK_JIT && find(l, k->tag)->last_ns < since_ns)
			continue;
		*ret_n_objects += k->type != CHUNK_JIT && k->tag != last_tag;
		last_tag = k->tag;
		want(l, k);
	}
}

void larder_want_none(struct larder *l)
{
	for (uint32_t i = 0; i < l->n; i++)
		l->chunk[i].due = false;
	l->n_due = 0;
}

uint32_t larder_n_due(const struct larder *l)
{
	return l->n_due;
}

int larder_next(struct larder *l, larder_got *got, void *ctx)
{
	if (!l->n_due)
		return 0;
	while (!l->chunk[l->due_from].due)
		l->due_from++;
	struct kept *k = &l->chunk[l->due_from];
	struct larder_chunk chunk = { .type = k->type,
				      .tag = k->tag,
				      .stored = l->bytes + k->off,
				      .stored_bytes = k->stored_bytes,
				      .raw_bytes = k->raw_bytes,
				      .n_records = k->n_records };
	int r = got(ctx, &chunk);
	if (r < 0)
		return r;
	k->due = false;
	l->n_due--;
	return 1;
}

size_t larder_bytes(const struct larder *l)
{
	return l->used;
}

uint64_t larder_n_gone(const struct larder *l)
{
	return l->n_gone;
}
