#include "record/sink/larder.h"

#include <stdlib.h>

#include "tests/unit/check.h"

static uint8_t bytes[1 << 20];
static uint64_t n_got, sum_got;

static int got(void *ctx, const struct larder_chunk *chunk)
{
	const uint8_t *stored = chunk->stored;

	(void)ctx;
	n_got++;
	sum_got += chunk->raw_bytes;
	CHECK_INT(stored[0], (uint8_t)chunk->raw_bytes);
	CHECK_INT(stored[chunk->stored_bytes - 1], (uint8_t)chunk->raw_bytes);
	return 0;
}

/* What is put says itself: raw_bytes and every byte are `mark`. */
static void put(struct larder *l, enum chunk_type type, uint64_t tag, size_t n, unsigned int mark,
		uint64_t now_ns)
{
	memset(bytes, (int)mark, n);
	larder_put(l, type, tag, bytes, n, mark, 1, now_ns);
}

static uint64_t count(struct larder *l, uint64_t tag)
{
	n_got = sum_got = 0;
	CHECK_TRUE(larder_want(l, tag) == (larder_n_due(l) > 0));
	while (larder_next(l, got, NULL) > 0)
		;
	CHECK_UINT(larder_n_due(l), 0);
	return n_got;
}

static int refuse(void *ctx, const struct larder_chunk *chunk)
{
	(void)ctx, (void)chunk;
	return -28;
}

static void kept(void)
{
	struct larder *l = larder_new(NULL);
	uint32_t n_objects;

	REQUIRE_TRUE(l);
	CHECK_TRUE(!larder_meet(l, 100, 1));
	larder_expect(l, 100, 1);
	CHECK_TRUE(larder_meet(l, 100, 2));
	put(l, CHUNK_OBJECT, 100, 50, 1, 2);
	put(l, CHUNK_OBJECT, 100, 60, 2, 2);
	put(l, CHUNK_OBJECT, 200, 60, 3, 2); /* nobody expected it */
	put(l, CHUNK_JIT, larder_jit_tag(7), 10, 4, 3);
	CHECK_UINT(count(l, 100), 2);
	CHECK_UINT(sum_got, 3);
	CHECK_UINT(count(l, 200), 0);
	larder_expect(l, 300, 9);
	put(l, CHUNK_OBJECT, 300, 60, 5, 9);
	n_got = sum_got = 0;
	larder_want_since(l, 5, &n_objects);
	CHECK_UINT(n_objects, 1);
	CHECK_UINT(larder_n_due(l), 2); /* 300 and the code made at run time */
	CHECK_INT(larder_next(l, refuse, NULL), -28);
	CHECK_UINT(larder_n_due(l), 2);
	CHECK_INT(larder_next(l, got, NULL), 1);
	CHECK_INT(larder_next(l, got, NULL), 1);
	CHECK_INT(larder_next(l, got, NULL), 0);
	CHECK_UINT(sum_got, 9);
	larder_want_since(l, 5, &n_objects);
	larder_want_none(l);
	CHECK_INT(larder_next(l, got, NULL), 0);
	larder_free(l);
}

/* Wanted, half given, and then the gaps are closed. */
static void given_in_pieces(void)
{
	struct larder *l = larder_new(NULL);
	uint32_t n_objects;

	REQUIRE_TRUE(l);
	for (uint64_t tag = 10; tag < 110; tag++) {
		larder_expect(l, tag, tag);
		put(l, CHUNK_OBJECT, tag, 1000, tag, tag);
	}
	larder_want_since(l, 20, &n_objects);
	CHECK_UINT(n_objects, 90);
	for (int i = 0; i < 30; i++)
		CHECK_INT(larder_next(l, got, NULL), 1);
	larder_begin_sweep(l);
	larder_forget(l, 60); /* 20 to 49 were given, 50 to 59 go */
	CHECK_UINT(larder_n_due(l), 50);
	n_got = sum_got = 0;
	while (larder_next(l, got, NULL) > 0)
		;
	CHECK_UINT(n_got, 50);
	CHECK_UINT(sum_got, (60 + 109) * 50 / 2);
	larder_free(l);
}

static void full(void)
{
	struct larder *l = larder_new(NULL);
	uint64_t now = 1;

	REQUIRE_TRUE(l);
	/* 200 objects of 1 MiB into 64 MiB; 1000 is met all the time. */
	larder_expect(l, 1000, now);
	put(l, CHUNK_OBJECT, 1000, sizeof(bytes), 7, now);
	for (uint64_t tag = 1001; tag < 1200; tag++) {
		larder_expect(l, tag, ++now);
		put(l, CHUNK_OBJECT, tag, sizeof(bytes), tag % 256, now);
		CHECK_TRUE(larder_meet(l, 1000, now));
		CHECK_UINT(count(l, tag), 1);
		CHECK_TRUE(larder_bytes(l) <= LARDER_BYTES);
	}
	CHECK_UINT(count(l, 1000), 1);
	CHECK_UINT(count(l, 1001), 0);
	CHECK_TRUE(!larder_meet(l, 1001, now)); /* to be asked for again */
	CHECK_UINT(larder_n_gone(l), 0);
	for (int i = 0; i < 100; i++)
		put(l, CHUNK_JIT, larder_jit_tag(7), sizeof(bytes), i, ++now);
	CHECK_TRUE(larder_n_gone(l) > 0);
	CHECK_TRUE(count(l, larder_jit_tag(7)) > 30);
	larder_free(l);
}

static uint64_t count_jit(struct larder *l)
{
	n_got = sum_got = 0;
	larder_want_jit(l);
	while (larder_next(l, got, NULL) > 0)
		;
	return n_got;
}

static void jit_lives_with_its_process(void)
{
	struct larder *l = larder_new(NULL);

	REQUIRE_TRUE(l);
	CHECK_TRUE(!larder_has_jit(l));
	larder_expect(l, 100, 1);
	put(l, CHUNK_OBJECT, 100, 10, 9, 1);
	for (uint32_t pid = 1; pid <= 3; pid++)
		for (int i = 0; i < 5; i++)
			put(l, CHUNK_JIT, larder_jit_tag(pid), 10, pid, 10 + i);
	CHECK_TRUE(larder_has_jit(l));
	CHECK_UINT(count_jit(l), 15);
	larder_end_process(l, 1, 20);
	larder_end_process(l, 2, 50);
	larder_end_process(l, 3, 20);
	larder_begin_process(l, 3); /* another process has its number */
	larder_end_process(l, 4, 20);
	larder_begin_sweep(l);
	larder_use(l, 100);
	larder_forget(l, 30);
	CHECK_UINT(count_jit(l), 10);
	CHECK_UINT(sum_got, 5 * 2 + 5 * 3);
	larder_begin_sweep(l);
	larder_use(l, 100);
	larder_forget(l, 1000);
	CHECK_UINT(count_jit(l), 5);
	larder_end_process(l, 3, 1001);
	larder_begin_sweep(l);
	larder_forget(l, 2000);
	CHECK_TRUE(!larder_has_jit(l));
	CHECK_UINT(larder_bytes(l), 0);
	larder_free(l);
}

static void too_large(void)
{
	struct larder *l = larder_new(NULL);

	REQUIRE_TRUE(l);
	larder_expect(l, 10, 1);
	put(l, CHUNK_OBJECT, 10, 100, 1, 1);
	larder_expect(l, 20, 2);
	for (int i = 0; i < 200; i++)
		put(l, CHUNK_OBJECT, 20, sizeof(bytes), 2, 2);
	CHECK_TRUE(larder_lacks_room_for(l, 20) && !larder_lacks_room_for(l, 10));
	CHECK_UINT(larder_bytes(l), 100);
	CHECK_UINT(count(l, 20), 0);
	CHECK_TRUE(larder_meet(l, 20, 3)); /* not to be asked for again and again */
	CHECK_UINT(count(l, 10), 1);
	larder_free(l);
}

static void many(void)
{
	struct larder *l = larder_new(NULL);

	REQUIRE_TRUE(l);
	for (uint64_t tag = 10; tag < 200000; tag++) {
		larder_expect(l, tag, tag);
		put(l, CHUNK_OBJECT, tag, 8, tag % 256, tag);
		if (!larder_meet(l, tag, tag))
			CHECK_UINT(tag, 0);
	}
	CHECK_UINT(count(l, 199999), 1);
	CHECK_UINT(count(l, 10), 0);
	larder_free(l);
}

static void swept(void)
{
	struct larder *l = larder_new(NULL);

	REQUIRE_TRUE(l);
	for (uint64_t tag = 10; tag < 5000; tag++) {
		larder_expect(l, tag, tag);
		put(l, CHUNK_OBJECT, tag, 100, tag % 256, tag);
	}
	put(l, CHUNK_JIT, larder_jit_tag(7), 50, 1, 11);
	larder_begin_sweep(l);
	for (uint64_t tag = 10; tag < 5000; tag += 1000)
		larder_use(l, tag);
	larder_use(l, 7); /* never met */
	larder_forget(l, 4990);
	CHECK_UINT(larder_bytes(l), (5 + 10) * 100 + 50);
	CHECK_UINT(larder_n_gone(l), 0);
	CHECK_UINT(count(l, larder_jit_tag(7)), 1);
	for (uint64_t tag = 10; tag < 5000; tag++) {
		bool stays = tag % 1000 == 10 || tag >= 4990;

		CHECK_UINT(count(l, tag), stays);
		CHECK_TRUE(larder_meet(l, tag, 5000) == stays);
	}
	larder_free(l);
}

SUITE(sink_larder, { "chunks of what was met are given again", kept },
      { "what is given in pieces outlives a sweep in between", given_in_pieces },
      { "what nothing uses and no snapshot wants goes", swept },
      { "full, those met longest ago go", full },
      { "code made at run time goes some time after its process", jit_lives_with_its_process },
      { "an object that is too large pushes nothing out", too_large },
      { "more objects than its tables have places do no harm", many }, )
