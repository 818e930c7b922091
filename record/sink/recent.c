/*
 * The flight recorder: events go round in memory (reel.h), files that were met into the larder, and
 * a snapshot writes both as a file that stands alone. It is written in pieces between two looks at
 * the rings, while newer events come in behind it.
 */
#include "record/sink/sink_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "common/format/chunk.h"
#include "record/sink/larder.h"
#include "record/sink/reel.h"
#include "record/sink/settle.h"

enum { PIECE_BYTES = 2 << 20, ZSTD_LEVEL = 1 /* of manifest and end: the rest is copied */ };

static const uint64_t memory_max = 256 << 20; /* where a time is asked for */

struct recent {
	struct reel *reel;
	struct chunk_writer *chunks; /* of the snapshot */
	struct writer writer;
	uint32_t number;		 /* of its segment; 0: the output itself */
	uint64_t at, end;		 /* next chunk of the reel, and the last one's end */
	struct record_counters counters; /* of what is in it */
	uint64_t since_ns, until_ns, last_ns;
	bool runs;	 /* it is being written */
	bool unfinished; /* written, and not yet on the disk */
};

bool recent_wanted(const struct sink_limits *l)
{
	return l->last_bytes || l->last_ns;
}

int recent_open(struct sink *s, struct err *err)
{
	const struct sink_limits *l = &s->options.limits;
	struct recent *r = calloc(1, sizeof(*r));

	if (!r)
		return err_set(err, -ENOMEM, "no memory for %zu bytes", sizeof(*r));
	s->recent = r;
	r->writer.fd = -1;
	r->reel = reel_new(l->last_bytes ? l->last_bytes : memory_max, l->last_ns, err);
	if (!r->reel)
		return -ENOMEM;
	r->chunks = chunk_writer_new(ZSTD_LEVEL, writer_put, &r->writer, err);
	return r->chunks ? 0 : -ENOMEM;
}

void recent_free(struct recent *r)
{
	if (!r)
		return;
	writer_close(&r->writer, NULL);
	chunk_writer_free(r->chunks);
	reel_free(r->reel);
	free(r);
}

int recent_put(void *ctx, const void *bytes, size_t n)
{
	struct recent *r = ctx;

	return reel_put(r->reel, bytes, n);
}

uint64_t recent_since_ns(const struct sink *s)
{
	return reel_since_ns(s->recent->reel);
}

void recent_keyframe(struct sink *s, uint64_t now_ns)
{
	reel_begin_span(s->recent->reel, now_ns, &s->counters);
	touch_reset(&s->touch, false); /* what is met from here on is met anew */
}

static void begin(struct sink *s, uint64_t now_ns)
{
	struct recent *r = s->recent;
	const struct record_counters *before = reel_since(r->reel);

	sink_chunk_close(s);
	r->at = reel_first(r->reel);
	r->end = reel_end(r->reel);
	r->since_ns = reel_since_ns(r->reel);
	r->until_ns = now_ns;
	r->last_ns = s->last_ns;
	for (unsigned int i = 0; i < COUNTERS; i++)
		r->counters.n[i] = s->counters.n[i] - before->n[i];
	r->runs = true;
}

static int copy_chunk(struct recent *r)
{
	struct chunk_header header;
	uint64_t file_id;
	size_t n;
	const uint8_t *bytes = reel_get(r->reel, r->at++, &n);

	if (chunk_header_get(bytes, &header, &file_id))
		return -EBADMSG; /* our own memory: never */
	return chunk_writer_copy(r->chunks, &header, bytes + CHUNK_HEADER_BYTES);
}

static int put_kept(void *ctx, const struct larder_chunk *c)
{
	struct recent *r = ctx;

	if (c->type == CHUNK_OBJECT)
		return chunk_writer_put_object(r->chunks, c->stored, c->stored_bytes, c->raw_bytes,
					       c->n_records, c->tag);
	return chunk_writer_put_stored(r->chunks, c->type, 0, c->stored, c->stored_bytes,
				       c->raw_bytes, c->n_records);
}

static int write_rest(struct sink *s)
{
	struct recent *r = s->recent;
	uint64_t first_ns, last_ns;
	uint32_t n_objects;
	size_t n;

	int code = larder_each_since(s->larder, r->since_ns, put_kept, r, &n_objects);
	if (code < 0)
		return code;
	r->counters.n[COUNTER_OBJECTS_EMBEDDED] = n_objects;
	writer_begin_end(&r->writer);
	record_encoder_begin(s->encoder);
	record_encoder_put_counters(s->encoder, &r->counters);
	const uint8_t *bytes = record_encoder_bytes(s->encoder, &n);
	record_encoder_times(s->encoder, &first_ns, &last_ns);
	code = chunk_writer_put(r->chunks, CHUNK_END, 0, bytes, n, record_encoder_n(s->encoder),
				r->since_ns, r->last_ns);
	sink_chunk_begin(s);
	return code;
}

static int write_head(struct sink *s)
{
	int r = chunk_writer_begin(s->recent->chunks);

	return r < 0 ? r : sink_write_manifest(s, s->recent->chunks, s->recent->number);
}

/* At most `max` bytes of it. 1: all of it is written. */
static int write_piece(struct sink *s, uint64_t max)
{
	struct recent *r = s->recent;
	uint64_t from = r->writer.bytes;
	int code = 0;

	/* What the reel dropped meanwhile shows as a gap: only a disk slower than the events. */
	if (r->at < reel_first(r->reel)) {
		chunk_writer_skip(r->chunks, reel_first(r->reel) - r->at);
		r->at = reel_first(r->reel);
	}
	while (code == 0 && r->at < r->end && r->writer.bytes - from < max)
		code = copy_chunk(r);
	if (code < 0 || r->at < r->end)
		return code;
	/* The encoder is needed for the end. */
	sink_chunk_close(s);
	code = write_rest(s);
	return code < 0 ? code : 1;
}

static void tell(struct sink *s, int code)
{
	struct recent *r = s->recent;
	char name[SEGMENT_NAME_MAX];
	struct sink_file file = { .name = s->output.path,
				  .number = r->number,
				  .bytes = r->writer.bytes,
				  .code = code,
				  .n_samples = r->counters.n[COUNTER_SAMPLES_STORED],
				  .kept_ns = r->until_ns - r->since_ns };

	if (r->number) {
		segment_name(&s->output.segments, r->number, code < 0, name);
		file.name = name;
	}
	if (s->options.on_file)
		s->options.on_file(s->options.ctx, &file);
}

/* What could not be written whole is not left behind. */
static void give_up(struct sink *s, int code)
{
	struct recent *r = s->recent;
	char name[SEGMENT_NAME_MAX];

	writer_close(&r->writer, NULL);
	segment_name(&s->output.segments, r->number, true, name);
	if (r->number)
		unlinkat(s->output.segments.dir, name, 0);
	r->runs = false;
	tell(s, code);
}

int sink_snapshot(struct sink *s, uint64_t now_ns)
{
	struct recent *r = s->recent;

	if (!r)
		return -EINVAL;
	if (r->runs || r->unfinished || !settle_has_room(s->output.settle))
		return -EBUSY;
	int fd = segments_create(&s->output.segments, &r->number);
	if (fd < 0)
		return fd;
	writer_take(&r->writer, fd);
	begin(s, now_ns);
	int code = write_head(s);
	if (code < 0)
		give_up(s, code);
	return 0;
}

bool sink_snapshot_runs(const struct sink *s)
{
	return s->recent && s->recent->runs;
}

static void finish(struct sink *s)
{
	struct recent *r = s->recent;
	struct settle_job job = { .kind = SETTLE_FINISH,
				  .fd = r->writer.fd,
				  .bytes = r->writer.bytes,
				  .number = r->number };

	if (!settle_ask(s->output.settle, &job))
		return; /* at the next tick */
	r->writer.fd = -1;
	r->runs = false;
	r->unfinished = true;
}

static void take_answers(struct sink *s)
{
	struct settle_job job;

	while (settle_take(s->output.settle, &job)) {
		if (job.kind != SETTLE_FINISH)
			continue;
		s->recent->unfinished = false;
		tell(s, job.code);
	}
}

void recent_tick(struct sink *s)
{
	struct recent *r = s->recent;

	take_answers(s);
	if (!r->runs)
		return;
	int code = write_piece(s, PIECE_BYTES);
	if (code < 0)
		give_up(s, code);
	else if (code)
		finish(s);
}

/* Until the snapshot before is on the disk, or the disk does not answer. */
static void wait_for_disk(struct sink *s)
{
	uint64_t end_ns = io_monotonic_ns() + OUTPUT_CLOSE_WAIT_NS;

	while (s->recent->runs && io_monotonic_ns() < end_ns)
		recent_tick(s);
	settle_wait(s->output.settle, end_ns);
	take_answers(s);
}

int recent_close(struct sink *s, struct sink_total *ret, struct err *err)
{
	struct recent *r = s->recent;

	wait_for_disk(s);
	r->number = 0;
	int code = writer_open(&s->output.writer, s->output.path, err);
	if (code < 0)
		return code;
	r->writer = s->output.writer;
	begin(s, io_monotonic_ns());
	code = write_head(s);
	while (code == 0)
		code = write_piece(s, UINT64_MAX);
	s->output.writer = r->writer;
	r->writer.fd = -1;
	if (code < 0)
		err_set(err, code, "cannot write: %s", strerror(-code));
	int closed = output_close(&s->output, code < 0 ? NULL : err);
	if (code > 0)
		tell(s, 0);
	*ret = (struct sink_total){ .bytes = r->writer.bytes,
				    .n_files = 1,
				    .first_ns = r->since_ns,
				    .last_ns = s->last_ns,
				    .write_code = MIN(code, 0) };
	return code < 0 ? code : closed;
}
