/* A perf.data made by hand: header and attributes, then records one field after the other. */
#ifndef TESTS_UNIT_PERFDATA_MADE_H
#define TESTS_UNIT_PERFDATA_MADE_H

#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/bits.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "report/read/read.h"
#include "tests/unit/check.h"

enum { MADE_FILE_HEADER = 104, MADE_ATTR = 112 }; /* PERF_ATTR_SIZE_VER5 */

#define MADE_TYPE (PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME)
#define MADE_SAMPLE_ID_ALL (UINT64_C(1) << 18)

struct made_perf {
	struct buf b;
	size_t record;	   /* where the open record begins */
	size_t data;	   /* where records begin; 0: not yet */
	size_t data_bytes; /* 0: until the end */
	int fd;
	char path[64];
};

static inline void made_u16(struct made_perf *m, uint16_t v)
{
	buf_put(&m->b, &v, sizeof(v));
}

static inline void made_u32(struct made_perf *m, uint32_t v)
{
	buf_put(&m->b, &v, sizeof(v));
}

static inline void made_u64(struct made_perf *m, uint64_t v)
{
	buf_put(&m->b, &v, sizeof(v));
}

static inline void made_zeros(struct made_perf *m, size_t n)
{
	memset(buf_grow(&m->b, n), 0, n);
	m->b.n += n;
}

/* Text and its zero, to a multiple of 8. */
static inline void made_text(struct made_perf *m, const char *text)
{
	size_t n = strlen(text) + 1;

	buf_put(&m->b, text, n);
	made_zeros(m, -n & 7);
}

static inline void made_set_u64(struct made_perf *m, size_t at, uint64_t v)
{
	memcpy(m->b.data + at, &v, sizeof(v));
}

/* `bytes` of an attribute of one event; what it has no room for is 0. */
static inline void made_attr(struct made_perf *m, size_t bytes, uint64_t sample_type,
			     uint64_t flags)
{
	uint64_t attr[32] = { (uint64_t)bytes << 32 | PERF_TYPE_SOFTWARE,
			      PERF_COUNT_SW_CPU_CLOCK,
			      1000,
			      sample_type,
			      0,
			      flags };

	attr[10] = (UINT64_C(0xff0fff)); /* sample_regs_user, of perf on x86-64 */
	attr[11] = 8192;		 /* sample_stack_user */
	buf_put(&m->b, attr, bytes);
}

static inline struct made_perf made_begin(void)
{
	struct made_perf m = { .fd = -1 };

	buf_init(&m.b);
	return m;
}

static inline void made_set_header(struct made_perf *m, size_t attr_bytes, size_t n_attrs)
{
	made_set_u64(m, 8, MADE_FILE_HEADER);
	made_set_u64(m, 16, attr_bytes + 16);
	made_set_u64(m, 24, MADE_FILE_HEADER);
	made_set_u64(m, 32, n_attrs * (attr_bytes + 16));
	made_set_u64(m, 40, m->data = m->b.n);
}

/* A file with one event and the id 7. */
static inline struct made_perf made_file(uint64_t sample_type)
{
	struct made_perf m = made_begin();

	buf_put(&m.b, "PERFILE2", 8);
	made_zeros(&m, MADE_FILE_HEADER - 8);
	made_attr(&m, MADE_ATTR, sample_type, MADE_SAMPLE_ID_ALL);
	made_u64(&m, m.b.n + 16); /* ids */
	made_u64(&m, 8);
	made_u64(&m, 7);
	made_set_header(&m, MADE_ATTR, 1);
	return m;
}

static inline void made_record(struct made_perf *m, uint32_t type, uint16_t misc)
{
	m->record = m->b.n;
	made_u32(m, type);
	made_u16(m, misc);
	made_u16(m, 0);
}

static inline void made_record_end(struct made_perf *m)
{
	uint16_t n = (uint16_t)(m->b.n - m->record);

	memcpy(m->b.data + m->record + 6, &n, sizeof(n));
}

static inline void made_task(struct made_perf *m, uint32_t pid)
{
	made_u32(m, pid);
	made_u32(m, pid);
}

/* The trailer of MADE_TYPE. */
static inline void made_trailer(struct made_perf *m, uint32_t pid, uint64_t time_ns)
{
	made_task(m, pid);
	made_u64(m, time_ns);
	made_record_end(m);
}

/* A sample of MADE_TYPE. */
static inline void made_plain_sample(struct made_perf *m, uint32_t pid, uint64_t ip,
				     uint64_t time_ns)
{
	made_record(m, PERF_RECORD_SAMPLE, PERF_RECORD_MISC_USER);
	made_u64(m, ip);
	made_task(m, pid);
	made_u64(m, time_ns);
	made_record_end(m);
}

static inline void made_mmap(struct made_perf *m, uint32_t pid, uint64_t start, const char *path,
			     uint64_t time_ns)
{
	made_record(m, PERF_RECORD_MMAP2, PERF_RECORD_MISC_USER);
	made_u32(m, pid);
	made_u32(m, pid);
	made_u64(m, start);
	made_u64(m, 0x1000);
	made_u64(m, 0);
	made_u32(m, 8);
	made_u32(m, 1);
	made_u64(m, 77);
	made_u64(m, 0);
	made_u32(m, PROT_READ | PROT_EXEC);
	made_u32(m, 0);
	made_text(m, path);
	made_trailer(m, pid, time_ns);
}

static inline void made_fork(struct made_perf *m, uint32_t pid, uint32_t ppid, uint64_t time_ns)
{
	made_record(m, PERF_RECORD_FORK, 0);
	made_u32(m, pid);
	made_u32(m, ppid);
	made_u32(m, pid);
	made_u32(m, ppid);
	made_u64(m, time_ns);
	made_trailer(m, ppid, time_ns);
}

static inline void made_bare(struct made_perf *m, uint32_t type)
{
	made_record(m, type, 0);
	made_record_end(m);
}

/* Writes what is there and opens it. */
static inline int made_open(struct made_perf *m, struct recording **ret, struct err *err)
{
	if (m->data)
		made_set_u64(m, 48, m->data_bytes ? m->data_bytes : m->b.n - m->data);
	m->fd = memfd_create("perf.data", MFD_CLOEXEC);
	REQUIRE_INT(io_write(m->fd, m->b.data, m->b.n, NULL), 0);
	snprintf(m->path, sizeof(m->path), "/proc/self/fd/%d", m->fd);
	return recording_open(m->path, ret, err);
}

static inline struct recording *made_require_open(struct made_perf *m)
{
	struct recording *r = NULL;
	struct err err = { 0 };

	made_open(m, &r, &err);
	REQUIRE_TRUE(r != NULL, "%s", err.text);
	return r;
}

static inline void made_done(struct made_perf *m, struct recording *r)
{
	recording_close(r);
	if (m->fd >= 0)
		close(m->fd);
	buf_done(&m->b);
}

static inline const struct event *next(struct recording *r, enum event_type type)
{
	const struct event *event;

	REQUIRE_INT(recording_next(r, &event), RECORDING_EVENT);
	REQUIRE_INT(event->type, type);
	return event;
}

static inline void check_end(struct recording *r)
{
	const struct event *event;

	CHECK_INT(recording_next(r, &event), RECORDING_END);
}

/* Of kernel and user: PERF_SAMPLE_CALLCHAIN. */
static inline void made_chain(struct made_perf *m)
{
	static const uint64_t ips[] = {
		(uint64_t)PERF_CONTEXT_KERNEL,
		0xffffffff81000100,
		0xffffffff81000200,
		(uint64_t)PERF_CONTEXT_USER,
		0x401000,
		0x402000,
		0x403000,
	};

	made_u64(m, N_ELEMENTS(ips));
	for (size_t i = 0; i < N_ELEMENTS(ips); i++)
		made_u64(m, ips[i]);
}

#endif
