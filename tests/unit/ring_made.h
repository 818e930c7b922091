/* Records as the kernel writes them, made by hand. */
#ifndef TESTS_UNIT_RING_MADE_H
#define TESTS_UNIT_RING_MADE_H

#include <linux/perf_event.h>
#include <stdint.h>
#include <string.h>

#include "record/kernel/decode.h"

enum { MADE_BYTES = 1 << 17 };

struct made {
	_Alignas(8) uint8_t bytes[MADE_BYTES];
	size_t n, begin; /* begin: of the open record */
};

static inline void made_u64(struct made *m, uint64_t v)
{
	memcpy(m->bytes + m->n, &v, 8);
	m->n += 8;
}

static inline void made_2u32(struct made *m, uint32_t a, uint32_t b)
{
	made_u64(m, (uint64_t)b << 32 | a);
}

static inline void made_text(struct made *m, const char *text)
{
	size_t n = (strlen(text) + 8) & ~(size_t)7;

	memset(m->bytes + m->n, 0, n);
	memcpy(m->bytes + m->n, text, strlen(text));
	m->n += n;
}

static inline void made_begin(struct made *m, uint32_t type, uint16_t misc)
{
	struct perf_event_header header = { .type = type, .misc = misc };

	m->begin = m->n;
	memcpy(m->bytes + m->n, &header, sizeof(header));
	m->n += sizeof(header);
}

static inline void made_end(struct made *m)
{
	uint16_t size = (uint16_t)(m->n - m->begin);

	memcpy(m->bytes + m->begin + 6, &size, sizeof(size));
}

static inline void made_trailer(struct made *m, uint32_t pid, uint32_t tid, uint64_t time_ns,
				uint32_t cpu)
{
	made_2u32(m, pid, tid);
	made_u64(m, time_ns);
	made_2u32(m, cpu, 0);
	made_u64(m, 77); /* identifier */
	made_end(m);
}

/* A sample up to its period; registers, stack and made_end() follow. */
static inline void made_sample_head(struct made *m, uint16_t misc, uint64_t ip, uint32_t pid,
				    uint64_t time_ns)
{
	made_begin(m, PERF_RECORD_SAMPLE, misc);
	made_u64(m, 77);
	made_u64(m, ip);
	made_2u32(m, pid, pid + 1);
	made_u64(m, time_ns);
	made_2u32(m, 3, 0);
	made_u64(m, 1001001);
}

static inline void made_regs(struct made *m, unsigned int n, uint64_t abi)
{
	made_u64(m, abi);
	for (unsigned int i = 0; abi && i < n; i++)
		made_u64(m, 0x1000 + i);
}

/* `size` asked for, `dyn` copied; the rest is stale. */
static inline void made_stack(struct made *m, uint64_t size, uint64_t dyn)
{
	made_u64(m, size);
	if (!size)
		return;
	memset(m->bytes + m->n, 0xee, size);
	for (uint64_t i = 0; i < dyn; i++)
		m->bytes[m->n + i] = (uint8_t)i;
	m->n += size;
	made_u64(m, dyn);
}

/* The smallest record with a time: a fork. */
static inline void made_fork(struct made *m, uint32_t pid, uint64_t time_ns)
{
	made_begin(m, PERF_RECORD_FORK, 0);
	made_2u32(m, pid, 1);
	made_2u32(m, pid, 1);
	made_u64(m, time_ns);
	made_trailer(m, 1, 1, time_ns, 0);
}

#endif
