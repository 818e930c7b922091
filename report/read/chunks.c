/*
 * Two passes. The first looks at chunk headers only: it finds damage with the times around it,
 * the places of embedded objects and kernel symbols, and loads the manifest. The second decodes
 * events, one chunk in memory at a time; what cannot be decoded there is damage too, known by the
 * chunk's own times.
 *
 * State after a gap: nothing said before holds. EVENT_GAP makes consumers forget; events go on;
 * the next whole keyframe brings the state back. Without gaps only the first keyframe is read.
 */
#include "report/read/chunks.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/map.h"
#include "common/format/file.h"
#include "report/read/ahead.h"
#include "report/read/damage.h"
#include "report/read/objects.h"
#include "report/read/recording.h"

struct chunks {
	struct recording base;
	struct chunk_reader *reader, *side; /* events; everything that is asked for in between */
	struct ahead *ahead;		    /* from the first event of the second pass on */
	bool ahead_tried;
	struct record_decoder *decoder;
	struct object_index objects;
	uint64_t *kernel; /* places of KERNEL chunks */
	size_t n_kernel, kernel_cap;
	uint64_t *jit; /* places of JIT chunks */
	size_t n_jit, jit_cap;
	struct map bad_chunks; /* place + 1 of chunks that did not check */

	/* second pass */
	uint64_t begin_off;
	struct chunk chunk;
	bool in_chunk, in_keyframe;
	bool want_keyframe; /* state is not known: the next whole group is delivered */
	bool in_group;	    /* of keyframes, from its first on */
	bool gap;	    /* something was lost since the last event */
	bool held;	    /* `chunk` is read, but a gap is to be told first */
	uint64_t sequence;  /* expected next; UINT64_MAX: not known */
	uint64_t n_missing, last_ns, n_samples;
	struct record record;
	struct event gap_event;
};

/* ---- first pass ---- */

static int got_manifest(void *ctx, const char *key, const char *value)
{
	return recording_add_manifest(ctx, key, value) ? 0 : -1;
}

/* A chunk that cannot be used, told once. Its header is sound: it says when. */
static void chunk_is_bad(void *ctx, const struct chunk *chunk, const char *reason)
{
	struct chunks *r = ctx;
	struct damage *d;
	bool new;

	map_put(&r->bad_chunks, chunk->file_off + 1, &new);
	if (!new)
		return;
	d = damages_add(&r->base.damages, chunk->file_off,
			CHUNK_HEADER_BYTES + chunk->header.stored_bytes, reason);
	if (d) {
		d->from_ns = chunk->header.first_ns;
		d->to_ns = chunk->header.last_ns;
	}
	/* objects are asked for after the last event too */
	r->base.state.n_damaged = r->base.damages.n;
	r->base.state.damaged_bytes = r->base.damages.bytes;
}

static bool chunk_load(struct chunks *r, struct chunk_reader *reader, struct chunk *chunk)
{
	struct err err = { 0 };

	if (chunk_reader_load(reader, chunk, &err) == 0)
		return true;
	chunk_is_bad(r, chunk, err.text);
	return false;
}

static bool has_times(const struct chunk_header *h)
{
	return h->type == CHUNK_EVENTS && h->last_ns;
}

static void note_times(struct recording_state *s, const struct chunk_header *h)
{
	if (!has_times(h))
		return;
	s->first_ns = s->first_ns ? MIN(s->first_ns, h->first_ns) : h->first_ns;
	s->last_ns = MAX(s->last_ns, h->last_ns);
}

/* The registers' machine and the sources stand in the first chunk of events or state. */
static void note_first_records(struct chunks *r, struct chunk *chunk)
{
	if (r->base.machine || !chunk_load(r, r->reader, chunk) || !chunk->header.raw_bytes)
		return;
	record_decoder_begin(r->decoder, &chunk->header, chunk->raw, chunk->header.raw_bytes);
	r->base.machine = record_decoder_machine(r->decoder);
	while (record_decoder_next(r->decoder, &r->record, NULL) == RECORD_SOURCE) {
		recording_set_source(&r->base, r->record.source_index, &r->record.source);
	}
	record_decoder_begin(r->decoder, &chunk->header, chunk->raw, 0);
}

static void note_chunk(struct chunks *r, struct chunk *chunk)
{
	struct err err = { 0 };

	r->base.state.n_chunks++;
	note_times(&r->base.state, &chunk->header);
	switch (chunk->header.type) {
	case CHUNK_MANIFEST:
		if (chunk_load(r, r->reader, chunk) &&
		    manifest_decode(chunk->raw, chunk->header.raw_bytes, got_manifest, r, &err) ==
			    -EBADMSG)
			chunk_is_bad(r, chunk, err.text);
		break;
	case CHUNK_KEYFRAME:
	case CHUNK_EVENTS:
		note_first_records(r, chunk);
		break;
	case CHUNK_OBJECT:
		object_index_add(&r->objects, chunk);
		break;
	case CHUNK_KERNEL:
		mem_grow(&r->kernel, &r->kernel_cap, r->n_kernel + 1, sizeof(*r->kernel));
		r->kernel[r->n_kernel++] = chunk->file_off;
		break;
	case CHUNK_JIT:
		mem_grow(&r->jit, &r->jit_cap, r->n_jit + 1, sizeof(*r->jit));
		r->jit[r->n_jit++] = chunk->file_off;
		break;
	default:
		break;
	}
}

/* Where chunks are missing though the bytes around it are sound. */
static void note_sequence(struct chunks *r, const struct chunk *chunk, uint64_t expected,
			  uint64_t last_ns)
{
	uint64_t n = chunk->header.sequence - expected;
	char reason[80];
	struct damage *d;

	if (!n)
		return;
	snprintf(reason, sizeof(reason), "%" PRIu64 " chunks missing: never written, or cut out",
		 n);
	d = damages_add(&r->base.damages, chunk->file_off, 0, reason);
	if (d) {
		d->from_ns = last_ns;
		d->to_ns = has_times(&chunk->header) ? chunk->header.first_ns : 0;
	}
}

static void first_pass(struct chunks *r)
{
	struct chunk chunk;
	enum chunk_read read;
	uint64_t last_ns = 0, expected = 0;
	size_t open_damage = SIZE_MAX; /* waits for the time after it */
	bool after_damage = false;

	while ((read = chunk_reader_next(r->reader, &chunk)) != CHUNK_READ_END) {
		if (read == CHUNK_READ_DAMAGE) {
			struct damage *d = damages_add(&r->base.damages, chunk.file_off,
						       chunk.damage_bytes, chunk.reason);

			if (d) {
				d->from_ns = last_ns;
				open_damage = MIN(open_damage, r->base.damages.n_items - 1);
			}
			after_damage = true;
			continue;
		}
		if (has_times(&chunk.header)) {
			for (; open_damage < r->base.damages.n_items; open_damage++)
				if (!r->base.damages.item[open_damage].to_ns)
					r->base.damages.item[open_damage].to_ns =
						chunk.header.first_ns;
			open_damage = SIZE_MAX;
			last_ns = chunk.header.last_ns;
		}
		if (!after_damage)
			note_sequence(r, &chunk, expected, last_ns);
		after_damage = false;
		expected = chunk.header.sequence + 1;
		note_chunk(r, &chunk);
	}
}

/* ---- second pass ---- */

static void chunks_rewind(struct recording *recording)
{
	struct chunks *r = (struct chunks *)recording;

	chunk_reader_seek(r->reader, r->begin_off);
	ahead_free(r->ahead);
	r->ahead = NULL;
	r->ahead_tried = false;
	r->in_chunk = r->in_keyframe = r->in_group = r->gap = r->held = false;
	r->want_keyframe = true;
	r->sequence = 0;
	r->n_missing = r->last_ns = r->n_samples = 0;
	r->base.state.n_events_read = 0;
	r->base.state.samples_unreadable = 0;
	r->base.state.ended = false;
	memset(&r->base.state.counters, 0, sizeof(r->base.state.counters));
}

/* Events are lost here, unless the chunk held none. */
static void chunk_lost(struct chunks *r, const struct chunk_header *h)
{
	if (h->type == CHUNK_EVENTS) {
		r->gap = true;
		r->n_missing++;
	}
	if (h->type == CHUNK_KEYFRAME)
		r->in_group = false; /* not whole: the next group has to do */
}

static bool keyframe_wanted(struct chunks *r, const struct chunk_header *h)
{
	if (h->flags & CHUNK_FLAG_FIRST)
		r->in_group = r->want_keyframe;
	if (!r->in_group)
		return false;
	if (h->flags & CHUNK_FLAG_LAST) {
		r->in_group = false;
		r->want_keyframe = false;
	}
	return true;
}

/* The next chunk of events, state or the end into r->chunk. False: no more. */
static bool next_chunk(struct chunks *r)
{
	enum chunk_read read;

	while ((read = chunk_reader_next(r->reader, &r->chunk)) != CHUNK_READ_END) {
		const struct chunk_header *h = &r->chunk.header;

		if (read == CHUNK_READ_DAMAGE)
			continue; /* the sequence says how much is missing */
		if (h->sequence != r->sequence) {
			r->gap = true;
			r->n_missing += h->sequence - r->sequence;
			r->in_group = false;
		}
		r->sequence = h->sequence + 1;
		if (h->type == CHUNK_EVENTS || h->type == CHUNK_END)
			return true;
		if (h->type == CHUNK_KEYFRAME && (r->gap || r->want_keyframe))
			return true;
	}
	return false;
}

static const struct event *gap_event(struct chunks *r)
{
	const struct chunk_header *h = &r->chunk.header;
	uint64_t to_ns = h->type == CHUNK_KEYFRAME ? h->last_ns : h->first_ns;

	r->gap_event = (struct event){ .type = EVENT_GAP, .time_ns = to_ns ? to_ns : r->last_ns };
	r->gap_event.gap = (struct event_gap){ .n_chunks = r->n_missing,
					       .from_ns = r->last_ns,
					       .to_ns = to_ns };
	r->gap = false;
	r->n_missing = 0;
	r->want_keyframe = true;
	return &r->gap_event;
}

/* Contents of r->chunk, from the thread that reads ahead if it has them. */
static bool chunk_load_next(struct chunks *r)
{
	struct chunk *chunk = &r->chunk;

	if (chunk->header.type != CHUNK_EVENTS)
		return chunk_load(r, r->reader, chunk);
	if (!r->ahead_tried)
		r->ahead = ahead_new(r->base.fd, chunk->file_off);
	r->ahead_tried = true;
	chunk->raw = ahead_take(r->ahead, chunk);
	return chunk->raw || chunk_load(r, r->reader, chunk);
}

/* Begins decoding r->chunk; false: it was lost, or not wanted. */
static bool begin_chunk(struct chunks *r)
{
	struct chunk *chunk = &r->chunk;

	r->in_keyframe = chunk->header.type == CHUNK_KEYFRAME;
	if (r->in_keyframe && !keyframe_wanted(r, &chunk->header))
		return false;
	if (!chunk_load_next(r)) {
		chunk_lost(r, &chunk->header);
		if (r->in_keyframe)
			r->want_keyframe = true;
		return false;
	}
	if (chunk->header.type == CHUNK_END)
		r->base.state.ended = true;
	record_decoder_begin(r->decoder, &chunk->header, chunk->raw, chunk->header.raw_bytes);
	r->in_chunk = true;
	return true;
}

static void finish(struct chunks *r)
{
	uint64_t stored = r->base.state.counters.n[COUNTER_SAMPLES_STORED];

	r->base.state.samples_unreadable = stored > r->n_samples ? stored - r->n_samples : 0;
	r->base.state.n_damaged = r->base.damages.n;
	r->base.state.damaged_bytes = r->base.damages.bytes;
}

/* One step inside a chunk; NULL: go on. */
static const struct event *next_record(struct chunks *r)
{
	struct err err = { 0 };

	switch (record_decoder_next(r->decoder, &r->record, &err)) {
	case RECORD_EVENT:
		r->base.state.n_events_read++;
		r->n_samples += r->record.event.type == EVENT_SAMPLE;
		if (!r->in_keyframe)
			r->last_ns = r->record.event.time_ns;
		return &r->record.event;
	case RECORD_SOURCE:
		recording_change_source(&r->base, r->record.source_index, &r->record.source,
					r->chunk.header.first_ns);
		return NULL;
	case RECORD_UNSAMPLED:
		unsampled_set(&r->base.unsampled, &r->record.unsampled);
		return NULL;
	case RECORD_COUNTERS:
		r->base.state.counters = r->record.counters;
		return NULL;
	case RECORD_BAD:
		chunk_is_bad(r, &r->chunk, err.text);
		chunk_lost(r, &r->chunk.header);
		if (r->in_keyframe)
			r->want_keyframe = true;
		break;
	case RECORD_END:
		break;
	}
	r->in_chunk = false;
	return NULL;
}

static enum recording_next chunks_next(struct recording *recording, const struct event **ret)
{
	struct chunks *r = (struct chunks *)recording;

	for (;;) {
		if (r->in_chunk) {
			*ret = next_record(r);
			if (*ret)
				return RECORDING_EVENT;
			continue;
		}
		if (!r->held && !next_chunk(r)) {
			finish(r);
			return RECORDING_END;
		}
		r->held = r->gap; /* tell it first, then come back to this chunk */
		if (r->gap) {
			*ret = gap_event(r);
			return RECORDING_EVENT;
		}
		begin_chunk(r);
	}
}

/* ---- objects and kernel symbols ---- */

static const struct elf_image *chunks_image(struct recording *recording,
					    const struct object_key *key, unsigned int take,
					    const char **ret_reason)
{
	struct chunks *r = (struct chunks *)recording;

	return object_index_image(&r->objects, r->side, key, take, ret_reason);
}

static void chunks_forget_image(struct recording *recording, const struct elf_image *image)
{
	object_index_forget(&((struct chunks *)recording)->objects, image);
}

static const char *chunks_each_kernel_symbol(struct recording *recording, kernel_got *got,
					     void *ctx)
{
	struct chunks *r = (struct chunks *)recording;

	for (size_t i = 0; i < r->n_kernel; i++) {
		struct err err = { 0 };
		struct chunk chunk;

		chunk_reader_seek(r->side, r->kernel[i]);
		if (chunk_reader_next(r->side, &chunk) == CHUNK_READ_OK &&
		    chunk_load(r, r->side, &chunk) &&
		    kernel_decode(chunk.raw, chunk.header.raw_bytes, got, ctx, &err) == -EBADMSG)
			chunk_is_bad(r, &chunk, err.text);
	}
	return NULL;
}

static void chunks_each_jit(struct recording *recording, jit_got *got, void *ctx)
{
	struct chunks *r = (struct chunks *)recording;

	for (size_t i = 0; i < r->n_jit; i++) {
		struct err err = { 0 };
		struct chunk chunk;

		chunk_reader_seek(r->side, r->jit[i]);
		if (chunk_reader_next(r->side, &chunk) == CHUNK_READ_OK &&
		    chunk_load(r, r->side, &chunk) &&
		    jit_decode(chunk.raw, chunk.header.raw_bytes, got, ctx, &err) == -EBADMSG)
			chunk_is_bad(r, &chunk, err.text);
	}
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
	free(r->kernel);
	free(r->jit);
	map_done(&r->bad_chunks);
	recording_done(recording);
	free(r);
}

static const struct recording_kind chunks_kind = {
	.close = chunks_close,
	.next = chunks_next,
	.rewind = chunks_rewind,
	.image = chunks_image,
	.forget_image = chunks_forget_image,
	.each_kernel_symbol = chunks_each_kernel_symbol,
	.each_jit = chunks_each_jit,
};

int chunks_open(int fd, struct recording **ret, struct err *err)
{
	struct chunk_reader *reader, *side;
	struct chunks *r;
	int code = chunk_reader_open(fd, &reader, err);

	if (code < 0)
		return code;
	code = chunk_reader_open(fd, &side, err);
	if (code < 0) {
		chunk_reader_free(reader);
		return code;
	}
	r = mem_zalloc(sizeof(*r));
	recording_init(&r->base, &chunks_kind, fd);
	r->reader = reader;
	r->side = side;
	map_init(&r->objects.first);
	map_init(&r->bad_chunks);
	r->base.state.header_ok = chunk_reader_file_header_ok(reader);
	r->begin_off = r->base.state.header_ok ? FILE_HEADER_BYTES : 0;
	r->decoder = record_decoder_new(MACHINE_X86_64);
	r->objects.bad = chunk_is_bad;
	r->objects.bad_ctx = r;
	first_pass(r);
	chunks_rewind(&r->base);
	*ret = &r->base;
	return 0;
}
