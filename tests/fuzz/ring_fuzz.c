/*
 * Kernel rings with any bytes in them -> records in time order -> events. Input: a byte of flags, a
 * byte that says where in the rings reading begins (so that records run over the end), then what
 * two rings hold.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/bits.h"
#include "record/kernel/decode.h"
#include "record/kernel/order.h"
#include "record/kernel/ring.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum {
	FLAG_CALLCHAIN = 1,
	FLAG_STACK = 2,
	FLAG_AARCH64 = 4,
	FLAG_ALL = 8,
	FLAG_RAW = 16,
	FLAG_WAKEUP = 32,
	FLAG_OFF_CPU = 64,
};

enum { N_RINGS = 2 };

static volatile uint64_t sink;

/* Everything that an event points to must be there. */
static void look_at(const struct event *event)
{
	uint64_t sum = event->time_ns + event->pid + event->tid;

	if (event->type == EVENT_MMAP) {
		sum += strlen(event->mmap.path);
	} else if (event->type == EVENT_COMM) {
		sum += strlen(event->comm.comm);
	} else if (event->type == EVENT_SAMPLE) {
		for (unsigned int i = 0; i < event->sample.n_kchain; i++)
			sum += event->sample.kchain[i];
		for (uint64_t i = 0; event->sample.stack && i < event->sample.stack_bytes; i++)
			sum += event->sample.stack[i];
	}
	sink = sum;
}

/* Half of the input as the contents of a ring that is just large enough. */
static void fill_ring(struct ring *ring, const uint8_t *bytes, size_t n, uint64_t start)
{
	uint64_t size = 64;

	while (size < n)
		size *= 2;
	uint8_t *memory = aligned_alloc(8, size);
	memset(memory, 0, size);
	for (size_t i = 0; i < n; i++)
		memory[(start + i) & (size - 1)] = bytes[i];
	ring_init(ring, memory, size, start, start + n, aligned_alloc(8, DECODE_RECORD_MAX));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct ring rings[N_RINGS];
	struct ring_record record;
	struct event event;
	struct order order;
	const void *bytes;
	uint32_t ring;

	if (n < 2 || n > 1 << 18)
		return 0;
	struct decode_source source = {
		.callchain = data[0] & FLAG_CALLCHAIN,
		.stack = data[0] & FLAG_STACK,
		.raw = data[0] & FLAG_RAW,
		.wakeup = data[0] & FLAG_WAKEUP,
		.off_cpu = data[0] & FLAG_OFF_CPU,
		.value = data[0] & FLAG_RAW ? DECODE_VALUE_RAW : DECODE_VALUE_PERIOD,
		.value_at = data[1] % 32,
		.value_bytes = 1u << data[1] % 4,
	};
	struct decode_layout layout = {
		.regs = perf_regs_of(data[0] & FLAG_AARCH64 ? MACHINE_AARCH64 : MACHINE_X86_64),
		.source = &source,
		.n_sources = 1,
	};
	size_t half = (n - 2) / 2 & ~(size_t)7;
	fill_ring(&rings[0], data + 2, half, (uint64_t)data[1] * 8);
	fill_ring(&rings[1], data + 2 + half, n - 2 - half, (uint64_t)data[1] * 16);
	if (order_init(&order, rings, N_RINGS) < 0)
		abort();
	for (int round = 0; round < 3; round++) {
		order_round(&order, UINT64_C(1) << (20 * round), data[0] & FLAG_ALL || round == 2);
		while ((bytes = order_next(&order, &ring, &record)))
			if (decode_record(&layout, bytes, record.header.size, &event) ==
			    DECODE_EVENT)
				look_at(&event);
		order_release(&order);
	}
	for (int i = 0; i < N_RINGS; i++)
		if (ring_used(&rings[i]))
			abort(); /* the last round takes everything */
	order_done(&order);
	for (int i = 0; i < N_RINGS; i++) {
		free((void *)rings[i].data);
		free(rings[i].bounce);
	}
	return 0;
}
