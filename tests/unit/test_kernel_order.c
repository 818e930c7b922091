#include "record/kernel/order.h"
#include "tests/unit/check.h"
#include "tests/unit/ring_made.h"

enum { RING_BYTES = 4096 };

struct test_ring {
	_Alignas(8) uint8_t data[RING_BYTES];
	_Alignas(8) uint8_t bounce[DECODE_RECORD_MAX];
};

static struct test_ring memory[3];
static struct made made;

/* Forks at these times into ring i, from `start` on. */
static void put_times(struct ring *rings, int i, const uint64_t *times, size_t n, uint64_t start)
{
	made.n = 0;
	for (size_t k = 0; k < n; k++)
		made_fork(&made, (uint32_t)(100 * i) + (uint32_t)k + 1, times[k]);
	for (size_t k = 0; k < made.n; k++)
		memory[i].data[(start + k) % RING_BYTES] = made.bytes[k];
	ring_init(&rings[i], memory[i].data, RING_BYTES, start, start + made.n, memory[i].bounce);
}

static size_t take_times(struct order *o, uint64_t *times, size_t cap)
{
	struct ring_record record;
	uint32_t ring;
	size_t n = 0;

	while (n < cap && order_next(o, &ring, &record))
		times[n++] = record.time_ns;
	return n;
}

static void merges_by_time(void)
{
	static const uint64_t a[] = { 10, 40, 70 }, b[] = { 20, 30, 80, 90 }, c[] = { 5 };
	static const uint64_t want[] = { 5, 10, 20, 30, 40, 70, 80, 90 };
	struct ring rings[3];
	struct order order;
	uint64_t got[16];

	put_times(rings, 0, a, 3, 0);
	put_times(rings, 1, b, 4, 64);
	put_times(rings, 2, c, 1, 0);
	REQUIRE_INT(order_init(&order, rings, 3), 0);
	order_round(&order, 1000000000, true);
	REQUIRE_INT(take_times(&order, got, 16), 8);
	CHECK_MEM(got, want, sizeof(want));
	order_done(&order);
}

static void holds_back_what_is_young(void)
{
	static const uint64_t times[] = { 1000000000, 1500000000, 2500000000 };
	struct ring rings[1];
	struct order order;
	uint64_t got[4];

	put_times(rings, 0, times, 3, 0);
	REQUIRE_INT(order_init(&order, rings, 1), 0);
	order_round(&order, 2000000000, false);
	CHECK_INT(take_times(&order, got, 4), 0); /* nobody looked before */
	order_round(&order, 2001500000, false);
	CHECK_INT(take_times(&order, got, 4), 2); /* older than the look before */
	order_round(&order, 2600000000, false);
	CHECK_INT(take_times(&order, got, 4), 0);
	order_round(&order, 2700000000, false);
	CHECK_INT(take_times(&order, got, 4), 1);
	order_done(&order);
}

static void full_ring_does_not_wait(void)
{
	uint64_t times[40];
	struct ring rings[1];
	struct order order;
	uint64_t got[64];

	for (int i = 0; i < 40; i++) /* 64 bytes each: more than half of the ring */
		times[i] = 5000000000 + (uint64_t)i;
	put_times(rings, 0, times, 40, 0);
	REQUIRE_INT(order_init(&order, rings, 1), 0);
	order_round(&order, 2000000000, false);
	CHECK_INT(take_times(&order, got, 64), 40);
	order_done(&order);
}

/* The same records at every place of the ring: whatever runs over the end is put together. */
static void wraps_anywhere(void)
{
	static const uint64_t times[] = { 7, 8, 9 };
	struct ring rings[1];
	struct order order;
	uint64_t got[4];

	for (uint64_t start = RING_BYTES - 256; start <= RING_BYTES; start += 8) {
		struct ring_record record;
		struct event event;
		struct decode_source plain = { .stack = false };
		struct decode_layout layout = { .regs = perf_regs_of(MACHINE_X86_64),
						.source = &plain,
						.n_sources = 1 };
		uint32_t ring, n = 0;

		put_times(rings, 0, times, 3, start);
		REQUIRE_INT(order_init(&order, rings, 1), 0);
		order_round(&order, 10000000, true);
		for (const void *bytes; (bytes = order_next(&order, &ring, &record)); n++) {
			CHECK_INT(decode_record(&layout, bytes, record.header.size, &event),
				  DECODE_EVENT);
			CHECK_UINT(event.pid, n + 1);
			CHECK_UINT(event.time_ns, times[n]);
		}
		CHECK_UINT(n, 3);
		order_done(&order);
	}
	(void)got;
}

static void damaged_ring_is_left(void)
{
	static const uint64_t a[] = { 10, 20, 30 }, b[] = { 15 };
	static const uint16_t bad_sizes[] = { 0, 7, 12, 5000 };
	struct ring rings[2];
	struct order order;
	uint64_t got[8];

	for (size_t i = 0; i < sizeof(bad_sizes) / sizeof(bad_sizes[0]); i++) {
		put_times(rings, 0, a, 3, 0);
		put_times(rings, 1, b, 1, 0);
		memcpy(memory[0].data + 64 + 6, &bad_sizes[i], 2); /* the second record's size */
		REQUIRE_INT(order_init(&order, rings, 2), 0);
		order_round(&order, 10000000, true);
		CHECK_INT(take_times(&order, got, 8), 2);
		CHECK_UINT(order.damaged, 1);
		CHECK_UINT(ring_used(&rings[0]), 0);
		order_done(&order);
	}
}

SUITE(kernel_order, { "records of all rings come by time", merges_by_time },
      { "what is younger than the last look is held back", holds_back_what_is_young },
      { "a ring more than half full is not made to wait", full_ring_does_not_wait },
      { "records that run over the ring's end are put together", wraps_anywhere },
      { "a ring that makes no sense is left, the others go on", damaged_ring_is_left }, )
