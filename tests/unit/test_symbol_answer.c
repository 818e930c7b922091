/* Answers: what is built opens as it was meant, and what was changed does not open. */
#include "tests/unit/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/format/crc.h"
#include "report/symbol/answer.h"
#include "report/symbol/answer_layout.h"

static uint32_t put_frame(struct answers_builder *b, const char *name, uint32_t line,
			  uint32_t caller)
{
	struct answer_frame f = {
		.name = answers_text_put(b, name, strlen(name)),
		.file = answers_text_put(b, "/src/a.c", 8),
		.line = line,
		.caller = caller,
		.flags = ANSWER_DWARF,
		.start = 0x1000,
	};

	return answers_frame_put(b, &f);
}

/* 0x1000 main:10 <- inl:3; 0x1008 main:11; 0x2000 nothing */
static void build(struct buf *ret)
{
	struct answers_builder *b = answers_builder_new();
	uint32_t main_10 = put_frame(b, "main", 10, ANSWER_NONE);

	answers_put(b, 0x2000, ANSWER_NONE);
	answers_put(b, 0x1008, put_frame(b, "main", 11, ANSWER_NONE));
	answers_put(b, 0x1000, put_frame(b, "inl", 3, main_10));
	buf_init(ret);
	answers_finish(b, ret);
	answers_builder_free(b);
}

static int open_copy(const void *bytes, size_t n)
{
	void *copy = malloc(n + 1); /* of its own size, so that reading past it is found */
	struct err err = { 0 };
	struct answers a;
	int status;

	copy = realloc(copy, n ? n : 1);
	memcpy(copy, bytes, n);
	status = answers_open(copy, n, &a, &err);
	CHECK_TRUE(status == 0 || err.text[0]);
	free(copy);
	return status;
}

static void round_trip(void)
{
	const struct answer_frame *f;
	struct err err = { 0 };
	struct answers a;
	struct buf buf;
	uint32_t i;

	build(&buf);
	REQUIRE_INT(answers_open(buf.data, buf.n, &a, &err), 0);
	CHECK_UINT(a.n, 3);
	CHECK_UINT(a.n_frames, 3);
	REQUIRE_TRUE(answers_find(&a, 0x1000, &i));
	f = &a.frame[a.first[i]];
	CHECK_STR(answers_text(&a, f->name), "inl");
	CHECK_STR(answers_text(&a, f->file), "/src/a.c");
	CHECK_UINT(f->line, 3);
	f = &a.frame[f->caller];
	CHECK_STR(answers_text(&a, f->name), "main");
	CHECK_UINT(f->caller, ANSWER_NONE);
	CHECK_UINT(f->start, 0x1000);
	REQUIRE_TRUE(answers_find(&a, 0x2000, &i));
	CHECK_UINT(a.first[i], ANSWER_NONE);
	CHECK_TRUE(!answers_find(&a, 0x1004, &i) && !answers_find(&a, 0, &i) &&
		   !answers_find(&a, 0x3000, &i));
	buf_done(&buf);
}

static void empty(void)
{
	struct answers_builder *b = answers_builder_new();
	struct err err = { 0 };
	struct answers a;
	struct buf buf;
	uint32_t i;

	buf_init(&buf);
	answers_finish(b, &buf);
	answers_builder_free(b);
	REQUIRE_INT(answers_open(buf.data, buf.n, &a, &err), 0);
	CHECK_UINT(a.n, 0);
	CHECK_TRUE(!answers_find(&a, 1, &i));
	buf_done(&buf);
}

static void shared(void)
{
	struct answers_builder *b = answers_builder_new();
	uint32_t one = put_frame(b, "f", 1, ANSWER_NONE), two = put_frame(b, "g", 2, one);

	CHECK_UINT(put_frame(b, "f", 1, ANSWER_NONE), one);
	CHECK_UINT(put_frame(b, "g", 2, one), two);
	CHECK_TRUE(put_frame(b, "g", 2, two) != two);
	CHECK_UINT(answers_text_put(b, "f\0x", 3), answers_text_put(b, "f", 1));
	CHECK_UINT(answers_text_put(b, "", 0), 0);
	answers_builder_free(b);
}

/* 20 000 different frames: the tables grow several times and still find each of them. */
static void many(void)
{
	enum { N = 20000 };
	struct answers_builder *b = answers_builder_new();
	uint64_t *addr = mem_alloc(N * sizeof(*addr));
	uint32_t *first = mem_alloc(N * sizeof(*first)), *frame = mem_alloc(N * sizeof(*frame));
	bool *known = mem_alloc(N * sizeof(*known));
	struct err err = { 0 };
	struct answers a;
	struct buf buf;

	buf_init(&buf);
	for (uint32_t i = 0; i < N; i++) {
		char name[16];
		uint32_t at = i * 7919 % N; /* in no order */

		snprintf(name, sizeof(name), "f%u", at / 2);
		frame[at] = put_frame(b, name, at, ANSWER_NONE);
		answers_put(b, at * 16, frame[at]);
	}
	answers_finish(b, &buf);
	REQUIRE_INT(answers_open(buf.data, buf.n, &a, &err), 0);
	for (uint32_t i = 0; i < N; i++)
		addr[i] = i * 16 + i % 3;
	answers_join(&a, addr, N, first, known);
	for (uint32_t i = 0; i < N; i++) {
		REQUIRE_TRUE(known[i] == !(i % 3));
		REQUIRE_TRUE(first[i] == (known[i] ? frame[i] : ANSWER_NONE));
		REQUIRE_TRUE(!known[i] || a.frame[first[i]].line == i);
	}
	answers_builder_free(b);
	buf_done(&buf);
	free(addr);
	free(first);
	free(frame);
	free(known);
}

static const char *name_at(const struct answers *a, uint64_t addr)
{
	uint32_t i;

	if (!answers_find(a, addr, &i))
		return "(not asked)";
	return a->first[i] == ANSWER_NONE ? "(none)" : answers_text(a, a->frame[a->first[i]].name);
}

static void replaced(void)
{
	struct answers_builder *b = answers_builder_new();
	struct err err = { 0 };
	struct answers old, a;
	struct buf old_buf, buf;

	build(&old_buf);
	REQUIRE_INT(answers_open(old_buf.data, old_buf.n, &old, &err), 0);
	answers_put(b, 0x1000, put_frame(b, "first", 1, ANSWER_NONE));
	answers_put(b, 0x1000, put_frame(b, "second", 1, ANSWER_NONE));
	answers_add_all(b, &old);
	answers_put(b, 0x2000, put_frame(b, "later", 1, ANSWER_NONE));
	buf_init(&buf);
	answers_finish(b, &buf);
	REQUIRE_INT(answers_open(buf.data, buf.n, &a, &err), 0);
	CHECK_UINT(a.n, 3);
	CHECK_STR(name_at(&a, 0x1000), "second");
	CHECK_STR(name_at(&a, 0x1008), "main");
	CHECK_STR(name_at(&a, 0x2000), "later");
	answers_builder_free(b);
	buf_done(&old_buf);
	buf_done(&buf);
}

static void deep(void)
{
	struct answers_builder *b = answers_builder_new();
	struct err err = { 0 };
	struct answers a;
	struct buf buf;
	uint32_t at = ANSWER_NONE, n = 0;

	for (uint32_t i = 0; i < 2 * ANSWER_DEPTH_MAX; i++)
		at = put_frame(b, "f", i, at);
	answers_put(b, 1, at);
	buf_init(&buf);
	answers_finish(b, &buf);
	REQUIRE_INT(answers_open(buf.data, buf.n, &a, &err), 0);
	for (at = a.first[0]; at != ANSWER_NONE; at = a.frame[at].caller)
		n++;
	CHECK_UINT(n, ANSWER_DEPTH_MAX);
	answers_builder_free(b);
	buf_done(&buf);
}

static void long_text(void)
{
	struct answers_builder *b = answers_builder_new();
	char *text = mem_alloc(2 * ANSWER_TEXT_MAX);
	struct buf buf;

	memset(text, 'x', 2 * ANSWER_TEXT_MAX);
	answers_text_put(b, text, 2 * ANSWER_TEXT_MAX);
	buf_init(&buf);
	answers_finish(b, &buf);
	CHECK_INT(open_copy(buf.data, buf.n), 0);
	answers_builder_free(b);
	buf_done(&buf);
	free(text);
}

static void cut(void)
{
	struct buf buf;

	build(&buf);
	for (size_t n = 0; n < buf.n; n++)
		CHECK_INT(open_copy(buf.data, n), -EBADMSG);
	buf_done(&buf);
}

static void flipped(void)
{
	struct buf buf;

	build(&buf);
	for (size_t bit = 0; bit < buf.n * 8; bit++) {
		buf.data[bit / 8] ^= (char)(1 << bit % 8);
		CHECK_TRUE(open_copy(buf.data, buf.n) < 0, "bit %zu", bit);
		buf.data[bit / 8] ^= (char)(1 << bit % 8);
	}
	buf_done(&buf);
}

static void sign(struct buf *b)
{
	uint32_t crc = crc32c(b->data, b->n - ANSWER_CRC_BYTES);

	memcpy(b->data + b->n - ANSWER_CRC_BYTES, &crc, sizeof(crc));
}

/* Every 32-bit word at its extremes, with a checksum that holds: refused, or safe to read. */
static void extremes(void)
{
	static const uint32_t values[] = { 0, 1, 2, 3, 0x7fffffff, 0x80000000, 0xfffffffe,
					   0xffffffff };
	struct buf buf;

	build(&buf);
	for (size_t at = 0; at + 8 <= buf.n; at += 4) {
		uint32_t was;

		memcpy(&was, buf.data + at, 4);
		for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
			memcpy(buf.data + at, &values[v], 4);
			sign(&buf);
			open_copy(buf.data, buf.n);
		}
		memcpy(buf.data + at, &was, 4);
	}
	sign(&buf);
	CHECK_INT(open_copy(buf.data, buf.n), 0);
	buf_done(&buf);
}

/* Each with a checksum that holds. */
static void forged(void)
{
	struct answer_layout at = answer_layout(3, 3, 1);
	struct answer_frame *frame;
	struct err err = { 0 };
	struct answers a;
	struct buf buf;

	build(&buf);
	frame = (struct answer_frame *)(buf.data + at.frame);
	frame[0].caller = 0;
	sign(&buf);
	CHECK_INT(answers_open(buf.data, buf.n, &a, &err), -EBADMSG);
	CHECK_HAS(err.text, "frame 0 has caller 0");
	frame[0].caller = ANSWER_NONE;
	frame[2].name = 1 << 20;
	sign(&buf);
	CHECK_INT(answers_open(buf.data, buf.n, &a, &err), -EBADMSG);
	CHECK_HAS(err.text, "frame 2 has text at 1048576");
	frame[2].name = 0;
	((uint64_t *)(buf.data + at.addr))[1] = 0x1000;
	sign(&buf);
	CHECK_INT(answers_open(buf.data, buf.n, &a, &err), -EBADMSG);
	CHECK_HAS(err.text, "does not rise");
	((uint64_t *)(buf.data + at.addr))[1] = 0x1008;
	((struct answer_header *)buf.data)->version++;
	sign(&buf);
	CHECK_INT(answers_open(buf.data, buf.n, &a, &err), -ENOTSUP);
	buf_done(&buf);
}

SUITE(symbol_answer, { "what was put is found, with its callers", round_trip },
      { "no address at all is an answer too", empty },
      { "equal texts and equal frames are stored once", shared },
      { "20 000 frames in no order are all found again", many },
      { "a later answer replaces, an added one does not", replaced },
      { "a chain ends at the limit of depth", deep },
      { "a text longer than the limit is cut", long_text },
      { "answers cut at any length do not open", cut },
      { "answers with any bit changed do not open", flipped },
      { "words at their extremes are refused or harmless", extremes },
      { "caller cycles, wild offsets and falling addresses are named", forged }, )
