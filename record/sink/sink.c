/*
 * When the output refuses a chunk, its samples are counted as dropped and nothing more is encoded
 * until a keyframe goes through: readers see a gap and then a known state again.
 */
#include "record/sink/sink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "common/space/keyframe.h"
#include "record/sink/larder.h"
#include "record/sink/names.h"
#include "record/sink/sink_state.h"

enum { ZSTD_LEVEL = 2 }; /* 3 to 6 % smaller than 1 for 0.1 to 1 us a sample; 3 costs twice that */

static const uint64_t retry_ns = 250000000;	 /* a refused output is tried again */
static const uint64_t keyframe_ns = 10000000000; /* at least so often */
static const uint64_t keyframe_bytes = 16 << 20;
enum { KEYFRAMES_KEPT = 6 }; /* so many at least in what a flight recorder keeps */
static const uint64_t keyframe_min_ns = 1000000000;
/*
 * Age of the oldest event when its chunk is closed; with the drain's own 0.1 s and some delay on a
 * busy host less than 1 s is open at any time. A shorter age costs size (0.45 s: 9 %), so only
 * the first chunk, which finds a program and a recorder that both just began, is closed early.
 */
static const uint64_t chunk_age_ns = 650000000, first_chunk_age_ns = 250000000;

void sink_chunk_begin(struct sink *s)
{
	record_encoder_begin(s->encoder);
	s->open_samples = 0;
	s->open_ns = 0;
}

void sink_set_failing(struct sink *s)
{
	s->failing = true;
	s->retry_at_ns = io_monotonic_ns() + retry_ns;
}

void sink_chunk_close(struct sink *s)
{
	uint64_t first_ns, last_ns;
	size_t n;

	if (!record_encoder_n(s->encoder))
		return;
	if (!s->recent) /* a snapshot counts from its own beginning, and only at its end */
		record_encoder_put_counters(s->encoder, &s->counters);
	const uint8_t *bytes = record_encoder_bytes(s->encoder, &n);
	record_encoder_times(s->encoder, &first_ns, &last_ns);
	if (chunk_writer_put(s->chunks, CHUNK_EVENTS, 0, bytes, n, record_encoder_n(s->encoder),
			     first_ns, last_ns) < 0) {
		s->counters.n[COUNTER_SAMPLES_STORED] -= s->open_samples;
		s->counters.n[COUNTER_SAMPLES_DROPPED_WRITE] += s->open_samples;
		sink_set_failing(s);
	}
	s->n_closed++;
	sink_chunk_begin(s);
}

/* Into the open chunk; false: the output is refused, the event is not stored. */
static bool encode(struct sink *s, const struct event *event)
{
	if (s->failing)
		return false;
	if (record_encoder_put(s->encoder, event) == -ENOSPC) {
		sink_chunk_close(s);
		if (s->failing || record_encoder_put(s->encoder, event) < 0)
			return false;
	}
	if (!s->open_ns)
		s->open_ns = event->time_ns;
	return true;
}

int sink_keyframe(struct sink *s, uint64_t now_ns)
{
	sink_chunk_close(s);
	if (s->recent)
		recent_keyframe(s, now_ns);
	/* What is known is known as of the last event: those to come are older than now. */
	int r = keyframe_write(s->chunks, s->encoder, s->spaces, s->options.source,
			       s->options.n_sources, &s->unsampled, &s->governed,
			       s->last_ns ? s->last_ns : now_ns, s->recent ? NULL : &s->counters);
	sink_chunk_begin(s);
	s->keyframe_at_ns = now_ns;
	s->keyframe_at_bytes = chunk_writer_bytes(s->chunks);
	return r;
}

static bool is_filtered(const struct sink *s, uint32_t pid)
{
	return s->options.is_filtered && s->options.is_filtered(s->options.ctx, pid);
}

/* Only the part next to the stack pointer: callers further out are left out. */
static void cut_stack(const struct sink *s, struct event_sample *sample)
{
	uint32_t most = s->governed.stack_bytes;

	if (!most || sample->stack_bytes <= most)
		return;
	sample->stack_bytes = most;
	sample->stack_cut = true;
}

static void scrub(struct sink *s, const struct space *space, struct event_sample *sample)
{
	struct stack_word *words = s->words[1];

	cut_stack(s, sample);
	s->words[1] = s->words[0];
	s->words[0] = words;
	if (s->options.stacks == SINK_STACKS_RAW)
		space_keep_all(sample, s->options.machine, words);
	else
		space_scrub(space, s->options.machine, sample, words);
}

static void count_stored(struct sink *s, const struct event *event, uint64_t n_seen)
{
	const struct event_sample *sample = &event->sample;
	uint64_t *n = s->counters.n;

	n[COUNTER_SAMPLES_STORED]++;
	n[COUNTER_STACKS_CUT] += sample->stack_cut;
	n[COUNTER_STACKS_DROPPED] += sample->stack_dropped;
	n[COUNTER_STACK_WORDS_SEEN] += n_seen;
	n[COUNTER_STACK_WORDS_KEPT] += sample->n_words;
	s->open_samples++;
	if (!s->first_sample_ns)
		s->first_sample_ns = event->time_ns;
	s->last_sample_ns = event->time_ns;
}

static void put_sample(struct sink *s, struct event *event)
{
	uint64_t n_seen = event->sample.stack_bytes / 8;

	if (is_filtered(s, event->pid)) {
		s->counters.n[COUNTER_SAMPLES_DROPPED_FILTER]++;
		return;
	}
	if (s->failing) {
		s->counters.n[COUNTER_SAMPLES_DROPPED_WRITE]++;
		return;
	}
	const struct space *space = spaces_find(s->spaces, event->pid);
	scrub(s, space, &event->sample);
	touch_sample(&s->touch, space, s->options.machine, &event->sample);
	if (encode(s, event))
		count_stored(s, event, n_seen);
	else
		s->counters.n[COUNTER_SAMPLES_DROPPED_WRITE]++;
}

static void complete_mmap(const struct sink *s, struct event_mmap *mmap)
{
	if (!mmap->build_id.n && !strcmp(mmap->path, "[vdso]"))
		mmap->build_id = s->options.vdso;
}

/* Of code that programs made, what is kept goes some time after they ended. */
static void note_life(struct sink *s, const struct event *event)
{
	if (event->type == EVENT_EXIT && !spaces_find(s->spaces, event->pid))
		larder_end_process(s->larder, event->pid, event->time_ns);
	if (event->type == EVENT_FORK && event->pid == event->tid)
		larder_begin_process(s->larder, event->pid);
}

void sink_event(struct sink *s, struct event *event)
{
	if (event->time_ns < s->last_ns)
		s->counters.n[COUNTER_OUT_OF_ORDER]++;
	else
		s->last_ns = event->time_ns;
	if (event->type == EVENT_SAMPLE) {
		put_sample(s, event);
		return;
	}
	if (event->type == EVENT_MMAP)
		complete_mmap(s, &event->mmap);
	if (event->type == EVENT_THROTTLE && event->throttle.on)
		s->counters.n[COUNTER_THROTTLED]++;
	if (event->type == EVENT_LOST)
		s->counters.n[COUNTER_TASKS_LOST_KERNEL] += event->lost.n;
	if (event->type == EVENT_SWITCH && is_filtered(s, event->pid))
		return;
	if (event->type == EVENT_GOVERNED)
		s->governed = event->governed;
	spaces_apply(s->spaces, event);
	if (s->larder && larder_has_jit(s->larder))
		note_life(s, event);
	encode(s, event);
}

void sink_losses(struct sink *s, uint64_t now_ns, const uint64_t *samples_lost,
		 uint64_t bad_samples)
{
	s->counters.n[COUNTER_SAMPLES_DROPPED_DECODE] += bad_samples - s->bad_told;
	s->bad_told = bad_samples;
	for (uint8_t i = 0; i < s->options.n_sources; i++) {
		struct event event = { .type = EVENT_LOST, .time_ns = MAX(now_ns, s->last_ns) };

		if (samples_lost[i] <= s->lost[i])
			continue;
		event.lost.source = i;
		event.lost.n = samples_lost[i] - s->lost[i];
		s->lost[i] = samples_lost[i];
		s->counters.n[COUNTER_SAMPLES_LOST_KERNEL] += event.lost.n;
		encode(s, &event);
	}
}

void sink_set_source(struct sink *s, uint8_t source, const struct record_source *now)
{
	if (source < s->options.n_sources)
		s->source[source] = *now;
}

/* Readers pass over keyframes while nothing is damaged: the chunk that begins now has them too. */
void sink_sources_changed(struct sink *s, uint64_t now_ns)
{
	if (s->failing)
		return; /* the keyframe that ends the failure has them */
	s->failing = sink_keyframe(s, now_ns) < 0;
	for (uint8_t i = 0; i < s->options.n_sources; i++)
		record_encoder_put_source(s->encoder, i, &s->source[i]);
}

static void keep_chunk(struct sink *s, enum chunk_type type, uint64_t tag, const void *stored,
		       size_t stored_bytes, size_t raw_bytes, uint32_t n_records)
{
	if (type == CHUNK_KERNEL) {
		names_add(s->names, stored, raw_bytes);
		return;
	}
	larder_put(s->larder, type, type == CHUNK_JIT ? larder_jit_tag((uint32_t)tag) : tag, stored,
		   stored_bytes, raw_bytes, n_records, s->last_ns);
	if (type == CHUNK_JIT && !spaces_find(s->spaces, (uint32_t)tag))
		larder_end_process(s->larder, (uint32_t)tag, s->last_ns);
}

int sink_chunk(struct sink *s, enum chunk_type type, uint64_t tag, const void *stored,
	       size_t stored_bytes, size_t raw_bytes, uint32_t n_records)
{
	int r;

	if (s->failing)
		return -EAGAIN;
	if (s->recent)
		r = 0;
	else if (type == CHUNK_OBJECT)
		r = chunk_writer_put_object(s->chunks, stored, stored_bytes, raw_bytes, n_records,
					    tag);
	else if (type == CHUNK_KERNEL)
		r = chunk_writer_put(s->chunks, type, 0, stored, raw_bytes, n_records, 0, 0);
	else
		r = chunk_writer_put_stored(s->chunks, type, 0, stored, stored_bytes, raw_bytes,
					    n_records);
	if (r < 0)
		sink_set_failing(s);
	else if (s->larder)
		keep_chunk(s, type, tag, stored, stored_bytes, raw_bytes, n_records);
	return r;
}

void sink_count(struct sink *s, enum counter counter, uint64_t more)
{
	s->counters.n[counter] += more;
}

/*
 * A head and a keyframe that go through end the failure. What was encoded before it still belongs
 * to what the file has; between that and the keyframe events are missing: readers are to see a gap.
 */
static void try_again(struct sink *s, uint64_t now_ns)
{
	if (now_ns < s->retry_at_ns)
		return;
	s->retry_at_ns = now_ns + retry_ns;
	if (s->head < HEAD_DONE) {
		s->failing = sink_write_head(s, now_ns) < 0;
	} else {
		sink_chunk_close(s);
		chunk_writer_skip(s->chunks, 1);
		s->failing = sink_keyframe(s, now_ns) < 0;
	}
}

void sink_tick(struct sink *s, uint64_t now_ns)
{
	if (s->recent)
		recent_tick(s);
	else if (!output_tick(&s->output, now_ns) && now_ns >= s->next_file_at_ns)
		sink_next_file(s, now_ns);
	sink_sweep(s, now_ns);
	if (s->failing) {
		try_again(s, now_ns);
		return;
	}
	sink_put_kept(s, SINK_PIECE_BYTES);
	if (s->unsampled_changed)
		sink_put_unsampled(s, now_ns);
	if (s->open_ns && now_ns > s->open_ns &&
	    now_ns - s->open_ns >= (s->n_closed ? chunk_age_ns : first_chunk_age_ns))
		sink_chunk_close(s);
	if (now_ns - s->keyframe_at_ns >= s->keyframe_every_ns ||
	    chunk_writer_bytes(s->chunks) - s->keyframe_at_bytes >= s->keyframe_every_bytes)
		s->failing |= sink_keyframe(s, now_ns) < 0;
}

const struct record_counters *sink_counters(struct sink *s)
{
	for (unsigned int i = 0; i < COUNTERS; i++)
		s->total.n[i] = s->before.n[i] + s->counters.n[i];
	return &s->total;
}

uint64_t sink_bytes(const struct sink *s)
{
	return output_bytes(&s->output);
}

const struct spaces *sink_spaces(const struct sink *s)
{
	return s->spaces;
}

bool sink_knows(const struct sink *s, uint32_t pid)
{
	const struct space *space = spaces_find(s->spaces, pid);

	return space && space->known;
}

uint64_t sink_last_ns(const struct sink *s)
{
	return s->last_ns;
}

bool sink_failing(const struct sink *s)
{
	return s->failing;
}

static int write_head(struct sink *s, struct err *err)
{
	int r = sink_write_head(s, io_monotonic_ns());

	return r < 0 ? err_set(err, r, "cannot write: %s", strerror(-r)) : 0;
}

static bool in_segments(const struct sink_limits *l)
{
	return l->rotate_bytes || l->rotate_ns;
}

/* Each file begins with it, long after whoever filled it is gone. */
static int keep_manifest(struct sink *s, struct err *err)
{
	size_t n = s->options.manifest_bytes;

	s->manifest = malloc(n + 1);
	if (!s->manifest)
		return err_set(err, -ENOMEM, "no memory for %zu bytes", n + 1);
	if (n)
		memcpy(s->manifest, s->options.manifest, n);
	s->options.manifest = s->manifest;
	return 0;
}

static int alloc_parts(struct sink *s, struct err *err)
{
	if (keep_manifest(s, err) < 0)
		return -ENOMEM;
	bool recent = recent_wanted(&s->options.limits);

	if (recent && recent_open(s, err) < 0)
		return err->code;
	s->chunks = chunk_writer_new(ZSTD_LEVEL, recent ? recent_put : writer_put,
				     recent ? (void *)s->recent : (void *)&s->output.writer, err);
	if (!s->chunks)
		return -ENOMEM;
	s->encoder = record_encoder_new(s->options.machine, err);
	if (!s->encoder)
		return -ENOMEM;
	s->spaces = spaces_new(NULL);
	for (int i = 0; i < 2; i++)
		s->words[i] = malloc(STACK_WORDS_MAX * sizeof(*s->words[i]));
	if (!s->spaces || !s->words[0] || !s->words[1])
		return err_set(err, -ENOMEM, "no memory for address spaces");
	if (!in_segments(&s->options.limits) && !recent)
		return 0;
	s->larder = larder_new(err);
	s->names = names_new(err);
	return s->larder && s->names ? 0 : -ENOMEM;
}

static void plan_keyframes(struct sink *s)
{
	const struct sink_limits *l = &s->options.limits;

	s->keyframe_every_ns = keyframe_ns;
	s->keyframe_every_bytes = keyframe_bytes;
	if (l->last_ns)
		s->keyframe_every_ns =
			MIN(MAX(l->last_ns / KEYFRAMES_KEPT, keyframe_min_ns), keyframe_ns);
	if (l->last_bytes)
		s->keyframe_every_bytes = MIN(l->last_bytes / KEYFRAMES_KEPT, keyframe_bytes);
}

static void met_kernel(void *ctx, uint64_t pc)
{
	struct sink *s = ctx;

	s->options.on_kernel(s->options.ctx, pc);
}

int sink_open(const char *path, const struct sink_options *options, struct sink **ret,
	      struct err *err)
{
	struct sink *s = calloc(1, sizeof(*s));

	if (!s)
		return err_set(err, -ENOMEM, "no memory for %zu bytes", sizeof(*s));
	s->options = *options;
	s->options.n_sources = MIN(options->n_sources, (uint8_t)SOURCE_MAX);
	memcpy(s->source, options->source, s->options.n_sources * sizeof(*s->source));
	s->options.source = s->source;
	s->touch.on_object = sink_met_object;
	s->touch.on_kernel = met_kernel;
	s->touch.ctx = s;
	s->file_ns = s->sweep_at_ns = io_monotonic_ns();
	s->recording_id = hash_u64(s->file_ns ^ (uint64_t)getpid() << 32);
	plan_keyframes(s);
	s->output =
		(struct output){ .writer = { .fd = -1 }, .segments = { .dir = -1 }, .next_fd = -1 };
	int r = alloc_parts(s, err);
	if (r == 0)
		r = output_open(&s->output, path, &s->options, err);
	if (r == 0)
		r = write_head(s, err);
	if (r < 0) {
		sink_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

int sink_close(struct sink *s, struct sink_total *ret, struct err *err)
{
	sink_put_unsampled(s, s->last_ns);
	sink_chunk_close(s); /* it may have been another chunk that was refused */
	if (s->recent)
		return recent_close(s, ret, err);
	sink_put_kept(s, UINT64_MAX);
	writer_begin_end(&s->output.writer);
	int r = sink_write_end(s);
	if (r < 0)
		err_set(err, r, "cannot write the end: %s", strerror(-r));
	uint64_t bytes = output_bytes(&s->output);
	if (output_close(&s->output, r < 0 ? NULL : err) < 0 && r == 0)
		r = err ? err->code : -EIO;
	*ret = (struct sink_total){
		.bytes = bytes,
		.n_files = s->output.n_done + 1,
		.first_ns = s->first_sample_ns,
		.last_ns = s->last_sample_ns,
		.write_code = s->output.writer.last_code,
	};
	return r;
}

void sink_free(struct sink *s)
{
	if (!s)
		return;
	output_free(&s->output);
	larder_free(s->larder);
	names_free(s->names);
	free(s->manifest);
	recent_free(s->recent);
	chunk_writer_free(s->chunks);
	record_encoder_free(s->encoder);
	spaces_free(s->spaces);
	free(s->words[0]);
	free(s->words[1]);
	free(s);
}
