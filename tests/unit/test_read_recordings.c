/* Segments and snapshots: several files as one recording. */
#include "report/read/recordings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/format/file.h"
#include "common/format/object.h"
#include "report/read/read.h"
#include "tests/unit/check.h"

enum { FILES = 3, NAME_MAX_BYTES = 128, SAMPLES_EACH = 10 };

/*
 * Chunk i has SAMPLES_EACH samples at i * 100 + k. A file begins with the state as of the chunk
 * before its first one.
 */
struct script {
	const char *recording, *segment; /* NULL: no such entry */
	int from, to;			 /* chunks; to: behind the last */
	bool no_end;
	int skip; /* this chunk is lost when it is written; 0: none */
};

static char dir[64];
static char *path[FILES];
static struct recordings *all;

static int put_bytes(void *ctx, const void *bytes, size_t n)
{
	return fwrite(bytes, 1, n, ctx) == n ? 0 : -EIO;
}

static void put_records(struct chunk_writer *w, struct record_encoder *e, enum chunk_type type,
			unsigned int flags)
{
	uint64_t first_ns, last_ns;
	size_t n;
	const uint8_t *bytes = record_encoder_bytes(e, &n);

	record_encoder_times(e, &first_ns, &last_ns);
	REQUIRE_INT(
		chunk_writer_put(w, type, flags, bytes, n, record_encoder_n(e), first_ns, last_ns),
		0);
}

static void put_state(struct chunk_writer *w, struct record_encoder *e, uint64_t time_ns)
{
	struct event comm = { .type = EVENT_COMM, .time_ns = time_ns, .pid = 1, .tid = 1 };

	record_encoder_begin(e);
	REQUIRE_INT(record_encoder_put(e, &comm), 0);
	put_records(w, e, CHUNK_KEYFRAME, CHUNK_FLAG_FIRST | CHUNK_FLAG_LAST);
}

static void put_samples(struct chunk_writer *w, struct record_encoder *e, int chunk)
{
	record_encoder_begin(e);
	for (int k = 1; k <= SAMPLES_EACH; k++) {
		struct event sample = { .type = EVENT_SAMPLE, .pid = 1, .tid = 1 };

		sample.time_ns = (uint64_t)(chunk * 100 + k);
		sample.sample.in_kernel = true;
		REQUIRE_INT(record_encoder_put(e, &sample), 0);
	}
	put_records(w, e, CHUNK_EVENTS, 0);
}

static void put_end(struct chunk_writer *w, struct record_encoder *e, const struct script *s)
{
	struct record_counters counters = { 0 };
	const uint8_t *bytes;
	size_t n;

	counters.n[COUNTER_SAMPLES_STORED] = (uint64_t)((s->to - s->from) * SAMPLES_EACH);
	record_encoder_begin(e);
	record_encoder_put_counters(e, &counters);
	bytes = record_encoder_bytes(e, &n);
	REQUIRE_INT(chunk_writer_put(w, CHUNK_END, 0, bytes, n, 1, 0,
				     (uint64_t)((s->to - 1) * 100 + SAMPLES_EACH)),
		    0);
}

static void put_manifest(struct chunk_writer *w, const struct script *s)
{
	uint8_t bytes[128];
	size_t n = 0;
	uint32_t n_pairs = 1;

	manifest_put(bytes, sizeof(bytes), &n, "stacks", "none");
	if (s->recording)
		n_pairs += manifest_put(bytes, sizeof(bytes), &n, "recording", s->recording) == 0;
	if (s->segment)
		n_pairs += manifest_put(bytes, sizeof(bytes), &n, "segment", s->segment) == 0;
	REQUIRE_INT(chunk_writer_put(w, CHUNK_MANIFEST, 0, bytes, n, n_pairs, 0, 0), 0);
}

static void write_file(const struct script *s, const char *to)
{
	struct err err = { 0 };
	FILE *file = fopen(to, "w");
	struct chunk_writer *w = chunk_writer_new(1, put_bytes, file, &err);
	struct record_encoder *e = record_encoder_new(MACHINE_X86_64, &err);

	REQUIRE_INT(chunk_writer_begin(w), 0);
	put_manifest(w, s);
	put_state(w, e, (uint64_t)((s->from - 1) * 100 + SAMPLES_EACH));
	for (int i = s->from; i < s->to; i++) {
		if (s->skip == i)
			chunk_writer_skip(w, 1);
		else
			put_samples(w, e, i);
	}
	if (!s->no_end)
		put_end(w, e, s);
	record_encoder_free(e);
	chunk_writer_free(w);
	fclose(file);
}

static int open_all(const struct script *s, size_t n, struct err *err)
{
	snprintf(dir, sizeof(dir), "/tmp/ddprof-test-recordings-%d", (int)getpid());
	mkdir(dir, 0700);
	for (size_t i = 0; i < n; i++) {
		path[i] = malloc(NAME_MAX_BYTES);
		snprintf(path[i], NAME_MAX_BYTES, "%s/file-%zu", dir, i);
		write_file(&s[i], path[i]);
	}
	return recordings_open(path, n, &all, err);
}

static void close_all(void)
{
	recordings_close(all);
	all = NULL;
	for (int i = 0; i < FILES; i++) {
		if (path[i])
			unlink(path[i]);
		free(path[i]);
		path[i] = NULL;
	}
	rmdir(dir);
}

static struct recording *take_one(void)
{
	struct err err = { 0 };
	struct recording *r = NULL;

	REQUIRE_INT(recordings_n(all), 1);
	REQUIRE_INT(recordings_take(all, 0, &r, &err), 0);
	return r;
}

/* "k12G5": state, samples of chunks 1 and 2, a gap, samples of chunk 5. */
static const char *shape_of(struct recording *r)
{
	static char shape[64];
	const struct event *e;
	size_t n = 0;

	while (recording_next(r, &e) == RECORDING_EVENT && n < sizeof(shape) - 1) {
		if (e->type == EVENT_GAP)
			shape[n++] = 'G';
		else if (e->type == EVENT_COMM)
			shape[n++] = 'k';
		else if (e->time_ns % 100 == 1)
			shape[n++] = (char)('0' + e->time_ns / 100);
	}
	shape[n] = 0;
	return shape;
}

static char hole[256];
static int n_holes;

static void note_hole(void *ctx, uint64_t from_ns, uint64_t to_ns, const char *reason)
{
	(void)ctx;
	n_holes++;
	snprintf(hole, sizeof(hole), "%d-%d: %s", (int)from_ns, (int)to_ns, reason);
}

static void look_for_holes(const struct recording *r)
{
	n_holes = 0;
	hole[0] = 0;
	recording_each_hole(r, note_hole, NULL);
}

static void segments(void)
{
	static const struct script s[] = {
		{ "abc", "3", 5, 7, false, 0 }, /* in any order */
		{ "abc", "1", 1, 3, false, 0 },
		{ "abc", "2", 3, 5, false, 0 },
	};
	struct recording *r;

	REQUIRE_INT(open_all(s, 3, NULL), 0);
	r = take_one();
	for (int i = 0; i < 2; i++) { /* read again, it is the same */
		CHECK_STR(shape_of(r), "k123456");
		CHECK_UINT(recording_state(r)->counters.n[COUNTER_SAMPLES_STORED], 60);
		CHECK_UINT(recording_state(r)->samples_unreadable, 0);
		CHECK_TRUE(recording_state(r)->ended);
		recording_rewind(r);
	}
	CHECK_UINT(recording_state(r)->first_ns, 101);
	CHECK_UINT(recording_state(r)->last_ns, 610);
	CHECK_STR(recording_manifest(r, "segment"), "1-3");
	look_for_holes(r);
	CHECK_INT(n_holes, 0);
	recording_close(r);
	close_all();
}

static void a_missing_segment(void)
{
	static const struct script s[] = {
		{ "abc", "1", 1, 3, false, 0 },
		{ "abc", "4", 5, 7, false, 0 },
	};
	struct recording *r;

	REQUIRE_INT(open_all(s, 2, NULL), 0);
	r = take_one();
	CHECK_STR(shape_of(r), "k12Gk56");
	CHECK_STR(recording_manifest(r, "segment"), "1, 4");
	look_for_holes(r);
	CHECK_INT(n_holes, 1);
	CHECK_STR(hole, "210-410: segments 2 to 3 are not among the files");
	recording_close(r);
	close_all();
}

static void snapshots(void)
{
	static const struct script s[] = {
		{ "abc", "1", 1, 4, false, 0 },
		{ "abc", "2", 2, 6, false, 0 },
		{ "abc", NULL, 4, 8, false, 0 },
	};
	struct recording *r;

	REQUIRE_INT(open_all(s, 3, NULL), 0);
	r = take_one();
	CHECK_STR(shape_of(r), "k1234567");
	CHECK_UINT(recording_state(r)->samples_repeated, 40);
	CHECK_UINT(recording_state(r)->counters.n[COUNTER_SAMPLES_STORED], 70);
	CHECK_UINT(recording_state(r)->samples_unreadable, 0);
	recording_close(r);
	close_all();
}

static void snapshots_with_losses(void)
{
	static const struct script s[] = {
		{ "abc", "1", 1, 5, true, 3 },
		{ "abc", "2", 3, 7, false, 0 },
	};
	struct recording *r;

	REQUIRE_INT(open_all(s, 2, NULL), 0);
	r = take_one();
	/* 3 was lost in the first; 4 is its last, and the second one goes on behind it */
	CHECK_STR(shape_of(r), "k12G4Gk56");
	CHECK_TRUE(!recording_state(r)->ended);
	recording_close(r);
	close_all();
}

static void the_same_file_twice(void)
{
	static const struct script s = { NULL, NULL, 1, 4, false, 0 };
	char *twice[2];
	struct recording *r;

	REQUIRE_INT(open_all(&s, 1, NULL), 0);
	recordings_close(all);
	twice[0] = twice[1] = path[0];
	REQUIRE_INT(recordings_open(twice, 2, &all, NULL), 0);
	r = take_one();
	CHECK_STR(shape_of(r), "k123");
	CHECK_UINT(recording_state(r)->counters.n[COUNTER_SAMPLES_STORED], 30);
	recording_close(r);
	close_all();
}

static void different_recordings(void)
{
	static const struct script s[] = {
		{ "abc", "1", 1, 4, false, 0 },
		{ "def", "1", 1, 4, false, 0 },
		{ NULL, NULL, 1, 4, false, 0 },
	};

	REQUIRE_INT(open_all(s, 3, NULL), 0);
	CHECK_UINT(recordings_n(all), 3);
	for (size_t i = 0; i < 3; i++) {
		struct recording *r = NULL;

		CHECK_STR(recordings_path(all, i), path[i]);
		REQUIRE_INT(recordings_take(all, i, &r, NULL), 0);
		CHECK_STR(shape_of(r), "k123");
		recording_close(r);
	}
	close_all();
}

static void note_reason(void *ctx, const char *reason)
{
	snprintf(ctx, 256, "%s", reason);
}

static void damaged_beyond_reading(void)
{
	static const struct script s[] = {
		{ "abc", "1", 1, 3, false, 0 },
		{ "abc", "2", 3, 5, false, 0 },
		{ "abc", "3", 5, 7, false, 0 },
	};
	char reason[256] = "";
	struct err err = { 0 };
	struct recording *r;

	REQUIRE_INT(open_all(s, 3, &err), 0);
	recordings_close(all);
	REQUIRE_INT(truncate(path[1], 0), 0);
	REQUIRE_INT(recordings_open(path, 3, &all, &err), 0);
	recordings_each_left_out(all, note_reason, reason);
	CHECK_HAS(reason, "file-1': file is empty");
	r = take_one();
	CHECK_STR(shape_of(r), "k12Gk56");
	recording_close(r);
	recordings_close(all);
	all = NULL;
	CHECK_INT(recordings_open(path + 1, 1, &all, &err), -ENODATA); /* alone it is an error */
	close_all();
}

static void directories(void)
{
	static const struct script s[] = {
		{ "abc", "1", 1, 3, false, 0 },
		{ "abc", "2", 3, 5, false, 0 },
	};
	char *names[1] = { dir };
	struct err err = { 0 };
	struct recording *r;

	REQUIRE_INT(open_all(s, 2, NULL), 0);
	recordings_close(all);
	REQUIRE_INT(recordings_open(names, 1, &all, &err), 0);
	r = take_one();
	CHECK_STR(shape_of(r), "k1234");
	recording_close(r);
	recordings_close(all);
	all = NULL;
	names[0] = (char[]){ "/proc/self/fdinfo" };
	CHECK_INT(recordings_open(names, 1, &all, &err), -ENODATA);
	CHECK_HAS(err.text, "no recording lies in directory '/proc/self/fdinfo'");
	close_all();
}

SUITE(read_recordings, { "segments go on in each other", segments },
      { "a segment that is not there is a gap with its numbers", a_missing_segment },
      { "what snapshots have in common comes once", snapshots },
      { "after a loss the next snapshot begins with its state", snapshots_with_losses },
      { "a file given twice comes once", the_same_file_twice },
      { "files of other recordings are other recordings", different_recordings },
      { "a file damaged beyond reading is left out of several", damaged_beyond_reading },
      { "a directory is the recordings in it", directories }, )
