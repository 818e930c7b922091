/*
 * `scrub IN OUT`: a recording with raw stacks becomes one with scrubbed stacks, by the same
 * judgement as the recorder's (common/space). Chunk by chunk: events are decoded, applied to the
 * address spaces, judged and encoded again; objects, kernel symbols and keyframes are carried over;
 * the manifest says "scrubbed".
 */
#include "report/cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/auto.h"
#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "common/base/log.h"
#include "common/format/file.h"
#include "common/format/object.h"
#include "common/format/record.h"
#include "common/space/space.h"
#include "report/output.h"
#include "report/read/read.h"

enum { ZSTD_LEVEL = 3 };

struct scrub {
	int fd;
	struct chunk_reader *reader;
	struct chunk_writer *writer;
	struct record_decoder *decoder;
	struct record_encoder *encoder;
	struct spaces *spaces;
	struct output out;
	enum machine machine;
	uint64_t next_sequence;
	bool state_known; /* a keyframe was applied and no chunk is missing since */
	uint8_t stack[STACK_BYTES_MAX + 8];
	struct stack_word words[STACK_WORDS_MAX];
	uint8_t raw[CHUNK_RAW_MAX]; /* a new manifest */
	uint8_t stored[CHUNK_STORED_MAX];
	struct err err;
};

static bool is_recording(const uint8_t start[OUTPUT_START_BYTES], size_t n)
{
	return n >= FILE_HEADER_BYTES && file_is_recording(start);
}

static const struct output_kind recording = { "a recording", is_recording };

static int sink(void *ctx, const void *bytes, size_t n)
{
	struct scrub *s = ctx;

	return output_write(&s->out, bytes, n, &s->err);
}

/*
 * The decoder gives words by address; the judge takes bytes from the stack pointer, as from the
 * ring.
 */
static void restore_bytes(struct scrub *s, struct event_sample *sample)
{
	uint64_t sp = sample->regs.value[machine_sp(s->machine)],
		 n = MIN(sample->stack_bytes, STACK_BYTES_MAX);

	memset(s->stack, 0, sizeof(s->stack));
	for (uint32_t i = 0; i < sample->n_words; i++) {
		uint64_t off = sample->words[i].addr - sp;

		if (n >= 8 && off <= n - 8)
			store_le64(s->stack + off, sample->words[i].value);
	}
	sample->stack_bytes = n;
	sample->stack = s->stack;
	sample->words = NULL;
	sample->n_words = 0;
}

static void scrub_sample(struct scrub *s, struct event *event)
{
	static const struct space unknown;
	const struct space *space = s->state_known ? spaces_find(s->spaces, event->pid) : NULL;

	if (event->sample.user)
		restore_bytes(s, &event->sample);
	space_scrub(space ? space : &unknown, s->machine, &event->sample, s->words);
}

static int flush(struct scrub *s, const struct chunk_header *h)
{
	uint64_t first, last;
	size_t n;
	const uint8_t *bytes = record_encoder_bytes(s->encoder, &n);

	record_encoder_times(s->encoder, &first, &last);
	return chunk_writer_put(s->writer, (enum chunk_type)h->type, h->flags, bytes, n,
				record_encoder_n(s->encoder), first, last);
}

/*
 * Scrubbing takes words away, so a chunk's events fit into a chunk again; a split is the exception.
 */
static int put_event(struct scrub *s, const struct chunk_header *h, const struct event *event)
{
	int status = record_encoder_put(s->encoder, event);

	if (status != -ENOSPC)
		return status;
	status = flush(s, h);
	record_encoder_begin(s->encoder);
	return status < 0 ? status : record_encoder_put(s->encoder, event);
}

static int put_records(struct scrub *s, const struct chunk *chunk)
{
	const struct chunk_header *h = &chunk->header;
	bool apply = h->type == CHUNK_EVENTS || !s->state_known;
	struct record record;
	enum record_read got;
	int status = 0;

	record_encoder_begin(s->encoder);
	record_decoder_begin(s->decoder, h, chunk->raw, h->raw_bytes);
	while (status == 0 && (got = record_decoder_next(s->decoder, &record, &s->err)) > 0) {
		if (got == RECORD_SOURCE) {
			status = record_encoder_put_source(s->encoder, record.source_index,
							   &record.source);
		} else if (got == RECORD_UNSAMPLED) {
			status = record_encoder_put_unsampled(s->encoder, &record.unsampled);
		} else if (got == RECORD_COUNTERS) {
			record_encoder_put_counters(s->encoder, &record.counters);
		} else {
			if (record.event.type == EVENT_SAMPLE)
				scrub_sample(s, &record.event);
			else if (apply)
				spaces_apply(s->spaces, &record.event);
			status = put_event(s, h, &record.event);
		}
	}
	if (h->type == CHUNK_KEYFRAME && (h->flags & CHUNK_FLAG_LAST))
		s->state_known = true;
	return status < 0 ? status : flush(s, h);
}

struct manifest {
	uint8_t *raw;
	size_t n;
	uint32_t n_pairs;
	bool is_raw; /* stacks=raw was said */
};

static int copy_pair(void *ctx, const char *key, const char *value)
{
	struct manifest *m = ctx;

	if (!strcmp(key, "stacks")) {
		m->is_raw |= !strcmp(value, "raw");
		value = "scrubbed";
	}
	m->n_pairs++;
	return manifest_put(m->raw, CHUNK_RAW_MAX, &m->n, key, value);
}

static int put_manifest(struct scrub *s, const struct chunk *chunk)
{
	struct manifest m = { .raw = s->raw };
	const struct chunk_header *h = &chunk->header;
	int status = manifest_decode(chunk->raw, h->raw_bytes, copy_pair, &m, &s->err);

	if (status < 0)
		return err_wrap(&s->err, "manifest");
	return chunk_writer_put(s->writer, CHUNK_MANIFEST, h->flags, m.raw, m.n, m.n_pairs,
				h->first_ns, h->last_ns);
}

/* A chunk is missing: nothing said before holds until the next keyframe. */
static void follow_sequence(struct scrub *s, uint64_t sequence)
{
	struct event gap = { .type = EVENT_GAP };

	if (sequence != s->next_sequence) {
		s->state_known = false;
		spaces_apply(s->spaces, &gap);
		chunk_writer_skip(s->writer, sequence - s->next_sequence);
	}
	s->next_sequence = sequence + 1;
}

static int copy_chunk(struct scrub *s, const struct chunk *chunk)
{
	const struct chunk_header *h = &chunk->header;

	if (h->stored_bytes > sizeof(s->stored) ||
	    io_pread(s->fd, s->stored, h->stored_bytes, chunk->file_off + CHUNK_HEADER_BYTES) !=
		    (ssize_t)h->stored_bytes)
		return err_set(&s->err, -EIO, "chunk at offset %" PRIu64 " can no longer be read",
			       chunk->file_off);
	return chunk_writer_copy(s->writer, h, s->stored);
}

static int put_chunk(struct scrub *s, struct chunk *chunk)
{
	const struct chunk_header *h = &chunk->header;
	struct err damage = { 0 };

	if (chunk_reader_load(s->reader, chunk, &damage) < 0) {
		log_warning("%s", damage.text);
		return 0; /* lost as a whole: the next chunk's number tells */
	}
	follow_sequence(s, h->sequence);
	switch (h->type) {
	case CHUNK_EVENTS:
	case CHUNK_KEYFRAME:
	case CHUNK_END:
		return put_records(s, chunk);
	case CHUNK_MANIFEST:
		return put_manifest(s, chunk);
	default:
		return copy_chunk(s, chunk);
	}
}

static int put_all(struct scrub *s)
{
	enum chunk_read got;
	struct chunk chunk;
	int status = chunk_writer_begin(s->writer);

	while (status >= 0 && (got = chunk_reader_next(s->reader, &chunk)) != CHUNK_READ_END) {
		if (got == CHUNK_READ_OK)
			status = put_chunk(s, &chunk);
		else
			log_warning("%" PRIu64 " bytes at offset %" PRIu64 " are no chunk: %s",
				    chunk.damage_bytes, chunk.file_off, chunk.reason);
	}
	if (status < 0 && !s->err.code)
		err_set(&s->err, status, "%s", strerror(-status));
	return status;
}

static int scrub_init(struct scrub *s, const char *in, enum machine machine)
{
	s->machine = machine;
	s->fd = open(in, O_RDONLY | O_CLOEXEC);
	if (s->fd < 0)
		return err_set(&s->err, -errno, "%s", strerror(errno));
	if (chunk_reader_open(s->fd, &s->reader, &s->err) < 0)
		return s->err.code;
	s->writer = chunk_writer_new(ZSTD_LEVEL, sink, s, &s->err);
	s->encoder = record_encoder_new(machine, &s->err);
	s->decoder = record_decoder_new(machine);
	s->spaces = spaces_new(NULL);
	if (!s->writer || !s->encoder || !s->decoder || !s->spaces)
		return err_set(&s->err, -ENOMEM, "no memory for coding");
	return 0;
}

static void scrub_done(struct scrub *s)
{
	spaces_free(s->spaces);
	record_decoder_free(s->decoder);
	record_encoder_free(s->encoder);
	chunk_writer_free(s->writer);
	chunk_reader_free(s->reader);
	if (s->fd >= 0)
		close(s->fd);
	output_drop(&s->out);
}

/* The reading side finds the machine wherever it stands. Only recordings of our own have chunks. */
static int find_machine(const char *in, enum machine *ret, struct err *err)
{
	struct recording *r;
	const char *format;
	int status = 0;

	if (recording_open(in, &r, err) < 0)
		return err->code;
	*ret = recording_machine(r);
	format = recording_manifest(r, "format");
	if (format && !strncmp(format, "perf.data", 9))
		status = err_set(err, -EINVAL,
				 "'%s' is a perf.data; 'ddprof-report convert' makes a scrubbed "
				 "recording of it",
				 in);
	recording_close(r);
	return status;
}

int cmd_scrub(struct command *c)
{
	AUTO_FREE struct scrub *s = NULL;
	enum machine machine = MACHINE_NONE;
	int status;

	if (c->n_operands != 2)
		return command_usage("scrub needs two files, IN and OUT, found %d", c->n_operands);
	s = mem_zalloc(sizeof(*s));
	s->fd = s->out.fd = -1;
	if (find_machine(c->operand[0], &machine, &s->err) < 0) {
		log_error("%s", s->err.text);
		return EXIT_FAILED;
	}
	status = scrub_init(s, c->operand[0], machine);
	if (status >= 0)
		status = output_open(c->operand[1], &recording, &s->out, &s->err);
	if (status >= 0)
		status = put_all(s);
	if (status >= 0)
		status = output_commit(&s->out, &s->err);
	if (status < 0)
		log_error("cannot scrub '%s': %s", c->operand[0], s->err.text);
	scrub_done(s);
	return status < 0 ? EXIT_FAILED : EXIT_DONE;
}
