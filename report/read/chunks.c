/*
 * The second pass decodes events, one chunk in memory at a time; what cannot be decoded there is
 * damage too, known by the chunk's own times.
 *
 * State after a gap: nothing said before holds. EVENT_GAP makes consumers forget; events go on;
 * the next whole keyframe brings the state back. Without gaps only the first keyframe is read.
 *
 * From one file to the next it is the same: where the next one goes on right behind what was read,
 * nothing is forgotten. Where it begins earlier (snapshots of a flight recorder) the chunks that
 * both have are passed over; where it begins later there is a gap.
 *
 *	first file    KF a b c d E		read: a b c d
 *	second file	 KF b c d KF e f E	repeated: b c d, read: e f, state goes on
 */
#include "report/read/chunks.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "common/base/err.h"
#include "report/read/chunks_state.h"

enum { AHEAD_BYTES_MIN = 256 << 10 }; /* a thread costs as much as reading so much */

static bool chunk_load(struct chunks *r)
{
	struct err err = { 0 };

	if (chunk_reader_load(r->reader, &r->chunk, &err) == 0)
		return true;
	chunks_bad(r, r->at, &r->chunk, err.text);
	return false;
}

/* ---- from file to file ---- */

static void begin_part(struct chunks *r)
{
	const struct part *p = &r->part[r->at];
	struct chunk_reader *reader = r->reader;

	r->reader = NULL;
	/* Otherwise it was whole a moment ago: its samples will be missing. */
	if (chunk_reader_reopen(reader, p->fd, &r->reader, NULL) == 0)
		chunk_reader_seek(r->reader, p->begin_off);
	r->known = p->follows && !r->gap && !r->want_keyframe;
	if (r->at && !r->known)
		r->gap = true;
	r->want_keyframe = !r->known;
	r->repeat_end = p->repeat_end;
	r->ahead_tried = r->in_chunk = r->in_keyframe = r->in_group = false;
	r->sequence = r->n_samples = 0;
	memset(&r->now, 0, sizeof(r->now));
	memset(&r->repeated, 0, sizeof(r->repeated));
}

static void add_up(struct chunks *r)
{
	struct record_counters *sum = &r->base.state.counters;

	for (int i = 0; i < COUNTERS; i++)
		sum->n[i] = r->before.n[i] + r->now.n[i] - MIN(r->now.n[i], r->repeated.n[i]);
}

static void end_part(struct chunks *r)
{
	uint64_t stored = r->now.n[COUNTER_SAMPLES_STORED];
	uint64_t read = r->n_samples + r->repeated.n[COUNTER_SAMPLES_STORED];

	add_up(r);
	r->before = r->base.state.counters;
	memset(&r->now, 0, sizeof(r->now));
	memset(&r->repeated, 0, sizeof(r->repeated));
	r->n_unreadable += stored > read ? stored - read : 0;
	ahead_free(r->ahead);
	r->ahead = NULL;
	r->at++;
}

static bool next_part(struct chunks *r)
{
	end_part(r);
	if (r->at == r->n_parts)
		return false;
	begin_part(r);
	return true;
}

void chunks_rewind(struct recording *recording)
{
	struct chunks *r = (struct chunks *)recording;
	struct recording_state *s = &r->base.state;

	ahead_free(r->ahead);
	r->ahead = NULL;
	chunk_reader_free(r->reader);
	r->reader = NULL;
	r->at = 0;
	r->gap = r->held = r->begun = false;
	r->want_keyframe = true;
	r->n_missing = r->last_ns = r->n_unreadable = 0;
	memset(&r->before, 0, sizeof(r->before));
	s->n_events_read = s->samples_unreadable = s->samples_repeated = 0;
	s->n_ended = 0;
	r->base.governed_now = (struct event_governed){ 0 };
	s->ended = false;
	memset(&s->counters, 0, sizeof(s->counters));
}

/* The part before this one has the chunk too, and was read. */
static bool is_repeated(const struct chunks *r)
{
	return r->chunk.file_off < r->repeat_end;
}

static void count_repeated(struct chunks *r, const struct event *event)
{
	uint64_t *n = r->repeated.n;

	switch (event->type) {
	case EVENT_SAMPLE:
		n[COUNTER_SAMPLES_STORED]++;
		n[COUNTER_STACKS_CUT] += event->sample.stack_cut;
		n[COUNTER_STACKS_DROPPED] += event->sample.stack_dropped;
		r->base.state.samples_repeated++;
		break;
	case EVENT_LOST:
		n[event->lost.source < SOURCE_MAX ? COUNTER_SAMPLES_LOST_KERNEL :
						    COUNTER_TASKS_LOST_KERNEL] += event->lost.n;
		break;
	case EVENT_THROTTLE:
		n[COUNTER_THROTTLED] += event->throttle.on;
		break;
	default:
		break;
	}
}

/* Only what happens to processes is told again, if their state is not known. */
static bool is_told_again(const struct chunks *r, const struct event *event)
{
	return !r->known && event->type != EVENT_SAMPLE && event->type != EVENT_SWITCH &&
	       event->type != EVENT_LOST && event->type != EVENT_THROTTLE;
}

/* ---- chunks ---- */

/* Events are lost here, unless the chunk held none, or they were read before. */
static void chunk_lost(struct chunks *r, const struct chunk_header *h)
{
	if (h->type == CHUNK_EVENTS && !(r->known && is_repeated(r))) {
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

/* Whether chunks are missing before this one. */
static void note_sequence(struct chunks *r, const struct chunk_header *h)
{
	if (h->sequence != r->sequence && !(r->known && is_repeated(r))) {
		r->gap = true;
		r->n_missing += h->sequence - r->sequence;
		r->in_group = false;
	}
	r->sequence = h->sequence + 1;
}

/* The next chunk of events, state or the end into r->chunk. False: no more in this file. */
static bool next_chunk(struct chunks *r)
{
	enum chunk_read read;

	while (r->reader && (read = chunk_reader_next(r->reader, &r->chunk)) != CHUNK_READ_END) {
		const struct chunk_header *h = &r->chunk.header;

		if (read == CHUNK_READ_DAMAGE)
			continue; /* the sequence says how much is missing */
		note_sequence(r, h);
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
	r->base.governed_now = (struct event_governed){ 0 };
	r->n_missing = 0;
	r->want_keyframe = true;
	return &r->gap_event;
}

/* Contents of r->chunk, from the thread that reads ahead if it has them. */
static bool chunk_load_next(struct chunks *r)
{
	struct chunk *chunk = &r->chunk;

	if (chunk->header.type != CHUNK_EVENTS)
		return chunk_load(r);
	if (!r->ahead_tried && r->part[r->at].file_bytes >= AHEAD_BYTES_MIN)
		r->ahead = ahead_new(r->part[r->at].fd, chunk->file_off);
	r->ahead_tried = true;
	chunk->raw = ahead_take(r->ahead, chunk);
	return chunk->raw || chunk_load(r);
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
		r->base.state.n_ended++;
	record_decoder_begin(r->decoder, &chunk->header, chunk->raw, chunk->header.raw_bytes);
	r->in_chunk = true;
	return true;
}

/* ---- records ---- */

/* The event, if it is for the caller. */
static const struct event *take_event(struct chunks *r)
{
	const struct event *event = &r->record.event;

	recording_govern(&r->base, &r->record.event);
	if (!r->in_keyframe && is_repeated(r)) {
		count_repeated(r, event);
		if (!is_told_again(r, event))
			return NULL;
	}
	r->base.state.n_events_read++;
	r->n_samples += event->type == EVENT_SAMPLE;
	if (!r->in_keyframe)
		r->last_ns = event->time_ns;
	return event;
}

/* One step inside a chunk; NULL: go on. */
static const struct event *next_record(struct chunks *r)
{
	struct err err = { 0 };

	switch (record_decoder_next(r->decoder, &r->record, &err)) {
	case RECORD_EVENT:
		return take_event(r);
	case RECORD_SOURCE:
		if (!is_repeated(r))
			recording_change_source(&r->base, r->record.source_index, &r->record.source,
						r->chunk.header.first_ns);
		return NULL;
	case RECORD_UNSAMPLED:
		unsampled_set(&r->base.unsampled, &r->record.unsampled);
		return NULL;
	case RECORD_COUNTERS:
		r->now = r->record.counters;
		add_up(r);
		return NULL;
	case RECORD_BAD:
		chunks_bad(r, r->at, &r->chunk, err.text);
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

static enum recording_next finish(struct chunks *r)
{
	r->base.state.ended = r->base.state.n_ended == r->n_parts;
	r->base.state.samples_unreadable = r->n_unreadable;
	r->base.state.n_damaged = r->base.damages.n;
	r->base.state.damaged_bytes = r->base.damages.bytes;
	return RECORDING_END;
}

enum recording_next chunks_next(struct recording *recording, const struct event **ret)
{
	struct chunks *r = (struct chunks *)recording;

	if (!r->begun)
		begin_part(r);
	r->begun = true;
	while (r->at < r->n_parts) {
		if (r->in_chunk) {
			*ret = next_record(r);
			if (*ret)
				return RECORDING_EVENT;
			continue;
		}
		if (!r->held && !next_chunk(r)) {
			next_part(r);
			continue;
		}
		r->held = r->gap; /* tell it first, then come back to this chunk */
		if (r->gap) {
			*ret = gap_event(r);
			return RECORDING_EVENT;
		}
		begin_chunk(r);
	}
	return finish(r);
}
