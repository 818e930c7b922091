/*
 * Files of one recording -> one recording. The first pass (part.h) has looked at each; here it is
 * found out how they go on in each other.
 */
#include "report/read/chunks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "report/read/chunks_state.h"

/* ---- damage ---- */

/* "'rec.000002': REASON", if there are several. */
static void put_reason(const struct chunks *r, uint32_t part, const char *reason, char *ret,
		       size_t n)
{
	const char *slash = strrchr(r->part[part].path, '/');

	if (r->n_parts > 1)
		snprintf(ret, n, "'%.100s': %s", slash ? slash + 1 : r->part[part].path, reason);
	else
		snprintf(ret, n, "%s", reason);
}

/* Objects are asked for after the last event too: the state goes along. */
void chunks_bad(void *chunks, uint32_t part, const struct chunk *chunk, const char *reason)
{
	struct chunks *r = chunks;
	char text[256];

	if (!part_is_bad(&r->part[part], chunk))
		return;
	put_reason(r, part, reason, text, sizeof(text));
	damages_add_chunk(&r->base.damages, chunk, text);
	r->base.state.n_damaged = r->base.damages.n;
	r->base.state.damaged_bytes = r->base.damages.bytes;
}

static void take_damages(struct chunks *r, uint32_t part)
{
	struct damages *from = &r->part[part].damages, *to = &r->base.damages;

	for (size_t i = 0; i < from->n_items; i++) {
		const struct damage *d = &from->item[i];
		struct damage *added;
		char text[256];

		put_reason(r, part, d->reason, text, sizeof(text));
		added = damages_add(to, d->off, d->bytes, text);
		if (!added)
			continue;
		added->from_ns = d->from_ns;
		added->to_ns = d->to_ns;
		to->bytes -= d->bytes;
		to->n--;
	}
	to->n += from->n;
	to->bytes += from->bytes;
	damages_done(from);
}

/* ---- how parts go on in each other ---- */

static void put_holes(struct chunks *r, uint32_t at)
{
	const struct part *p = &r->part[at], *before = p - 1;
	uint32_t from = part_number(before) + 1, to = part_number(p) - 1;
	uint64_t next_ns = p->state_ns ? p->state_ns : p->first_ns;
	char text[160];
	struct damage *hole;

	if (!part_number(before) || from > to)
		snprintf(text, sizeof(text), "between two files");
	else if (from == to)
		snprintf(text, sizeof(text), "segment %" PRIu32 " is not among the files", from);
	else
		snprintf(text, sizeof(text),
			 "segments %" PRIu32 " to %" PRIu32 " are not among the files", from, to);
	hole = damages_add(&r->base.holes, 0, 0, text);
	if (!hole)
		return;
	hole->from_ns = before->latest_ns;
	hole->to_ns = MAX(next_ns, before->latest_ns);
}

/*
 * The part goes on behind the one before when that one's last events are in it too, or when it
 * begins with the state as of that one's end.
 */
static void join(struct chunks *r, uint32_t at, const struct map *seen)
{
	struct part *p = &r->part[at], *before = p - 1;
	const struct part_chunks *events = &before->events;
	uint64_t last = 0;

	for (size_t i = 0; i < p->events.n; i++)
		if (map_find(seen, p->events.item[i].print | 1)) {
			p->repeat_end = p->events.item[i].file_off + 1;
			last = p->events.item[i].print;
		}
	if (p->repeat_end)
		p->follows = events->n && events->item[events->n - 1].print == last;
	else
		p->follows = before->end_ns && before->end_ns == p->state_ns;
	if (!p->repeat_end && !p->follows)
		put_holes(r, at);
}

static void join_all(struct chunks *r)
{
	struct map seen;

	map_init(&seen);
	for (uint32_t i = 0; i < r->n_parts; i++) {
		const struct part_chunks *events = &r->part[i].events;

		if (i)
			join(r, i, &seen);
		for (size_t e = 0; r->n_parts > 1 && e < events->n; e++)
			*map_put(&seen, events->item[e].print | 1, NULL) = 1;
	}
	map_done(&seen);
}

/* ---- facts ---- */

static void add_places(struct chunk_places *to, struct map *seen, uint32_t part,
		       const struct part_chunks *from)
{
	for (size_t i = 0; i < from->n; i++) {
		bool is_new;

		map_put(seen, from->item[i].print | 1, &is_new);
		if (!is_new)
			continue;
		mem_grow(&to->item, &to->cap, to->n + 1, sizeof(*to->item));
		to->item[to->n++] = (struct chunk_place){ part, from->item[i].file_off };
	}
}

static void put_number(struct buf *text, uint32_t from, uint32_t to)
{
	buf_printf(text, text->n ? ", %" PRIu32 : "%" PRIu32, from);
	if (to > from)
		buf_printf(text, "-%" PRIu32, to);
}

/* "1-2, 4-60" */
static void put_numbers(const struct chunks *r, struct buf *text)
{
	uint32_t from = 0, to = 0;

	for (uint32_t i = 0; i < r->n_parts; i++) {
		uint32_t number = part_number(&r->part[i]);

		if (!number || (from && number == to))
			continue;
		if (from && number != to + 1)
			put_number(text, from, to);
		if (!from || number != to + 1)
			from = number;
		to = number;
	}
	if (from)
		put_number(text, from, to);
}

/* The first file's; segments' numbers are of all. */
static void take_manifest(struct chunks *r, const struct part *p)
{
	const char *at = (const char *)p->manifest.data;
	struct buf numbers;

	buf_init(&numbers);
	put_numbers(r, &numbers);
	for (uint32_t i = 0; i < p->n_pairs; i++) {
		const char *key = at, *value = at + strlen(at) + 1;

		recording_add_manifest(&r->base, key,
				       strcmp(key, "segment") ? value : buf_text(&numbers));
		at = value + strlen(value) + 1;
	}
	buf_done(&numbers);
}

static void take_sources(struct chunks *r, const struct part *p)
{
	for (uint32_t i = 0; i < p->n_sources; i++)
		if (!recording_source(&r->base, p->source[i].index))
			recording_set_source(&r->base, p->source[i].index, &p->source[i].about);
}

static void take_state(struct chunks *r, const struct part *p)
{
	struct recording_state *s = &r->base.state;

	s->file_bytes += p->file_bytes;
	s->n_chunks += p->n_chunks;
	s->header_ok |= p->header_ok;
	if (!p->first_ns)
		return;
	s->first_ns = s->first_ns ? MIN(s->first_ns, p->first_ns) : p->first_ns;
	s->last_ns = MAX(s->last_ns, p->last_ns);
}

static void take_parts(struct chunks *r)
{
	struct map seen;

	map_init(&seen);
	for (uint32_t i = 0; i < r->n_parts; i++) {
		const struct part *p = &r->part[i];

		if (!r->base.n_manifest)
			take_manifest(r, p);
		if (!r->base.machine)
			r->base.machine = p->machine;
		take_sources(r, p);
		take_state(r, p);
		add_places(&r->kernel, &seen, i, &p->kernel);
		add_places(&r->jit, &seen, i, &p->jit);
		for (size_t c = 0; c < p->objects.n; c++)
			object_index_add(&r->objects, i, p->objects.item[c].file_off,
					 p->objects.item[c].print);
		take_damages(r, i);
	}
	map_done(&seen);
}

/* ---- life ---- */

static void chunks_close(struct recording *recording)
{
	struct chunks *r = (struct chunks *)recording;

	ahead_free(r->ahead);
	object_index_done(&r->objects);
	record_decoder_free(r->decoder);
	chunk_reader_free(r->reader);
	chunk_reader_free(r->side);
	free(r->kernel.item);
	free(r->jit.item);
	for (uint32_t i = 0; i < r->n_parts; i++)
		part_done(&r->part[i]);
	free(r->part);
	recording_done(recording);
	free(r);
}

const struct recording_kind chunks_kind = {
	.close = chunks_close,
	.next = chunks_next,
	.rewind = chunks_rewind,
	.image = chunks_image,
	.forget_image = chunks_forget_image,
	.each_kernel_symbol = chunks_each_kernel_symbol,
	.each_jit = chunks_each_jit,
};

struct recording *chunks_open(struct part *part, uint32_t n)
{
	struct chunks *r = mem_zalloc(sizeof(*r));

	recording_init(&r->base, &chunks_kind, -1);
	r->part = part;
	r->n_parts = n;
	r->base.state.n_files = n;
	r->decoder = record_decoder_new(MACHINE_X86_64);
	map_init(&r->objects.first);
	r->objects.reader = chunks_side;
	r->objects.bad = chunks_bad;
	r->objects.ctx = r;
	join_all(r);
	take_parts(r);
	chunks_rewind(&r->base);
	return &r->base;
}
