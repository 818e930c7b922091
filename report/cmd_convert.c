/*
 * `convert IN OUT`: a perf.data becomes a recording like the recorder's: stacks scrubbed by the
 * same judgement, address spaces followed, keyframes, and the touched files' tables embedded from
 * this machine, so that it reads anywhere. Host name and command line stay behind. A recording of
 * our own is scrubbed (cmd_scrub.c).
 */
#include "config.h"

#include "report/cmd.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/auto.h"
#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/log.h"
#include "common/format/file.h"
#include "common/format/object.h"
#include "common/format/record.h"
#include "common/space/keyframe.h"
#include "common/space/space.h"
#include "common/space/touch.h"
#include "report/debug/debug.h"
#include "report/embed.h"
#include "report/output.h"
#include "report/read/read.h"

enum {
	ZSTD_LEVEL = 3,
	KEYFRAME_EVERY_BYTES = 16 << 20,
	KERNEL_PCS_MAX = 2 * TOUCH_KERNEL_PCS,
};

struct convert {
	struct recording *in;
	struct debug *debug; /* NULL: no files but the recording */
	struct output out;
	struct chunk_writer *writer;
	struct record_encoder *encoder;
	struct spaces *spaces;
	struct touch touch;
	bool raw;
	enum machine machine;
	struct record_source source[SOURCE_MAX];
	uint8_t n_sources;
	struct record_counters counters;
	uint64_t first_ns, last_ns, keyframe_at;
	struct stack_word *words[2]; /* of this sample and of the one before: touch.h */
	uint32_t *object;	     /* touched */
	size_t n_objects, objects_cap;
	uint64_t kernel_pc[KERNEL_PCS_MAX];
	size_t n_kernel_pcs;
	struct err err;
};

static bool is_recording(const uint8_t start[OUTPUT_START_BYTES], size_t n)
{
	return n >= FILE_HEADER_BYTES && file_is_recording(start);
}

static const struct output_kind recording_kind = { "a recording", is_recording };

static int sink(void *ctx, const void *bytes, size_t n)
{
	struct convert *c = ctx;

	return output_write(&c->out, bytes, n, &c->err);
}

/* ---- what was touched ---- */

static void on_object(void *ctx, const struct space *space, const struct mapping *mapping)
{
	struct convert *c = ctx;

	(void)space;
	mem_grow(&c->object, &c->objects_cap, c->n_objects + 1, sizeof(*c->object));
	c->object[c->n_objects++] = mapping->object;
}

static void on_kernel(void *ctx, uint64_t pc)
{
	struct convert *c = ctx;

	if (KERNEL_PCS_MAX - c->n_kernel_pcs < 2)
		return;
	c->kernel_pc[c->n_kernel_pcs++] = pc;
	c->kernel_pc[c->n_kernel_pcs++] = pc - 1; /* as the caller that it may be */
}

/* ---- head ---- */

struct manifest {
	uint8_t raw[CHUNK_RAW_MAX];
	size_t n;
	uint32_t n_pairs;
	bool is_raw;
};

static void put_pair(struct manifest *m, const char *key, const char *value)
{
	if (manifest_put(m->raw, sizeof(m->raw), &m->n, key, value) == 0)
		m->n_pairs++;
}

/* What names a host or tells a command line is left out, as the recorder does. */
static void copy_pair(void *ctx, const char *key, const char *value)
{
	static const char *const left_out[] = { "host", "command", "format", "compressed",
						"embed" };
	struct manifest *m = ctx;

	for (size_t i = 0; i < N_ELEMENTS(left_out); i++)
		if (!strcmp(key, left_out[i]))
			return;
	if (!strcmp(key, "stacks") && !strcmp(value, "raw") && !m->is_raw)
		value = "scrubbed";
	put_pair(m, key, value);
}

static int put_manifest(struct convert *c)
{
	AUTO_FREE struct manifest *m = mem_zalloc(sizeof(*m));

	m->is_raw = c->raw;
	recording_each_manifest(c->in, copy_pair, m);
	put_pair(m, "converter", PACKAGE_NAME " " PACKAGE_VERSION);
	put_pair(m, "converted_from", "perf.data");
	put_pair(m, "embed", "symbols");
	put_pair(m, "argv", "no");
	return chunk_writer_put(c->writer, CHUNK_MANIFEST, 0, m->raw, m->n, m->n_pairs, 0, 0);
}

static void take_sources(struct convert *c)
{
	for (unsigned int i = 0; i < SOURCE_MAX; i++) {
		const struct record_source *s = recording_source(c->in, (uint8_t)i);

		if (!s)
			break;
		c->source[c->n_sources++] = *s;
	}
}

static int put_keyframe(struct convert *c)
{
	int status = keyframe_write(c->writer, c->encoder, c->spaces, c->source, c->n_sources, NULL,
				    NULL, c->last_ns, &c->counters);

	record_encoder_begin(c->encoder);
	c->keyframe_at = chunk_writer_bytes(c->writer);
	return status;
}

/* ---- events ---- */

static int flush(struct convert *c, enum chunk_type type)
{
	uint64_t first_ns, last_ns;
	const uint8_t *bytes;
	size_t n;
	int status;

	record_encoder_put_counters(c->encoder, &c->counters);
	bytes = record_encoder_bytes(c->encoder, &n);
	record_encoder_times(c->encoder, &first_ns, &last_ns);
	if (type == CHUNK_END) {
		first_ns = c->first_ns;
		last_ns = c->last_ns;
	}
	status = chunk_writer_put(c->writer, type, 0, bytes, n, record_encoder_n(c->encoder),
				  first_ns, last_ns);
	record_encoder_begin(c->encoder);
	return status;
}

static int put_event(struct convert *c, const struct event *event)
{
	int status = record_encoder_put(c->encoder, event);

	if (status != -ENOSPC)
		return status;
	status = flush(c, CHUNK_EVENTS);
	if (status == 0 && chunk_writer_bytes(c->writer) - c->keyframe_at >= KEYFRAME_EVERY_BYTES)
		status = put_keyframe(c);
	return status < 0 ? status : record_encoder_put(c->encoder, event);
}

/* As the recorder's sink: judged, and counted as it stands in the file. */
static void keep_words(struct convert *c, const struct event *event, struct event_sample *s)
{
	const struct space *space = spaces_find(c->spaces, event->pid);
	uint64_t *n = c->counters.n;
	struct stack_word *words = c->words[1];

	c->words[1] = c->words[0];
	c->words[0] = words;
	n[COUNTER_STACK_WORDS_SEEN] += s->stack_bytes / 8;
	if (c->raw)
		space_keep_all(s, c->machine, words);
	else
		space_scrub(space, c->machine, s, words);
	touch_sample(&c->touch, space, c->machine, s);
	n[COUNTER_SAMPLES_STORED]++;
	n[COUNTER_STACKS_CUT] += s->stack_cut;
	n[COUNTER_STACKS_DROPPED] += s->stack_dropped;
	n[COUNTER_STACK_WORDS_KEPT] += s->n_words;
}

static int take_event(struct convert *c, const struct event *event)
{
	struct event kept;

	c->first_ns = c->first_ns ? c->first_ns : event->time_ns;
	c->last_ns = MAX(c->last_ns, event->time_ns);
	if (event->type != EVENT_SAMPLE) {
		spaces_apply(c->spaces, event);
		return put_event(c, event);
	}
	kept = *event;
	keep_words(c, event, &kept.sample);
	return put_event(c, &kept);
}

/* Losses and the like are as the input says; what is stored was counted here. */
static void take_counters(struct convert *c)
{
	static const enum counter theirs[] = {
		COUNTER_SAMPLES_LOST_KERNEL,
		COUNTER_SAMPLES_DROPPED_DECODE,
		COUNTER_SAMPLES_DROPPED_FILTER,
		COUNTER_TASKS_LOST_KERNEL,
		COUNTER_THROTTLED,
		COUNTER_OUT_OF_ORDER,
	};

	for (size_t i = 0; i < N_ELEMENTS(theirs); i++)
		c->counters.n[theirs[i]] = recording_state(c->in)->counters.n[theirs[i]];
}

static int put_objects(struct convert *c)
{
	for (size_t i = 0; i < c->n_objects; i++) {
		const struct space_object *o = spaces_object(c->spaces, c->object[i]);
		struct object_key key;
		int got;

		if (!o || o->anonymous)
			continue;
		key = (struct object_key){ o->build_id, o->maj, o->min, o->ino, o->path };
		got = embed_local_object(c->writer, c->in, c->debug, &key, &c->err);
		if (got < 0)
			return got;
		c->counters.n[got ? COUNTER_OBJECTS_EMBEDDED : COUNTER_OBJECTS_FAILED]++;
	}
	if (embed_local_kernel(c->writer, c->in, c->kernel_pc, c->n_kernel_pcs, &c->err) < 0)
		return c->err.code;
	return embed_local_jit(c->writer, c->in, &c->err);
}

static int put_all(struct convert *c)
{
	const struct event *event;
	int status = chunk_writer_begin(c->writer);

	if (status == 0)
		status = put_manifest(c);
	if (status == 0)
		status = put_keyframe(c);
	while (status == 0 && recording_next(c->in, &event) == RECORDING_EVENT)
		status = take_event(c, event);
	take_counters(c);
	if (status == 0 && record_encoder_n(c->encoder))
		status = flush(c, CHUNK_EVENTS);
	if (status == 0)
		status = put_objects(c);
	if (status == 0)
		status = flush(c, CHUNK_END);
	if (status < 0 && !c->err.code)
		err_set(&c->err, status, "%s", strerror(-status));
	return status;
}

/* ---- life ---- */

static int convert_init(struct convert *c)
{
	c->machine = recording_machine(c->in);
	c->writer = chunk_writer_new(ZSTD_LEVEL, sink, c, &c->err);
	c->encoder = record_encoder_new(c->machine, &c->err);
	c->spaces = spaces_new(NULL);
	for (int i = 0; i < 2; i++)
		c->words[i] = mem_alloc(STACK_WORDS_MAX * sizeof(*c->words[i]));
	c->touch.on_object = on_object;
	c->touch.on_kernel = on_kernel;
	c->touch.ctx = c;
	take_sources(c);
	if (!c->writer || !c->encoder || !c->spaces)
		return err_set(&c->err, -ENOMEM, "no memory for coding");
	return 0;
}

static void convert_done(struct convert *c)
{
	debug_close(c->debug);
	spaces_free(c->spaces);
	record_encoder_free(c->encoder);
	chunk_writer_free(c->writer);
	output_drop(&c->out);
	free(c->words[0]);
	free(c->words[1]);
	free(c->object);
	free(c);
}

static int convert_perf(struct command *cmd, struct recording *in)
{
	struct convert *c = mem_zalloc(sizeof(*c));
	int status;

	c->out.fd = -1;
	c->in = in;
	c->raw = cmd->raw_stacks;
	recording_use_local(in, !cmd->pipeline.no_local_files);
	status = convert_init(c);
	if (status == 0 && !cmd->pipeline.no_local_files)
		status = debug_open(&cmd->pipeline.debug, &c->debug, &c->err);
	if (status == 0)
		status = output_open(cmd->operand[1], &recording_kind, &c->out, &c->err);
	if (status == 0)
		status = put_all(c);
	if (status == 0)
		status = output_commit(&c->out, &c->err);
	if (status < 0)
		log_error("cannot convert '%s': %s", cmd->operand[0], c->err.text);
	convert_done(c);
	return status < 0 ? EXIT_FAILED : EXIT_DONE;
}

int cmd_convert(struct command *c)
{
	struct recording *in;
	struct err err = { 0 };
	const char *format;
	int status;

	if (c->n_operands != 2)
		return command_usage("convert needs two files, IN and OUT, found %d",
				     c->n_operands);
	if (recording_open(c->operand[0], &in, &err) < 0) {
		log_error("%s", err.text);
		return EXIT_FAILED;
	}
	format = recording_manifest(in, "format");
	if (format && !strncmp(format, "perf.data", 9)) {
		status = convert_perf(c, in);
	} else if (c->raw_stacks) {
		log_error("'%s' is a recording already; with raw stacks a copy of it is all there "
			  "can be",
			  c->operand[0]);
		status = EXIT_FAILED;
	} else {
		status = cmd_scrub(c);
	}
	recording_close(in);
	return status;
}
