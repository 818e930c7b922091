/* Records: common/format/{record,encode,decode,stack,dict,places}.c */
#include "common/format/record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"
#include "common/format/codec.h"
#include "tests/unit/check.h"
#include "tests/unit/events_made.h"

enum { ROUND_EVENTS = 4000 };

/* The flat image must hold the words that were kept, and 0 everywhere else of the range. */
static bool view_matches(const struct event_sample *s)
{
	const struct stack_view *v = &s->view;
	uint32_t n = s->n_words;

	if (!s->stack_bytes)
		return true;
	for (uint64_t addr = v->lo; addr + 8 <= v->hi; addr += 8) {
		uint64_t want = 0;

		if (n && s->words[n - 1].addr == addr)
			want = s->words[--n].value;
		if (v->slot[addr >> 3 & v->mask] != want)
			return false;
	}
	return n == 0;
}

/* What a thread's previous sample looked like, to judge `floor`. */
struct before {
	uint32_t n;
	uint64_t lo, hi;
	struct stack_word words[STACK_WORDS_MAX];
};

static bool equal_from(const struct before *b, const struct event_sample *s, uint64_t floor)
{
	uint32_t i = 0;

	if (floor < s->view.lo || floor < b->lo || b->hi != s->view.hi)
		return false;
	for (;; i++) {
		bool old = i < b->n && b->words[i].addr >= floor;
		bool new = i < s->n_words && s->words[i].addr >= floor;

		if (!old || !new)
			return old == new;
		if (memcmp(&b->words[i], &s->words[i], sizeof(b->words[i])))
			return false;
	}
}

static void round_trip(uint64_t seed, enum machine machine, uint32_t n_words)
{
	struct made *in = made_new(seed, machine, n_words), *out = made_new(seed, machine, n_words);
	struct before *before = calloc(MADE_THREADS, sizeof(*before));
	struct record_encoder *e = record_encoder_new(machine, NULL);
	struct record_decoder *d = record_decoder_new(machine);
	struct err err = { 0 };
	uint32_t n = 0, n_done = 0, n_floors = 0;

	while (n_done < ROUND_EVENTS) {
		struct chunk_header h = { 0 };
		const uint8_t *bytes;
		struct event want;
		struct record got;
		struct made saved = *in;
		size_t n_bytes;

		record_encoder_begin(e);
		for (n = 0; n < 1000; n++) {
			saved = *in;
			made_next(in, &want);
			if (record_encoder_put(e, &want) == -ENOSPC) {
				*in = saved;
				break;
			}
		}
		REQUIRE_TRUE(n > 0);
		bytes = record_encoder_bytes(e, &n_bytes);
		for (uint32_t i = 0; i < MADE_THREADS; i++)
			before[i].hi = 0;
		record_decoder_begin(d, &h, bytes, n_bytes);
		for (uint32_t i = 0; i < n; i++, n_done++) {
			const char *what = "";
			struct before *b;

			made_next(out, &want);
			REQUIRE_INT(record_decoder_next(d, &got, &err), RECORD_EVENT);
			REQUIRE_TRUE(made_equal(&want, &got.event, &what),
				     "seed %ju event %u differs in %s", (uintmax_t)seed, n_done,
				     what);
			if (want.type != EVENT_SAMPLE)
				continue;
			REQUIRE_TRUE(view_matches(&got.event.sample), "seed %ju event %u",
				     (uintmax_t)seed, n_done);
			b = &before[(want.pid - 100) * 3 + want.tid - want.pid];
			if (got.event.sample.view.slot &&
			    got.event.sample.view.floor != UINT64_MAX) {
				n_floors++;
				REQUIRE_TRUE(equal_from(b, &got.event.sample,
							got.event.sample.view.floor));
			}
			b->n = got.event.sample.n_words;
			b->lo = got.event.sample.view.lo;
			b->hi = got.event.sample.view.hi;
			if (b->n)
				memcpy(b->words, got.event.sample.words,
				       b->n * sizeof(b->words[0]));
		}
		CHECK_INT(record_decoder_next(d, &got, &err), RECORD_END);
	}
	CHECK_TRUE(n_floors > ROUND_EVENTS / 20, "only %u samples shared their outer frames",
		   n_floors);
	record_encoder_free(e);
	record_decoder_free(d);
	free(before);
	free(in);
	free(out);
}

static void round_trips(void)
{
	for (uint64_t seed = 1; seed <= 6; seed++)
		round_trip(seed, MACHINE_X86_64, seed % 3 ? 100 : 1500);
	round_trip(7, MACHINE_AARCH64, 100);
}

/* ---- limits ---- */

struct single {
	struct record_encoder *e;
	struct record_decoder *d;
	struct record got;
};

static void single_open(struct single *s)
{
	s->e = record_encoder_new(MACHINE_X86_64, NULL);
	s->d = record_decoder_new(MACHINE_X86_64);
}

static void single_close(struct single *s)
{
	record_encoder_free(s->e);
	record_decoder_free(s->d);
}

/* Encodes one event in a chunk of its own and decodes it. */
static enum record_read single_round(struct single *s, const struct event *event)
{
	struct chunk_header h = { 0 };
	const uint8_t *bytes;
	size_t n;

	record_encoder_begin(s->e);
	REQUIRE_INT(record_encoder_put(s->e, event), 0);
	bytes = record_encoder_bytes(s->e, &n);
	record_decoder_begin(s->d, &h, bytes, n);
	return record_decoder_next(s->d, &s->got, NULL);
}

static const uint64_t extremes[] = {
	0,	    1,
	0x7f,	    0x80,
	0xfff,	    0x1000,
	0x7fffffff, 0x80000000,
	UINT32_MAX, UINT64_C(1) << 32,
	INT64_MAX,  UINT64_C(1) << 63,
	UINT64_MAX,
};

static void field_extremes(void)
{
	struct single s;
	const char *what = "";

	single_open(&s);
	for (size_t i = 0; i < sizeof(extremes) / sizeof(extremes[0]); i++) {
		uint64_t v = extremes[i], kchain[1] = { v };
		uint32_t small = (uint32_t)v;
		struct event sample = { .type = EVENT_SAMPLE,
					.time_ns = v,
					.pid = small,
					.tid = ~small,
					.cpu = small,
					.sample = { .period = v,
						    .ip = v,
						    .kchain = kchain,
						    .n_kchain = 1,
						    .source = SOURCE_MAX - 1,
						    .user = true,
						    .regs.mask = (UINT64_C(1) << 17) - 1 } };
		struct event map = { .type = EVENT_MMAP,
				     .time_ns = v,
				     .pid = small,
				     .cpu = small,
				     .mmap = { .start = v,
					       .size = v,
					       .pgoff = v,
					       .maj = small,
					       .min = small,
					       .ino = v,
					       .path = "" } };
		struct event fork = { .type = EVENT_FORK,
				      .time_ns = v,
				      .pid = small,
				      .tid = small + 1,
				      .fork = { .ppid = ~small, .ptid = small } };
		struct event lost = { .type = EVENT_LOST,
				      .lost = { .source = SOURCE_MAX, .n = v } };

		for (unsigned int r = 0; r < 17; r++)
			sample.sample.regs.value[r] = v + r;
		CHECK_INT(single_round(&s, &sample), RECORD_EVENT);
		CHECK_TRUE(made_equal(&sample, &s.got.event, &what), "%jx: %s", (uintmax_t)v, what);
		CHECK_INT(single_round(&s, &map), RECORD_EVENT);
		CHECK_TRUE(made_equal(&map, &s.got.event, &what), "%jx: %s", (uintmax_t)v, what);
		CHECK_INT(single_round(&s, &fork), RECORD_EVENT);
		CHECK_TRUE(made_equal(&fork, &s.got.event, &what), "%jx: %s", (uintmax_t)v, what);
		CHECK_INT(single_round(&s, &lost), RECORD_EVENT);
		CHECK_TRUE(made_equal(&lost, &s.got.event, &what), "%jx: %s", (uintmax_t)v, what);
	}
	single_close(&s);
}

static void largest_stack(void)
{
	static struct stack_word words[STACK_WORDS_MAX];
	struct event e = { .type = EVENT_SAMPLE,
			   .pid = 1,
			   .tid = 1,
			   .sample = { .user = true,
				       .words = words,
				       .n_words = STACK_WORDS_MAX,
				       .stack_bytes = STACK_BYTES_MAX,
				       .regs.mask = UINT64_C(1) << X86_RSP } };
	uint64_t sp = UINT64_C(0x7ffd00000000);
	const char *what = "";
	struct single s;

	single_open(&s);
	e.sample.regs.value[X86_RSP] = sp;
	for (uint32_t i = 0; i < STACK_WORDS_MAX; i++)
		words[i] = (struct stack_word){ sp + 8 * (STACK_WORDS_MAX - 1 - i),
						i * UINT64_C(0x123456789abcdef) };
	CHECK_INT(single_round(&s, &e), RECORD_EVENT);
	CHECK_TRUE(made_equal(&e, &s.got.event, &what), "%s", what);
	CHECK_TRUE(view_matches(&s.got.event.sample));
	single_close(&s);
}

static void longest_path(void)
{
	char path[PATH_MAX_BYTES];
	struct event e = { .type = EVENT_MMAP,
			   .mmap = { .start = 4096, .size = 4096, .path = path } };
	const char *what = "";
	struct single s;

	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = 0;
	single_open(&s);
	CHECK_INT(single_round(&s, &e), RECORD_EVENT);
	CHECK_TRUE(made_equal(&e, &s.got.event, &what), "%s", what);
	single_close(&s);
}

static void refused_changes_nothing(void)
{
	struct made *in = made_new(99, MACHINE_X86_64, 1500),
		    *out = made_new(99, MACHINE_X86_64, 1500);
	struct record_counters counters = { .n = { 1, 2, 3, UINT64_MAX } };
	struct chunk_header h = { 0 };
	struct single s;
	struct event event;
	uint32_t n = 0, n_chains = 0, n_refused = 0;
	const uint8_t *bytes;
	size_t n_bytes;

	single_open(&s);
	record_encoder_begin(s.e);
	/* small events still fit after a large one was refused: the chunk must stay readable */
	while (n_refused < 50) {
		made_next(in, &event);
		if (record_encoder_put(s.e, &event) < 0) {
			n_refused++;
			continue;
		}
		n++;
		n_chains += event.type == EVENT_SAMPLE && event.sample.n_uchain;
	}
	record_encoder_put_counters(s.e, &counters);
	bytes = record_encoder_bytes(s.e, &n_bytes);
	CHECK_TRUE(n_bytes <= CHUNK_RAW_MAX && n_bytes > CHUNK_RAW_MAX * 3 / 4, "%zu bytes",
		   n_bytes);
	CHECK_UINT(record_encoder_n(s.e), n + n_chains + 1);
	record_decoder_begin(s.d, &h, bytes, n_bytes);
	for (uint32_t i = 0; i < n; i++) {
		const char *what = "";

		REQUIRE_INT(record_decoder_next(s.d, &s.got, NULL), RECORD_EVENT);
		do
			made_next(out, &event); /* skips the refused ones */
		while (!made_equal(&event, &s.got.event, &what) && n_refused--);
	}
	CHECK_TRUE(n_refused <= 50);
	REQUIRE_INT(record_decoder_next(s.d, &s.got, NULL), RECORD_COUNTERS);
	CHECK_MEM(&s.got.counters, &counters, sizeof(counters));
	CHECK_INT(record_decoder_next(s.d, &s.got, NULL), RECORD_END);
	free(in);
	free(out);
	single_close(&s);
}

static void too_many_threads(void)
{
	struct event e = { .type = EVENT_SAMPLE, .sample = { .ip = 1 } };
	struct single s;

	single_open(&s);
	record_encoder_begin(s.e);
	for (uint32_t i = 0; i < CODEC_THREADS_MAX; i++) {
		e.pid = e.tid = i;
		REQUIRE_INT(record_encoder_put(s.e, &e), 0);
	}
	e.tid = 1 << 20;
	CHECK_INT(record_encoder_put(s.e, &e), -ENOSPC);
	e.pid = e.tid = 7;
	CHECK_INT(record_encoder_put(s.e, &e), 0);
	record_encoder_begin(s.e);
	e.tid = 1 << 20;
	CHECK_INT(record_encoder_put(s.e, &e), 0);
	single_close(&s);
}

/* Equal stacks take few bytes and much work: a chunk says when it is enough, on both sides. */
static void too_many_words(void)
{
	static struct stack_word words[STACK_WORDS_MAX];
	struct event e = { .type = EVENT_SAMPLE,
			   .pid = 1,
			   .tid = 1,
			   .sample = { .user = true,
				       .words = words,
				       .n_words = STACK_WORDS_MAX,
				       .stack_bytes = STACK_BYTES_MAX,
				       .regs.mask = UINT64_C(1) << X86_RSP } };
	struct chunk_header h = { 0 };
	uint32_t n = 0, n_read = 0;
	const uint8_t *bytes;
	struct single s;
	size_t n_bytes;

	single_open(&s);
	record_encoder_begin(s.e);
	e.sample.regs.value[X86_RSP] = 4096;
	for (uint32_t i = 0; i < STACK_WORDS_MAX; i++)
		words[i] = (struct stack_word){ 4096 + 8 * (STACK_WORDS_MAX - 1 - i), 4096 };
	while (record_encoder_put(s.e, &e) == 0)
		n++;
	CHECK_UINT(n, CODEC_WORDS_MAX / STACK_WORDS_MAX);
	bytes = record_encoder_bytes(s.e, &n_bytes);
	CHECK_TRUE(n_bytes < 200000, "%zu", n_bytes);
	record_decoder_begin(s.d, &h, bytes, n_bytes);
	while (record_decoder_next(s.d, &s.got, NULL) == RECORD_EVENT)
		n_read++;
	CHECK_UINT(n_read, n);
	single_close(&s);
}

/* ---- bytes that a writer would not write ---- */

/* Reads to the end; what comes out does not matter, what it costs does. */
static uint32_t read_all(struct record_decoder *d, const uint8_t *bytes, size_t n)
{
	uint8_t *exact = malloc(n ? n : 1);
	struct chunk_header h = { 0 };
	struct record r;
	uint32_t n_read = 0;

	memcpy(exact, bytes, n); /* of its exact size, for the sanitizers */
	record_decoder_begin(d, &h, exact, n);
	while (record_decoder_next(d, &r, NULL) > 0)
		n_read++;
	record_decoder_begin(d, &h, exact, 0);
	free(exact);
	return n_read;
}

static void cut_everywhere(void)
{
	struct made *in = made_new(5, MACHINE_X86_64, 40);
	size_t end[64], n_bytes;
	struct single s;
	struct event event;
	const uint8_t *bytes;
	uint32_t n = 0;

	single_open(&s);
	record_encoder_begin(s.e);
	for (; n < 64; n++) {
		made_next(in, &event);
		REQUIRE_INT(record_encoder_put(s.e, &event), 0);
		record_encoder_bytes(s.e, &end[n]);
	}
	bytes = record_encoder_bytes(s.e, &n_bytes);
	n = 0;
	for (size_t cut = 1; cut <= n_bytes; cut++) {
		if (cut == end[n])
			n++;
		REQUIRE_INT(read_all(s.d, bytes, cut), n);
	}
	CHECK_INT(read_all(s.d, bytes, 0), 0);
	free(in);
	single_close(&s);
}

static void damaged_anyhow(void)
{
	struct made *in = made_new(6, MACHINE_X86_64, 60);
	size_t n_bytes;
	struct single s;
	struct event event;
	const uint8_t *bytes;
	uint8_t *broken;
	uint32_t n_read = 0;

	single_open(&s);
	record_encoder_begin(s.e);
	for (uint32_t n = 0; n < 200; n++) {
		made_next(in, &event);
		REQUIRE_INT(record_encoder_put(s.e, &event), 0);
	}
	bytes = record_encoder_bytes(s.e, &n_bytes);
	broken = malloc(n_bytes);
	for (uint32_t i = 0; i < 5000; i++) {
		memcpy(broken, bytes, n_bytes);
		for (uint64_t k = 1 + made_below(in, 4); k; k--)
			broken[made_below(in, n_bytes)] = (uint8_t)made_random(in);
		n_read += read_all(s.d, broken, n_bytes);
	}
	CHECK_TRUE(n_read > 5000, "%u", n_read);
	/* and is sound afterwards */
	CHECK_INT(read_all(s.d, bytes, n_bytes), 200);
	free(broken);
	free(in);
	single_close(&s);
}

static void unknown_records_are_skipped(void)
{
	static const uint8_t bytes[] = {
		MACHINE_X86_64,
		200,
		0x83,
		0x00,
		1,
		2,
		3, /* type 200, length 3 in a longer form than needed */
		RECORD_EXIT,
		2,
		20,
		14,
		0, /* cpu 2, 10 ns, pid 7 */
	};
	static const uint8_t reserved[] = { MACHINE_X86_64, 15, 0 };
	static const uint8_t other_machine[] = { 9, RECORD_EXIT, 2, 20, 14, 0 };
	struct chunk_header h = { 0 };
	struct single s;

	single_open(&s);
	record_decoder_begin(s.d, &h, bytes, sizeof(bytes));
	REQUIRE_INT(record_decoder_next(s.d, &s.got, NULL), RECORD_EVENT);
	CHECK_INT(s.got.event.type, EVENT_EXIT);
	CHECK_UINT(s.got.event.time_ns, 10);
	CHECK_UINT(s.got.event.pid, 7);
	CHECK_UINT(s.got.event.tid, 7);
	CHECK_INT(record_decoder_next(s.d, &s.got, NULL), RECORD_END);
	record_decoder_begin(s.d, &h, reserved, sizeof(reserved));
	CHECK_INT(record_decoder_next(s.d, &s.got, NULL), RECORD_BAD);
	record_decoder_begin(s.d, &h, other_machine, sizeof(other_machine));
	CHECK_INT(record_decoder_next(s.d, &s.got, NULL), RECORD_BAD);
	single_close(&s);
}

static void more_counters_than_known(void)
{
	uint8_t bytes[3 + COUNTERS + 2] = { MACHINE_X86_64, RECORD_COUNTER_VALUES, COUNTERS + 2,
					    5 };
	static const uint8_t fewer[] = { MACHINE_X86_64, RECORD_COUNTER_VALUES, 1, 9 };
	struct chunk_header h = { 0 };
	struct single s;

	bytes[sizeof(bytes) - 1] = 77;
	single_open(&s);
	record_decoder_begin(s.d, &h, bytes, sizeof(bytes));
	REQUIRE_INT(record_decoder_next(s.d, &s.got, NULL), RECORD_COUNTERS);
	CHECK_UINT(s.got.counters.n[0], 5);
	CHECK_INT(record_decoder_next(s.d, &s.got, NULL), RECORD_END);
	record_decoder_begin(s.d, &h, fewer, sizeof(fewer));
	REQUIRE_INT(record_decoder_next(s.d, &s.got, NULL), RECORD_COUNTERS);
	CHECK_UINT(s.got.counters.n[0], 9);
	CHECK_UINT(s.got.counters.n[1], 0);
	single_close(&s);
}

static void sources(void)
{
	struct record_source in = {
		.name = "sCPU", .unit = "nanoseconds", .frequency_hz = 99, .period = UINT64_MAX
	};
	struct chunk_header h = { 0 };
	const uint8_t *bytes;
	struct single s;
	size_t n;

	single_open(&s);
	record_encoder_begin(s.e);
	REQUIRE_INT(record_encoder_put_source(s.e, SOURCE_MAX - 1, &in), 0);
	bytes = record_encoder_bytes(s.e, &n);
	record_decoder_begin(s.d, &h, bytes, n);
	REQUIRE_INT(record_decoder_next(s.d, &s.got, NULL), RECORD_SOURCE);
	CHECK_INT(s.got.source_index, SOURCE_MAX - 1);
	CHECK_STR(s.got.source.name, "sCPU");
	CHECK_STR(s.got.source.unit, "nanoseconds");
	CHECK_UINT(s.got.source.frequency_hz, 99);
	CHECK_UINT(s.got.source.period, UINT64_MAX);
	single_close(&s);
}

SUITE(format_record,
      { "events come back as they went in, and so do the stacks' flat images", round_trips },
      { "every field survives its extremes", field_extremes },
      { "the largest stack of words that are no addresses survives", largest_stack },
      { "the longest path survives", longest_path },
      { "a record that does not fit changes nothing, and counters always fit",
	refused_changes_nothing },
      { "a chunk refuses more threads than it may have", too_many_threads },
      { "a chunk refuses more stack words than readers should work for", too_many_words },
      { "records cut at every length give what was whole", cut_everywhere },
      { "damaged records are read without harm", damaged_anyhow },
      { "unknown records are skipped, reserved ones and other machines refused",
	unknown_records_are_skipped },
      { "newer writers may have more counters, older ones fewer", more_counters_than_known },
      { "event sources survive", sources }, )
