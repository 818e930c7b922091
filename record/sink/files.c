/*
 * A file from its head to its end, and the one after it. A segment has all that its own samples
 * need: the state of every process, and the parts of files met in it, from the larder.
 */
#include "record/sink/sink_state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/bits.h"
#include "common/base/io.h"
#include "common/format/object.h"
#include "record/sink/larder.h"
#include "record/sink/names.h"

enum { MANIFEST_BYTES_MAX = 16 << 10 };

static const uint64_t next_file_again_ns = 1000000000;
static const uint64_t sweep_ns = 10000000000;
static const uint64_t events_bytes_min = 64 << 10; /* a segment is not all head */

/* Pairs of the options, and those that tell segments of one recording. */
int sink_write_manifest(struct sink *s, struct chunk_writer *to, uint32_t number)
{
	const struct sink_options *o = &s->options;
	uint8_t bytes[MANIFEST_BYTES_MAX];
	size_t n = MIN(o->manifest_bytes, sizeof(bytes));
	uint32_t n_pairs = o->manifest_pairs;
	char text[24];

	memcpy(bytes, o->manifest, n);
	if (number || s->recent) { /* the last file of a flight recorder has no number */
		snprintf(text, sizeof(text), "%016" PRIx64, s->recording_id);
		n_pairs += manifest_put(bytes, sizeof(bytes), &n, "recording", text) == 0;
	}
	if (number) {
		snprintf(text, sizeof(text), "%" PRIu32, number);
		n_pairs += manifest_put(bytes, sizeof(bytes), &n, "segment", text) == 0;
	}
	return chunk_writer_put(to, CHUNK_MANIFEST, 0, bytes, n, n_pairs, 0, 0);
}

static int put_kept(void *ctx, const struct larder_chunk *c)
{
	struct sink *s = ctx;

	if (c->type == CHUNK_OBJECT)
		return chunk_writer_put_object(s->chunks, c->stored, c->stored_bytes, c->raw_bytes,
					       c->n_records, c->tag);
	return chunk_writer_put_stored(s->chunks, c->type, 0, c->stored, c->stored_bytes,
				       c->raw_bytes, c->n_records);
}

static int write_kept(struct sink *s)
{
	if (!s->larder || s->recent)
		return 0;
	larder_want_jit(s->larder);
	return names_write(s->names, s->chunks);
}

void sink_put_kept(struct sink *s, uint64_t max_bytes)
{
	uint64_t from = s->output.writer.bytes;
	int r = s->larder && !s->recent && !s->failing;

	while (r > 0 && s->output.writer.bytes - from < max_bytes)
		r = larder_next(s->larder, put_kept, s);
	if (r < 0)
		sink_set_failing(s);
}

/* A file is not ended before all is in it that it needs, unless nothing can be written. */
static bool lacks_kept(const struct sink *s)
{
	return s->larder && !s->recent && !s->failing && larder_n_due(s->larder);
}

bool sink_has_pieces(const struct sink *s)
{
	return lacks_kept(s) || recent_writes(s);
}

int sink_write_head(struct sink *s, uint64_t now_ns)
{
	int r = 0;

	for (; s->head < HEAD_DONE; s->head++) {
		if (s->head == HEAD_HEADER)
			r = chunk_writer_begin(s->chunks);
		else if (s->head == HEAD_MANIFEST)
			r = sink_write_manifest(s, s->chunks, s->output.number);
		else if (s->head == HEAD_KEYFRAME)
			r = sink_keyframe(s, now_ns);
		else
			r = write_kept(s);
		if (r < 0)
			return r;
	}
	s->head_bytes = s->output.writer.bytes;
	return 0;
}

int sink_write_end(struct sink *s)
{
	uint64_t first_ns, last_ns;
	size_t n;

	record_encoder_begin(s->encoder);
	record_encoder_put_counters(s->encoder, &s->counters);
	const uint8_t *bytes = record_encoder_bytes(s->encoder, &n);
	record_encoder_times(s->encoder, &first_ns, &last_ns);
	return chunk_writer_put(s->chunks, CHUNK_END, 0, bytes, n, record_encoder_n(s->encoder),
				s->first_sample_ns, s->last_ns);
}

static uint64_t tag_of(const struct space_object *o)
{
	struct object_key key = { o->build_id, o->maj, o->min, o->ino, o->path };

	return object_tag(&key);
}

/* For the first time in this file. */
void sink_met_object(void *ctx, const struct space *space, const struct mapping *mapping)
{
	struct sink *s = ctx;
	const struct space_object *o = spaces_object(s->spaces, mapping->object);

	if (!o || o->anonymous)
		return;
	if (s->larder) {
		uint64_t tag = tag_of(o);

		if (larder_meet(s->larder, tag, s->last_ns) &&
		    (s->recent || !larder_lacks_room_for(s->larder, tag))) {
			if (s->recent)
				return; /* a snapshot takes what was met of late */
			s->counters.n[COUNTER_OBJECTS_EMBEDDED] += larder_want(s->larder, tag);
			return;
		}
		larder_expect(s->larder, tag, s->last_ns);
	}
	s->options.on_object(s->options.ctx, space, mapping);
}

static void object_gone(void *ctx, uint32_t object)
{
	struct sink *s = ctx;

	touch_forget(&s->touch, object);
}

/* Of what no process has mapped only that is kept which a snapshot of now would want. */
static void sweep_larder(struct sink *s, uint64_t now_ns)
{
	uint64_t since_ns = s->recent ? recent_since_ns(s) : now_ns - MIN(now_ns, sweep_ns);

	larder_begin_sweep(s->larder);
	for (uint32_t id = 1; id <= spaces_n_objects(s->spaces); id++)
		if (spaces_object_is_mapped(s->spaces, id))
			larder_use(s->larder, tag_of(spaces_object(s->spaces, id)));
	larder_forget(s->larder, since_ns);
}

void sink_sweep(struct sink *s, uint64_t now_ns)
{
	if (now_ns - s->sweep_at_ns < sweep_ns || recent_writes(s))
		return;
	s->sweep_at_ns = now_ns;
	spaces_sweep(s->spaces, object_gone, s);
	if (s->larder)
		sweep_larder(s, now_ns);
}

bool sink_file_due(const struct sink *s, uint64_t now_ns)
{
	const struct sink_limits *l = &s->options.limits;
	const struct writer *w = &s->output.writer;

	if (now_ns < s->next_file_at_ns || s->failing || lacks_kept(s))
		return false;
	return (l->rotate_ns && now_ns - s->file_ns >= l->rotate_ns) ||
	       (l->rotate_bytes && w->bytes >= l->rotate_bytes &&
		w->bytes - s->head_bytes >= events_bytes_min);
}

int sink_next_file(struct sink *s, uint64_t now_ns)
{
	if (lacks_kept(s))
		return -EAGAIN;
	int r = output_prepare(&s->output);
	if (r < 0) {
		s->next_file_at_ns = now_ns + next_file_again_ns;
		return r;
	}
	sink_chunk_close(s);
	if (!s->failing) {
		writer_begin_end(&s->output.writer);
		sink_write_end(s);
	}
	output_switch(&s->output);
	for (unsigned int i = 0; i < COUNTERS; i++)
		s->before.n[i] += s->counters.n[i];
	memset(&s->counters, 0, sizeof(s->counters));
	touch_reset(&s->touch, !s->larder);
	if (s->larder)
		larder_want_none(s->larder); /* of what met them in the file before */
	s->first_sample_ns = 0;
	s->file_ns = now_ns;
	s->head = HEAD_HEADER;
	s->failing = false;
	if (sink_write_head(s, now_ns) < 0)
		sink_set_failing(s);
	return 0;
}
