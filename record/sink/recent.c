/*
 * The flight recorder: events go round in memory (reel.h), files that were met into the larder, and
 * a snapshot writes both as a file that stands alone. It is written in pieces between two looks at
 * the rings, while newer events come in behind it.
 */
#include "record/sink/sink_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "common/base/log.h"
#include "common/format/chunk.h"
#include "record/sink/larder.h"
#include "record/sink/names.h"
#include "record/sink/reel.h"
#include "record/sink/settle.h"

enum { ZSTD_LEVEL = 1 /* of manifest and end: the rest is copied */ };

static const uint64_t memory_max = 256 << 20; /* where a time is asked for */

/* A snapshot that failed is tried again, at first soon, and for so long. */
static const uint64_t again_min_ns = 250000000, again_max_ns = 1000000000;
static const uint64_t again_until_ns = 600000000000;
static const uint64_t close_again_ns = 2000000000; /* the last one, when the program is gone */

struct recent {
	struct reel *reel;
	struct chunk_writer *chunks; /* of the snapshot */
	struct writer writer;
	uint32_t number;		 /* of its segment; 0: the output itself */
	uint64_t at, end;		 /* next chunk of the reel, and the last one's end */
	struct record_counters counters; /* of what is in it */
	uint64_t since_ns, until_ns, last_ns;
	bool runs;	 /* it is being written */
	bool kept_due;	 /* and its events are: what was embedded comes next */
	bool unfinished; /* written, and not yet on the disk */
	/* of one that failed; 0: none did */
	uint64_t wanted_ns, again_at_ns, again_ns;
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
	r->kept_due = false;
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

static int write_end(struct sink *s)
{
	struct recent *r = s->recent;
	uint64_t first_ns, last_ns;
	size_t n;

	writer_begin_end(&r->writer);
	/* The encoder is needed for the end. */
	sink_chunk_close(s);
	record_encoder_begin(s->encoder);
	record_encoder_put_counters(s->encoder, &r->counters);
	const uint8_t *bytes = record_encoder_bytes(s->encoder, &n);
	record_encoder_times(s->encoder, &first_ns, &last_ns);
	int code = chunk_writer_put(r->chunks, CHUNK_END, 0, bytes, n, record_encoder_n(s->encoder),
				    r->since_ns, r->last_ns);
	sink_chunk_begin(s);
	return code;
}

static int write_head(struct sink *s)
{
	int r = chunk_writer_begin(s->recent->chunks);

	return r < 0 ? r : sink_write_manifest(s, s->recent->chunks, s->recent->number);
}

static int write_chunks(struct recent *r, uint64_t from, uint64_t max)
{
	int code = 0;

	/* What the reel dropped meanwhile shows as a gap: only a disk slower than the events. */
	if (r->at < reel_first(r->reel)) {
		chunk_writer_skip(r->chunks, MIN(reel_first(r->reel), r->end) - r->at);
		r->at = MIN(reel_first(r->reel), r->end);
	}
	while (code == 0 && r->at < r->end && r->writer.bytes - from < max)
		code = copy_chunk(r);
	return code;
}

static int want_kept(struct sink *s)
{
	struct recent *r = s->recent;
	uint32_t n_objects;

	larder_want_since(s->larder, r->since_ns, &n_objects);
	r->counters.n[COUNTER_OBJECTS_EMBEDDED] = n_objects;
	r->kept_due = true;
	return names_write(s->names, r->chunks);
}

/* At most `max` bytes of it. 1: all of it is written. */
static int write_piece(struct sink *s, uint64_t max)
{
	struct recent *r = s->recent;
	uint64_t from = r->writer.bytes;
	int code = write_chunks(r, from, max);

	if (code == 0 && r->at == r->end && !r->kept_due)
		code = want_kept(s);
	if (code < 0 || !r->kept_due)
		return code;
	do
		code = r->writer.bytes - from < max ? larder_next(s->larder, put_kept, r) : 2;
	while (code == 1);
	if (code)
		return MIN(code, 0);
	code = write_end(s);
	return code < 0 ? code : 1;
}

static void tell(struct sink *s, int code, bool again)
{
	struct recent *r = s->recent;
	char name[SEGMENT_NAME_MAX];
	struct sink_file file = { .name = s->output.path,
				  .number = r->number,
				  .bytes = r->writer.bytes,
				  .code = code,
				  .again = again,
				  .n_samples = r->counters.n[COUNTER_SAMPLES_STORED],
				  .kept_ns = r->until_ns - r->since_ns };

	if (r->number) {
		segment_name(&s->output.segments, r->number, code < 0, name);
		file.name = name;
	}
	if (s->options.on_file)
		s->options.on_file(s->options.ctx, &file);
}

/*
 * Whether it is worth another try: something of what was asked for is still kept. What could not be
 * written whole is not left behind, but for the last try's, when only the disk's word is missing.
 */
static bool plan_again(struct sink *s, uint64_t now_ns)
{
	struct recent *r = s->recent;

	if (!r->again_ns)
		r->wanted_ns = now_ns;
	r->again_ns = r->again_ns ? MIN(r->again_ns * 2, again_max_ns) : again_min_ns;
	r->again_at_ns = now_ns + r->again_ns;
	if (reel_since_ns(r->reel) <= r->wanted_ns && now_ns - r->wanted_ns < again_until_ns)
		return true;
	r->again_ns = r->again_at_ns = 0;
	return false;
}

static void remove_part(const struct sink *s)
{
	char name[SEGMENT_NAME_MAX];

	if (!s->recent->number)
		return;
	segment_name(&s->output.segments, s->recent->number, true, name);
	unlinkat(s->output.segments.dir, name, 0);
}

/* Of a file that has its bytes and not the disk's word for them the last one stays. */
static void fail(struct sink *s, int code, bool whole)
{
	struct recent *r = s->recent;
	bool first = !r->again_ns, again = plan_again(s, io_monotonic_ns());

	writer_close(&r->writer, NULL);
	if (again || !whole)
		remove_part(s);
	larder_want_none(s->larder);
	r->runs = false;
	if (first || !again)
		tell(s, code, again);
}

static void start(struct sink *s, uint64_t now_ns)
{
	struct recent *r = s->recent;
	uint32_t number = s->output.segments.next; /* that it would have had */
	int fd = segments_create(&s->output.segments, &number);

	r->number = number;
	if (fd < 0) {
		fail(s, fd, true);
		return;
	}
	writer_take(&r->writer, fd);
	begin(s, now_ns);
	int code = write_head(s);
	if (code < 0)
		fail(s, code, false);
}

int sink_snapshot(struct sink *s, uint64_t now_ns)
{
	struct recent *r = s->recent;

	if (!r)
		return -EINVAL;
	if (sink_snapshot_runs(s) || !settle_has_room(s->output.settle))
		return -EBUSY;
	start(s, now_ns);
	return 0;
}

bool sink_snapshot_runs(const struct sink *s)
{
	const struct recent *r = s->recent;

	return r && (r->runs || r->unfinished || r->again_at_ns);
}

bool recent_writes(const struct sink *s)
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
		if (job.code < 0) {
			fail(s, job.code, true);
			continue;
		}
		s->recent->again_ns = 0;
		tell(s, 0, false);
	}
}

void recent_tick(struct sink *s)
{
	struct recent *r = s->recent;

	take_answers(s);
	if (r->again_at_ns && io_monotonic_ns() >= r->again_at_ns &&
	    settle_has_room(s->output.settle)) {
		r->again_at_ns = 0;
		start(s, io_monotonic_ns());
	}
	if (!r->runs)
		return;
	int code = write_piece(s, SINK_PIECE_BYTES);
	if (code < 0)
		fail(s, code, false);
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

static int write_all(struct sink *s)
{
	begin(s, io_monotonic_ns());
	int code = write_head(s);
	while (code == 0)
		code = write_piece(s, UINT64_MAX);
	return code;
}

/* From the beginning again, when there may be room; what the last try could write stays. */
static int write_all_again(struct sink *s, int code)
{
	struct writer *w = &s->recent->writer;
	uint64_t end_ns = io_monotonic_ns() + close_again_ns;
	const struct timespec pause = { .tv_nsec = (long)again_min_ns };

	while (code < 0 && w->seekable && io_monotonic_ns() < end_ns) {
		log_debug("sink", "the last snapshot again: code=%d", code);
		nanosleep(&pause, NULL);
		larder_want_none(s->larder);
		if (writer_rewind(w) < 0)
			break;
		code = write_all(s);
	}
	return code;
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
	code = write_all_again(s, write_all(s));
	s->output.writer = r->writer;
	r->writer.fd = -1;
	if (code < 0)
		err_set(err, code, "cannot write: %s", strerror(-code));
	int closed = output_close(&s->output, code < 0 ? NULL : err);
	if (code > 0)
		tell(s, 0, false);
	*ret = (struct sink_total){ .bytes = r->writer.bytes,
				    .n_files = 1,
				    .first_ns = r->since_ns,
				    .last_ns = s->last_ns,
				    .write_code = MIN(code, 0) };
	return code < 0 ? code : closed;
}
