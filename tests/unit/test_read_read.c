/* Recordings: report/read/ */
#include "report/read/read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/base/io.h"
#include "common/format/file.h"
#include "tests/unit/check.h"
#include "tests/unit/events_made.h"

enum {
	CHUNKS = 12,
	EVENTS_EACH = 50,
	KEYFRAME_EVERY = 4,
	FILE_MAX = 4 << 20,
	PART_BYTES = 3000000
};

/* manifest, then for each i: keyframe (when i % 4 is 0), events; an object after the fifth; end. */
struct made_file {
	char path[64];
	uint8_t *bytes;
	size_t n;
	size_t begin[64], n_chunks; /* offsets of all chunks */
	size_t events[CHUNKS + 1];  /* index of the i-th EVENTS chunk among all chunks */
	uint32_t n_samples[CHUNKS];
};

static int take(void *ctx, const void *bytes, size_t n)
{
	struct made_file *f = ctx;

	REQUIRE_TRUE(f->n + n <= FILE_MAX);
	if (f->n)
		f->begin[f->n_chunks++] = f->n;
	memcpy(f->bytes + f->n, bytes, n);
	f->n += n;
	return 0;
}

static struct chunk_writer *writer;
static uint8_t part[PART_BYTES];
static const struct object_key object = { .build_id = { 20, { 1, 2, 3 } },
					  .path = "/usr/lib/libx.so" };

static int take_object(void *ctx, const void *raw, size_t n, uint32_t n_records)
{
	(void)ctx;
	return chunk_writer_put(writer, CHUNK_OBJECT, 0, raw, n, n_records, 0, 0);
}

static void put_objects(void)
{
	static struct elf_image image = { .machine = MACHINE_X86_64, .n_parts = 2 };
	void *scratch = malloc(CHUNK_RAW_MAX);
	struct object_key gone = { .path = "/gone", .ino = 5 };

	for (size_t i = 0; i < sizeof(part); i++)
		part[i] = (uint8_t)(i / 100);
	image.part[0] = (struct elf_part){ ELF_PART_EH_FRAME, 0x1000, sizeof(part), part };
	image.part[1] = (struct elf_part){ ELF_PART_FILE, 0, 100, part };
	REQUIRE_INT(object_encode(&object, &image, NULL, scratch, take_object, NULL), 0);
	REQUIRE_INT(object_encode(&gone, NULL, "it was a pipe", scratch, take_object, NULL), 0);
	free(scratch);
}

static struct event keyframe_event(enum event_type type, uint32_t i)
{
	struct event e = { .type = type, .time_ns = 1000, .pid = 9000 + i, .tid = 9000 + i };

	if (type == EVENT_MMAP)
		e.mmap = (struct event_mmap){ .start = 4096, .size = 4096, .path = "/k" };
	return e;
}

static void put_keyframe(struct record_encoder *e, uint32_t i)
{
	struct record_source source = { .name = "sCPU", .unit = "nanoseconds", .frequency_hz = 99 };
	size_t n;

	/* a group of two chunks */
	for (uint32_t half = 0; half < 2; half++) {
		struct event space = keyframe_event(EVENT_SPACE, i * 2 + half),
			     map = keyframe_event(EVENT_MMAP, i * 2 + half);
		const uint8_t *bytes;

		record_encoder_begin(e);
		record_encoder_put_source(e, 0, &source);
		REQUIRE_INT(record_encoder_put(e, &space), 0);
		REQUIRE_INT(record_encoder_put(e, &map), 0);
		bytes = record_encoder_bytes(e, &n);
		REQUIRE_INT(chunk_writer_put(writer, CHUNK_KEYFRAME,
					     half ? CHUNK_FLAG_LAST : CHUNK_FLAG_FIRST, bytes, n, 3,
					     1000, 1000),
			    0);
	}
}

static struct made_file *made_file_new(void)
{
	struct made_file *f = calloc(1, sizeof(*f));
	struct made *m = made_new(3, MACHINE_X86_64, 40);
	struct record_encoder *e = record_encoder_new(MACHINE_X86_64, NULL);
	struct record_counters counters = { 0 };
	const uint8_t *bytes;
	uint8_t manifest[100];
	size_t n = 0;

	f->bytes = malloc(FILE_MAX);
	writer = chunk_writer_new(1, take, f, NULL);
	REQUIRE_INT(chunk_writer_begin(writer), 0);
	REQUIRE_INT(manifest_put(manifest, sizeof(manifest), &n, "stacks", "scrubbed"), 0);
	REQUIRE_INT(chunk_writer_put(writer, CHUNK_MANIFEST, 0, manifest, n, 1, 0, 0), 0);
	for (uint32_t i = 0; i < CHUNKS; i++) {
		uint64_t first, last;

		if (i % KEYFRAME_EVERY == 0)
			put_keyframe(e, i);
		record_encoder_begin(e);
		for (uint32_t k = 0; k < EVENTS_EACH; k++) {
			struct event event;

			made_next(m, &event);
			REQUIRE_INT(record_encoder_put(e, &event), 0);
			f->n_samples[i] += event.type == EVENT_SAMPLE;
		}
		counters.n[COUNTER_SAMPLES_STORED] += f->n_samples[i];
		record_encoder_put_counters(e, &counters);
		bytes = record_encoder_bytes(e, &n);
		record_encoder_times(e, &first, &last);
		f->events[i] = f->n_chunks;
		REQUIRE_INT(chunk_writer_put(writer, CHUNK_EVENTS, 0, bytes, n, record_encoder_n(e),
					     first, last),
			    0);
		if (i == 5)
			put_objects();
	}
	record_encoder_begin(e);
	record_encoder_put_counters(e, &counters);
	bytes = record_encoder_bytes(e, &n);
	REQUIRE_INT(chunk_writer_put(writer, CHUNK_END, 0, bytes, n, 1, 0, 0), 0);
	f->begin[f->n_chunks] = f->n;
	chunk_writer_free(writer);
	record_encoder_free(e);
	free(m);
	snprintf(f->path, sizeof(f->path), "/tmp/ddprof-test-read-%d", (int)getpid());
	return f;
}

static void made_file_free(struct made_file *f)
{
	unlink(f->path);
	free(f->bytes);
	free(f);
}

static struct recording *open_bytes(const struct made_file *f, size_t n)
{
	struct recording *r = NULL;
	struct err err = { 0 };
	int fd = open(f->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	REQUIRE_INT(io_write(fd, f->bytes, n, NULL), 0);
	close(fd);
	REQUIRE_TRUE(recording_open(f->path, &r, &err) == 0, "%s", err.text);
	return r;
}

/* What came out, in short: S sample, k state of a keyframe, G gap, . anything else; runs as one. */
static void read_all(struct recording *r, char *ret, size_t max, uint32_t *ret_n_samples)
{
	const struct event *e;
	size_t n = 0;

	*ret_n_samples = 0;
	while (recording_next(r, &e) == RECORDING_EVENT) {
		char c = e->type == EVENT_GAP ? 'G' : e->pid >= 9000 ? 'k' : '.';

		*ret_n_samples += e->type == EVENT_SAMPLE;
		if ((n == 0 || ret[n - 1] != c || c == 'G') && n + 1 < max)
			ret[n++] = c;
	}
	ret[n] = 0;
}

static uint32_t samples_of(const struct made_file *f)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < CHUNKS; i++)
		n += f->n_samples[i];
	return n;
}

static void whole(void)
{
	struct made_file *f = made_file_new();
	struct recording *r = open_bytes(f, f->n);
	const struct recording_state *s = recording_state(r);
	const struct record_source *source;
	char shape[64];
	uint32_t n;

	CHECK_STR(recording_manifest(r, "stacks"), "scrubbed");
	CHECK_TRUE(!recording_manifest(r, "other"));
	CHECK_INT(recording_machine(r), MACHINE_X86_64);
	source = recording_source(r, 0);
	REQUIRE_TRUE(source != NULL);
	CHECK_STR(source->name, "sCPU");
	CHECK_TRUE(!recording_source(r, 1));
	for (unsigned int round = 0; round < 2; round++) {
		read_all(r, shape, sizeof(shape), &n);
		CHECK_STR(shape, "k."); /* the first keyframe only */
		CHECK_UINT(n, samples_of(f));
		CHECK_TRUE(s->ended && s->header_ok);
		CHECK_UINT(s->n_damaged, 0);
		CHECK_UINT(s->samples_unreadable, 0);
		CHECK_UINT(s->n_events_read, CHUNKS * EVENTS_EACH + 4);
		CHECK_UINT(s->n_chunks, f->n_chunks);
		recording_rewind(r);
	}
	recording_close(r);
	made_file_free(f);
}

struct told {
	unsigned int n;
	uint64_t off, bytes, from_ns, to_ns;
};

static void tell(void *ctx, uint64_t off, uint64_t bytes, uint64_t from_ns, uint64_t to_ns,
		 const char *reason)
{
	struct told *t = ctx;

	CHECK_TRUE(reason[0] != 0);
	t->n++;
	t->off = off;
	t->bytes = bytes;
	t->from_ns = from_ns;
	t->to_ns = to_ns;
}

static void lost_chunk(bool header)
{
	struct made_file *f = made_file_new();
	size_t chunk = f->events[2];
	uint8_t *at = f->bytes + f->begin[chunk];
	struct recording *r;
	struct told told = { 0 };
	char shape[64];
	uint32_t n;

	at[header ? 30 : CHUNK_HEADER_BYTES + 20] ^= 4;
	r = open_bytes(f, f->n);
	for (unsigned int round = 0; round < 2; round++) {
		read_all(r, shape, sizeof(shape), &n);
		/* events go on after the gap; the keyframe before chunk 4 brings the state back */
		CHECK_STR(shape, "k.G.k.");
		CHECK_UINT(n, samples_of(f) - f->n_samples[2]);
		CHECK_UINT(recording_state(r)->samples_unreadable, f->n_samples[2]);
		CHECK_UINT(recording_state(r)->n_damaged, 1);
		CHECK_TRUE(recording_state(r)->ended);
		recording_rewind(r);
	}
	recording_each_damage(r, tell, &told);
	CHECK_UINT(told.n, 1);
	CHECK_UINT(told.off, f->begin[chunk]);
	CHECK_UINT(told.bytes, f->begin[chunk + 1] - f->begin[chunk]);
	CHECK_TRUE(told.from_ns && told.to_ns >= told.from_ns, "%ju..%ju", (uintmax_t)told.from_ns,
		   (uintmax_t)told.to_ns);
	recording_close(r);
	made_file_free(f);
}

static void damaged_contents(void)
{
	lost_chunk(false);
}

static void damaged_header(void)
{
	lost_chunk(true);
}

/* Removing a chunk leaves sound bytes and a gap in the sequence. */
static void cut_out(void)
{
	struct made_file *f = made_file_new();
	size_t from = f->begin[f->events[6]], to = f->begin[f->events[6] + 1];
	struct recording *r;
	struct told told = { 0 };
	char shape[64];
	uint32_t n;

	memmove(f->bytes + from, f->bytes + to, f->n - to);
	r = open_bytes(f, f->n - (to - from));
	read_all(r, shape, sizeof(shape), &n);
	CHECK_STR(shape, "k.G.k.");
	CHECK_UINT(recording_state(r)->samples_unreadable, f->n_samples[6]);
	recording_each_damage(r, tell, &told);
	CHECK_UINT(told.n, 1);
	CHECK_UINT(told.bytes, 0);
	recording_close(r);
	made_file_free(f);
}

/*
 * A keyframe that is not needed costs nothing when it is damaged; one that is needed is waited
 * for.
 */
static void damaged_keyframes(void)
{
	struct made_file *f = made_file_new();
	size_t second = f->events[4] - 1,
	       third = f->events[8] - 1; /* last chunks of their groups */
	struct recording *r;
	char shape[64];
	uint32_t n;

	f->bytes[f->begin[second] + CHUNK_HEADER_BYTES + 15] ^= 1;
	r = open_bytes(f, f->n);
	read_all(r, shape, sizeof(shape), &n);
	CHECK_STR(shape, "k.");
	CHECK_UINT(n, samples_of(f));
	recording_close(r);
	f->bytes[f->begin[f->events[1]] + CHUNK_HEADER_BYTES + 20] ^= 1;
	f->bytes[f->begin[third] + CHUNK_HEADER_BYTES + 15] ^=
		0; /* sound: the state comes back there */
	r = open_bytes(f, f->n);
	read_all(r, shape, sizeof(shape), &n);
	CHECK_STR(shape, "k.G.k.k.");
	recording_close(r);
	made_file_free(f);
}

static void cut_file(void)
{
	struct made_file *f = made_file_new();
	uint32_t n, before = 0;
	char shape[64];

	for (uint32_t i = 0; i < CHUNKS; i++) {
		struct recording *r = open_bytes(f, f->begin[f->events[i]] + 150);

		read_all(r, shape, sizeof(shape), &n);
		CHECK_UINT(n, before);
		CHECK_TRUE(!recording_state(r)->ended);
		CHECK_UINT(recording_state(r)->n_damaged, 1);
		CHECK_TRUE(!strchr(shape, 'G'));
		recording_close(r);
		before += f->n_samples[i];
	}
	made_file_free(f);
}

static void images(void)
{
	struct made_file *f = made_file_new();
	struct object_key gone = { .path = "/gone", .ino = 5 }, other = { .path = "/other" };
	struct recording *r = open_bytes(f, f->n);
	const struct elf_image *image, *again;
	const struct event *e;
	const char *reason = "";

	REQUIRE_INT(recording_next(r, &e), RECORDING_EVENT);
	image = recording_image(r, &object, ELF_TAKE_UNWIND, &reason);
	REQUIRE_TRUE(image != NULL);
	CHECK_TRUE(!reason);
	CHECK_UINT(image->part[0].size, PART_BYTES);
	REQUIRE_TRUE(image->part[0].data != NULL);
	CHECK_MEM(image->part[0].data, part, PART_BYTES);
	CHECK_TRUE(!image->part[1].data, "the whole file was not asked for");
	again = recording_image(r, &object, ELF_TAKE_FILE, NULL);
	CHECK_TRUE(again == image);
	REQUIRE_TRUE(image->part[1].data != NULL);
	CHECK_MEM(image->part[1].data, part, 100);
	CHECK_TRUE(!recording_image(r, &gone, ELF_TAKE_UNWIND, &reason));
	CHECK_STR(reason, "it was a pipe");
	CHECK_TRUE(!recording_image(r, &other, ELF_TAKE_UNWIND, &reason));
	CHECK_TRUE(!reason);
	recording_forget_image(r, image);
	image = recording_image(r, &object, ELF_TAKE_UNWIND, NULL);
	CHECK_TRUE(image && image->part[0].data);
	CHECK_INT(recording_next(r, &e), RECORDING_EVENT); /* reading goes on where it was */
	recording_close(r);
	made_file_free(f);
}

/* A part of which a chunk is lost is not given half. */
static void image_with_a_hole(void)
{
	struct made_file *f = made_file_new();
	const struct elf_image *image;
	struct recording *r;

	f->bytes[f->begin[f->events[5] + 2] + CHUNK_HEADER_BYTES + 30] ^= 1;
	r = open_bytes(f, f->n);
	image = recording_image(r, &object, ELF_TAKE_UNWIND | ELF_TAKE_FILE, NULL);
	REQUIRE_TRUE(image != NULL);
	CHECK_TRUE(!image->part[0].data);
	CHECK_TRUE(image->part[1].data != NULL);
	recording_close(r);
	made_file_free(f);
}

/* ---- damage anywhere ---- */

enum { EVENTS_MAX = CHUNKS * EVENTS_EACH };

static uint64_t mix(uint64_t sum, uint64_t v)
{
	return (sum ^ v) * 0x9e3779b97f4a7c15u ^ sum >> 29;
}

/* Everything that an event says. */
static uint64_t sum_of(const struct event *e)
{
	uint64_t sum = mix(mix(mix(mix(e->type, e->time_ns), e->pid), e->tid), e->cpu);
	const struct event_sample *s = &e->sample;

	if (e->type != EVENT_SAMPLE)
		return e->type == EVENT_MMAP ? mix(mix(sum, e->mmap.start), e->mmap.size) : sum;
	sum = mix(mix(mix(mix(sum, s->ip), s->period), s->stack_bytes), s->regs.mask);
	for (unsigned int i = 0; i < REGS_MAX; i++)
		sum = mix(sum, s->regs.value[i]);
	for (unsigned int i = 0; i < s->n_kchain; i++)
		sum = mix(sum, s->kchain[i]);
	for (uint32_t i = 0; i < s->n_words; i++)
		sum = mix(mix(sum, s->words[i].addr), s->words[i].value);
	return sum;
}

/* Sums of the events that are no state of keyframes, in order. */
static uint32_t read_sums(struct recording *r, uint64_t sums[EVENTS_MAX])
{
	const struct event *e;
	uint32_t n = 0;

	while (recording_next(r, &e) == RECORDING_EVENT)
		if (e->type != EVENT_GAP && e->pid < 9000 && n < EVENTS_MAX)
			sums[n++] = sum_of(e);
	return n;
}

static void damage_anywhere(void)
{
	struct made_file *f = made_file_new();
	struct made *chance = made_new(77, MACHINE_X86_64, 1);
	uint64_t *want = calloc(EVENTS_MAX, sizeof(*want)), *got = calloc(EVENTS_MAX, sizeof(*got));
	uint8_t *sound = malloc(f->n);
	struct recording *r = open_bytes(f, f->n);
	uint32_t n_want = read_sums(r, want), n_shorter = 0;

	recording_close(r);
	memcpy(sound, f->bytes, f->n);
	for (uint32_t round = 0; round < 300; round++) {
		uint64_t from = made_below(chance, f->n), n = 1 + made_below(chance, 64);
		uint32_t n_got, w = 0;

		for (uint64_t i = 0; i < n; i++)
			f->bytes[(from + made_below(chance, 100)) % f->n] ^=
				(uint8_t)(1 << made_below(chance, 8));
		r = open_bytes(f, f->n);
		n_got = read_sums(r, got);
		/* what comes is what was there, in its order */
		for (uint32_t g = 0; g < n_got; g++, w++) {
			while (w < n_want && want[w] != got[g])
				w++;
			REQUIRE_TRUE(w < n_want, "round %u: event %u is not of the recording",
				     round, g);
		}
		/* what does not come is told */
		if (n_got < n_want) {
			n_shorter++;
			CHECK_TRUE(recording_state(r)->n_damaged > 0, "round %u", round);
			CHECK_TRUE(n_want - n_got <= 2 * EVENTS_EACH, "round %u: %u events lost",
				   round, n_want - n_got);
		}
		recording_close(r);
		memcpy(f->bytes, sound, f->n);
	}
	CHECK_TRUE(n_shorter > 50, "%u", n_shorter);
	free(sound);
	free(want);
	free(got);
	free(chance);
	made_file_free(f);
}

static void not_recordings(void)
{
	struct recording *r;
	struct err err;

	CHECK_INT(recording_open("/nonexistent/file", &r, &err), -ENOENT);
	CHECK_HAS(err.text, "'/nonexistent/file'");
	CHECK_INT(recording_open("/", &r, &err), -EISDIR);
	CHECK_INT(recording_open("/dev/null", &r, &err), -ENODATA);
	CHECK_HAS(err.text, "/dev/null");
	CHECK_INT(recording_open("/dev/zero", &r, &err), -EBADMSG);
	CHECK_HAS(err.text, "not a recording");
}

static void from_a_pipe(void)
{
	struct made_file *f = made_file_new();
	int fds[2], in = dup(0);
	struct recording *r;
	char shape[64];
	uint32_t n;
	pid_t child;

	REQUIRE_INT(pipe(fds), 0);
	child = fork();
	if (child == 0) {
		close(fds[0]);
		_exit(io_write(fds[1], f->bytes, f->n, NULL) < 0);
	}
	close(fds[1]);
	dup2(fds[0], 0);
	REQUIRE_INT(recording_open("-", &r, NULL), 0);
	read_all(r, shape, sizeof(shape), &n);
	CHECK_UINT(n, samples_of(f));
	recording_close(r);
	dup2(in, 0);
	close(in);
	close(fds[0]);
	made_file_free(f);
}

SUITE(read_read, { "a recording is read twice the same, with its first keyframe", whole },
      { "a chunk whose contents are damaged is told with its times, and its samples are counted",
	damaged_contents },
      { "a chunk whose header is damaged likewise", damaged_header },
      { "chunks cut out are missed by their numbers", cut_out },
      { "after a gap the next whole keyframe brings the state back", damaged_keyframes },
      { "a file cut anywhere gives what came before, without an end", cut_file },
      { "embedded objects are read when asked for, and reasons", images },
      { "a part with a piece lost is not given", image_with_a_hole },
      { "damage anywhere changes no event, and what is missing is told", damage_anywhere },
      { "what is no recording says so, with its name", not_recordings },
      { "a recording comes through a pipe", from_a_pipe }, )
