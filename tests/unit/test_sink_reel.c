#include "record/sink/reel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/sanitized.h"
#include "common/format/chunk.h"
#include "tests/unit/check.h"

enum { CAP = 1 << 20 };

static struct reel *reel;
static uint8_t chunk[CAP + 1];

/* A chunk that says its number, of `n` bytes. */
static int put(enum chunk_type type, uint64_t number, size_t n)
{
	struct chunk_header header = { .type = (uint16_t)type,
				       .raw_bytes = 1,
				       .stored_bytes = (uint32_t)(n - CHUNK_HEADER_BYTES),
				       .sequence = number };

	chunk_header_put(&header, 1, chunk);
	memset(chunk + CHUNK_HEADER_BYTES, (int)number, n - CHUNK_HEADER_BYTES);
	return reel_put(reel, chunk, n);
}

static void begin(uint64_t time_ns, uint64_t n_stored)
{
	struct record_counters counters = { .n = { n_stored } };

	reel_begin_span(reel, time_ns, &counters);
}

/* Everything kept is whole, follows each other, and begins with a keyframe. */
static void check_kept(void)
{
	uint64_t file_id, last = 0;

	for (uint64_t i = reel_first(reel); i < reel_end(reel); i++) {
		struct chunk_header header;
		size_t n;
		const uint8_t *bytes = reel_get(reel, i, &n);

		REQUIRE_TRUE(!chunk_header_get(bytes, &header, &file_id));
		if (i == reel_first(reel))
			CHECK_INT(header.type, CHUNK_KEYFRAME);
		else
			CHECK_UINT(header.sequence, last + 1);
		last = header.sequence;
		CHECK_UINT(n, CHUNK_HEADER_BYTES + header.stored_bytes);
		CHECK_INT(bytes[CHUNK_HEADER_BYTES], (uint8_t)last);
		CHECK_INT(bytes[n - 1], (uint8_t)last);
	}
}

static void by_size(void)
{
	uint64_t number = 1, time_ns = 0, random = 12345;

	reel = reel_new(CAP, 0, NULL);
	REQUIRE_TRUE(reel);
	for (int i = 0; i < 3000; i++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		size_t n = CHUNK_HEADER_BYTES + 1 + (random >> 33) % 40000;

		if (i % 5 == 0)
			begin(++time_ns, number);
		CHECK_INT(put(i % 5 ? CHUNK_EVENTS : CHUNK_KEYFRAME, number++, n), 0);
		if (i % 50 == 0)
			check_kept();
	}
	check_kept();
	CHECK_TRUE(reel_end(reel) - reel_first(reel) > 25); /* of 20 KiB each in 1 MiB */
	CHECK_UINT(reel_since_ns(reel), reel_since(reel)->n[0] / 5 + 1);
	reel_free(reel);
}

static void by_time(void)
{
	uint64_t number = 1;

	reel = reel_new(CAP, 10, NULL);
	REQUIRE_TRUE(reel);
	for (uint64_t t = 1; t <= 100; t++) {
		if (t % 4 == 1) {
			begin(t, number);
			put(CHUNK_KEYFRAME, number++, 200);
		}
		put(CHUNK_EVENTS, number++, 200);
		if (t > 14)
			CHECK_TRUE(reel_since_ns(reel) + 10 <= t && reel_since_ns(reel) + 16 > t);
	}
	check_kept();
	reel_free(reel);
}

static long resident_pages(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	long size = 0, resident = 0;

	REQUIRE_TRUE(f);
	CHECK_INT(fscanf(f, "%ld %ld", &size, &resident), 2);
	fclose(f);
	return resident;
}

/* Round and round, in bytes and in both tables. */
static void memory_goes_back(void)
{
	uint64_t number = 1;
	long early = 0;

	reel = reel_new(256 << 20, 50, NULL);
	REQUIRE_TRUE(reel);
	for (uint64_t t = 1; t <= 300000; t++) {
		if (t % 3 == 1)
			begin(t, number);
		put(CHUNK_KEYFRAME, number++, 1000);
		if (t % 20000 == 0) {
			check_kept();
			early = early ? early : resident_pages();
		}
	}
	CHECK_TRUE(SANITIZED || resident_pages() <= early + 32, "%ld pages, then %ld", early,
		   resident_pages());
	reel_free(reel);
}

/* The newest come close to the oldest: they may share a page. */
static void tables_are_full(void)
{
	uint64_t number = 1;

	reel = reel_new(64 << 20, 0, NULL);
	REQUIRE_TRUE(reel);
	for (uint64_t t = 1; t <= 300000; t++) {
		if (t % 16 == 1)
			begin(t, number);
		CHECK_INT(put(t % 16 == 1 ? CHUNK_KEYFRAME : CHUNK_EVENTS, number++,
			      CHUNK_HEADER_BYTES + 1 + t % 100),
			  0);
		if (t > 60000 && t % 9973 == 0)
			check_kept();
	}
	CHECK_TRUE(reel_end(reel) - reel_first(reel) > 60000);
	reel_free(reel);
}

static void too_large(void)
{
	reel = reel_new(CAP, 0, NULL);
	REQUIRE_TRUE(reel);
	begin(1, 0);
	CHECK_INT(put(CHUNK_KEYFRAME, 1, CAP / 2), 0);
	CHECK_INT(put(CHUNK_EVENTS, 2, CAP / 2), 0);
	CHECK_INT(put(CHUNK_EVENTS, 3, 200), -ENOSPC);
	begin(2, 0);
	CHECK_INT(put(CHUNK_KEYFRAME, 4, 200), 0); /* the next one finds room */
	CHECK_UINT(reel_end(reel) - reel_first(reel), 1);
	check_kept();
	reel_free(reel);
}

static void others(void)
{
	reel = reel_new(CAP, 0, NULL);
	REQUIRE_TRUE(reel);
	begin(1, 0);
	CHECK_INT(reel_put(reel, "header", 6), 0);
	CHECK_INT(put(CHUNK_MANIFEST, 1, 200), 0);
	CHECK_UINT(reel_end(reel), reel_first(reel));
	reel_free(reel);
}

SUITE(sink_reel, { "what is kept begins with a keyframe and has no hole", by_size },
      { "so much time is kept, and not a span more", by_time },
      { "memory of what was dropped goes back, of the tables too", memory_goes_back },
      { "full tables keep what they have", tables_are_full },
      { "a span larger than the memory is refused, the next is taken", too_large },
      { "only events and state are kept", others }, )
