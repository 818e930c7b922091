/* perf.data as recordings: report/read/perfdata*.c */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <zstd.h>

#include "common/base/bits.h"
#include "report/read/perfdata_stream.h"
#include "tests/unit/perfdata_made.h"

/* ---- headers ---- */

static void attribute_sizes(void)
{
	static const size_t sizes[] = { 64, 72, 80, 96, 104, 112, 120, 128, 136, 200 };

	for (size_t i = 0; i < N_ELEMENTS(sizes); i++) {
		struct made_perf m = made_begin();
		struct recording *r;

		buf_put(&m.b, "PERFILE2", 8);
		made_zeros(&m, MADE_FILE_HEADER - 8);
		made_attr(&m, sizes[i], MADE_TYPE, MADE_SAMPLE_ID_ALL);
		made_u64(&m, 0);
		made_u64(&m, 0);
		made_set_header(&m, sizes[i], 1);
		made_plain_sample(&m, 5, 0x401000, 90);
		r = made_require_open(&m);
		CHECK_UINT(next(r, EVENT_SAMPLE)->sample.ip, 0x401000);
		check_end(r);
		made_done(&m, r);
	}
}

static void check_refused(struct made_perf *m, int code, const char *text)
{
	struct recording *r = NULL;
	struct err err = { 0 };

	CHECK_INT(made_open(m, &r, &err), code);
	CHECK_HAS(err.text, text);
	made_done(m, r);
}

static void refusals(void)
{
	struct made_perf m = made_file(MADE_TYPE);

	memcpy(m.b.data, "2ELIFREP", 8);
	check_refused(&m, -ENOTSUP, "big-endian");
	m = made_file(MADE_TYPE);
	memcpy(m.b.data, "PERFFILE", 8);
	check_refused(&m, -ENOTSUP, "version 1");
	m = made_file(MADE_TYPE | UINT64_C(1) << 40);
	check_refused(&m, -ENOTSUP, "samples of type 0x10000000007");
	m = made_file(MADE_TYPE);
	made_set_u64(&m, 32, 0);
	check_refused(&m, -ENODATA, "without events");
	m = made_file(MADE_TYPE);
	made_set_u64(&m, 24, UINT64_C(1) << 60);
	check_refused(&m, -EBADMSG, "offset 1152921504606846976");
}

/* ---- order ---- */

static void rounds(void)
{
	static const uint64_t want[] = { 10, 20, 30, 40, 50, 60 };
	struct made_perf m = made_file(MADE_TYPE);
	struct recording *r;

	made_plain_sample(&m, 1, 0x401000, 20); /* one ring */
	made_plain_sample(&m, 1, 0x401000, 40);
	made_plain_sample(&m, 1, 0x401000, 10); /* another */
	made_plain_sample(&m, 1, 0x401000, 30);
	made_bare(&m, PERF_FINISHED_ROUND); /* 40 may still be overtaken */
	made_plain_sample(&m, 1, 0x401000, 60);
	made_plain_sample(&m, 1, 0x401000, 50);
	made_bare(&m, PERF_FINISHED_ROUND);
	r = made_require_open(&m);
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < N_ELEMENTS(want); i++)
			CHECK_UINT(next(r, EVENT_SAMPLE)->time_ns, want[i]);
		check_end(r);
		CHECK_UINT(recording_state(r)->counters.n[COUNTER_OUT_OF_ORDER], 0);
		recording_rewind(r);
	}
	made_done(&m, r);
}

/* What ran before perf did: told without a time, mappings and all. */
static void synthesized(void)
{
	struct made_perf m = made_file(MADE_TYPE);
	struct recording *r;

	made_fork(&m, 40, 1, 0);
	made_mmap(&m, 40, 0x400000, "/bin/a", 0);
	made_mmap(&m, 40, 0x500000, "/lib/b", 0);
	made_mmap(&m, 41, 0x400000, "/bin/c", 0); /* its fork was not told */
	made_fork(&m, 42, 40, 900);		  /* a real one */
	made_plain_sample(&m, 40, 0x400010, 1000);
	r = made_require_open(&m);
	CHECK_UINT(next(r, EVENT_FORK)->time_ns, 900); /* the first time there is */
	CHECK_UINT(next(r, EVENT_SPACE)->pid, 40);
	CHECK_STR(next(r, EVENT_MMAP)->mmap.path, "/bin/a");
	CHECK_STR(next(r, EVENT_MMAP)->mmap.path, "/lib/b");
	CHECK_UINT(next(r, EVENT_SPACE)->pid, 41);
	CHECK_STR(next(r, EVENT_MMAP)->mmap.path, "/bin/c");
	CHECK_UINT(next(r, EVENT_FORK)->pid, 42);
	CHECK_UINT(next(r, EVENT_SAMPLE)->time_ns, 1000);
	check_end(r);
	made_done(&m, r);
}

/* Switches of tasks, told in their own words or in those of a whole CPU. */
static void switches(void)
{
	static const struct {
		uint32_t type;
		uint16_t misc;
		enum switch_kind kind;
	} record[] = {
		{ PERF_RECORD_SWITCH, PERF_RECORD_MISC_SWITCH_OUT, SWITCH_OUT_ASLEEP },
		{ PERF_RECORD_SWITCH, 0, SWITCH_IN },
		{ PERF_RECORD_SWITCH_CPU_WIDE,
		  PERF_RECORD_MISC_SWITCH_OUT | PERF_RECORD_MISC_SWITCH_OUT_PREEMPT,
		  SWITCH_OUT_RUNNABLE },
		{ PERF_RECORD_SWITCH_CPU_WIDE, 0, SWITCH_IN },
	};
	struct made_perf m = made_file(MADE_TYPE);
	struct recording *r;

	/* flags of the attribute: the sixth word */
	made_set_u64(&m, MADE_FILE_HEADER + 40, MADE_SAMPLE_ID_ALL | UINT64_C(1) << 26);
	for (uint32_t i = 0; i < N_ELEMENTS(record); i++) {
		made_record(&m, record[i].type, record[i].misc);
		if (record[i].type == PERF_RECORD_SWITCH_CPU_WIDE)
			made_task(&m, 99); /* the other one */
		made_trailer(&m, 5, 100 + i);
	}
	made_record(&m, PERF_RECORD_SWITCH, 0);
	made_trailer(&m, 0, 200); /* idle */
	r = made_require_open(&m);
	CHECK_STR(recording_manifest(r, "off_cpu"), "time perf");
	REQUIRE_TRUE(recording_source(r, 1) != NULL);
	CHECK_STR(recording_source(r, 1)->unit, "switches");
	for (uint32_t i = 0; i < N_ELEMENTS(record); i++) {
		const struct event *e = next(r, EVENT_SWITCH);

		CHECK_UINT(e->tid, 5);
		CHECK_UINT(e->time_ns, 100 + i);
		CHECK_UINT(e->switched.kind, record[i].kind);
	}
	check_end(r);
	made_done(&m, r);
}

/* Samples of pid 0 have a name, though nobody tells it. */
static void idle(void)
{
	struct made_perf m = made_file(MADE_TYPE);
	struct recording *r;
	const struct event *e;

	made_plain_sample(&m, 0, 0x401000, 10);
	made_plain_sample(&m, 0, 0x401000, 20);
	r = made_require_open(&m);
	e = next(r, EVENT_COMM);
	CHECK_STR(e->comm.comm, "swapper");
	CHECK_TRUE(!e->comm.exec);
	CHECK_UINT(next(r, EVENT_SAMPLE)->time_ns, 10);
	CHECK_UINT(next(r, EVENT_SAMPLE)->time_ns, 20);
	check_end(r);
	made_done(&m, r);
}

/* ---- -z ---- */

/* The records [from, end) of the file so far become packed ones of at most `piece` bytes each. */
static void pack(struct made_perf *m, size_t from, size_t piece, bool second)
{
	struct buf plain;
	ZSTD_CStream *zstd = ZSTD_createCStream();
	size_t n;

	buf_init(&plain);
	buf_put(&plain, m->b.data + from, m->b.n - from);
	m->b.n = from;
	ZSTD_initCStream(zstd, 1);
	for (size_t at = 0; at < plain.n; at += n) {
		uint8_t packed[4096];
		ZSTD_inBuffer in = { plain.data + at, 0, 0 };
		ZSTD_outBuffer out = { packed, sizeof(packed), 0 };

		n = in.size = MIN(piece, plain.n - at);
		ZSTD_compressStream(zstd, &out, &in);
		ZSTD_flushStream(zstd, &out);
		REQUIRE_INT(in.pos, in.size);
		made_record(m, second ? PERF_COMPRESSED2 : PERF_COMPRESSED, 0);
		if (second)
			made_u64(m, out.pos);
		buf_put(&m->b, packed, out.pos);
		made_zeros(m, second ? -out.pos & 7 : 0);
		made_record_end(m);
	}
	ZSTD_freeCStream(zstd);
	buf_done(&plain);
}

static void packed_records(void)
{
	for (size_t piece = 1; piece < 100; piece += 3) {
		struct made_perf m = made_file(MADE_TYPE);
		struct recording *r;

		for (uint64_t i = 0; i < 20; i++)
			made_plain_sample(&m, 1, 0x401000 + i, 100 + i);
		pack(&m, m.data, piece, piece % 2);
		r = made_require_open(&m);
		for (uint64_t i = 0; i < 20; i++)
			CHECK_UINT(next(r, EVENT_SAMPLE)->sample.ip, 0x401000 + i);
		check_end(r);
		CHECK_TRUE(recording_state(r)->ended);
		made_done(&m, r);
	}
}

static void packed_damage(void)
{
	struct made_perf m = made_file(MADE_TYPE);
	struct recording *r;

	made_plain_sample(&m, 1, 0x401000, 100);
	made_record(&m, PERF_COMPRESSED, 0);
	made_zeros(&m, 32);
	made_record_end(&m);
	made_plain_sample(&m, 1, 0x402000, 200);
	r = made_require_open(&m);
	CHECK_UINT(next(r, EVENT_SAMPLE)->sample.ip, 0x401000);
	check_end(r);
	CHECK_UINT(recording_state(r)->n_damaged, 1);
	CHECK_TRUE(!recording_state(r)->ended);
	made_done(&m, r);
}

/* ---- pipes ---- */

static struct made_perf made_pipe(void)
{
	struct made_perf m = made_begin();

	buf_put(&m.b, "PERFILE2", 8);
	made_u64(&m, 16);
	made_record(&m, PERF_HEADER_ATTR, 0);
	made_attr(&m, MADE_ATTR, MADE_TYPE, MADE_SAMPLE_ID_ALL);
	made_u64(&m, 7);
	made_record_end(&m);
	return m;
}

static void put_build_id(struct made_perf *m, uint16_t misc, uint8_t n, const char *path)
{
	uint8_t id[24] = { 0 };

	for (uint8_t i = 0; i < n; i++)
		id[i] = (uint8_t)(i + 1);
	id[20] = n;
	made_record(m, PERF_HEADER_BUILD_ID, misc);
	made_u32(m, UINT32_MAX);
	buf_put(&m->b, id, sizeof(id));
	made_text(m, path);
	made_record_end(m);
}

static void pipe_build_ids(void)
{
	enum { MISC_SIZE = 1 << 15 };
	static const struct {
		uint16_t misc;
		uint8_t n, want;
	} ids[] = { { 0, 20, 20 }, { MISC_SIZE, 20, 20 }, { MISC_SIZE, 8, 8 }, { 0, 16, 16 } };

	for (size_t i = 0; i < N_ELEMENTS(ids); i++) {
		struct made_perf m = made_pipe();
		struct recording *r;
		const struct event_mmap *e;

		made_mmap(&m, 40, 0x400000, "/bin/a", 100);
		put_build_id(&m, ids[i].misc, ids[i].n, "/bin/a");
		r = made_require_open(&m);
		e = &next(r, EVENT_MMAP)->mmap;
		REQUIRE_INT(e->build_id.n, ids[i].want);
		for (uint8_t k = 0; k < e->build_id.n; k++)
			CHECK_UINT(e->build_id.bytes[k], k + 1);
		CHECK_UINT(e->ino, 0); /* the build-id says it all */
		check_end(r);
		made_done(&m, r);
	}
}

/* A feature of one text. */
static void put_feature(struct made_perf *m, uint64_t feature, const char *text)
{
	made_record(m, PERF_HEADER_FEATURE, 0);
	made_u64(m, feature);
	made_u32(m, (uint32_t)strlen(text) + 1);
	buf_put(&m->b, text, strlen(text) + 1);
	made_record_end(m);
}

static void aarch64(void)
{
	enum { RELEASE = 4, VERSION = 5, ARCH = 6, REGS_AT = 16 + 8 + 80 };
	struct made_perf m = made_begin();
	struct recording *r;
	const struct event_sample *s;

	buf_put(&m.b, "PERFILE2", 8);
	made_u64(&m, 16);
	made_record(&m, PERF_HEADER_ATTR, 0);
	made_attr(&m, MADE_ATTR, MADE_TYPE | PERF_SAMPLE_REGS_USER, MADE_SAMPLE_ID_ALL);
	made_record_end(&m);
	made_set_u64(&m, REGS_AT, (UINT64_C(1) << 33) - 1);
	made_record(&m, PERF_RECORD_SAMPLE, PERF_RECORD_MISC_USER);
	made_u64(&m, 0x401000);
	made_task(&m, 1);
	made_u64(&m, 100);
	made_u64(&m, PERF_SAMPLE_REGS_ABI_64);
	for (uint64_t i = 0; i < 33; i++)
		made_u64(&m, 1000 + i);
	made_record_end(&m);
	put_feature(&m, ARCH, "aarch64");
	put_feature(&m, RELEASE, "6.1.0");
	put_feature(&m, VERSION, "6.12");
	r = made_require_open(&m);
	CHECK_INT(recording_machine(r), MACHINE_AARCH64);
	CHECK_STR(recording_manifest(r, "kernel"), "6.1.0");
	CHECK_STR(recording_manifest(r, "recorder"), "perf 6.12");
	s = &next(r, EVENT_SAMPLE)->sample;
	CHECK_UINT(s->regs.mask, (UINT64_C(1) << 33) - 1);
	CHECK_UINT(s->regs.value[A64_LR], 1030);
	CHECK_UINT(s->regs.value[A64_SP], 1031);
	CHECK_UINT(s->regs.value[A64_PC], 1032);
	check_end(r);
	made_done(&m, r);
	m = made_pipe();
	put_feature(&m, ARCH, "riscv64");
	check_refused(&m, -ENOTSUP, "recorded on 'riscv64'");
}

/* ---- several events ---- */

static void events_by_id(void)
{
	static const uint64_t types[] = {
		MADE_TYPE | PERF_SAMPLE_IDENTIFIER,
		MADE_TYPE | PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_PERIOD,
	};
	struct made_perf m = made_begin();
	struct recording *r;
	const struct event *e;

	buf_put(&m.b, "PERFILE2", 8);
	made_zeros(&m, MADE_FILE_HEADER - 8);
	for (uint64_t i = 0; i < 2; i++) {
		made_attr(&m, MADE_ATTR, types[i], MADE_SAMPLE_ID_ALL);
		made_u64(&m, MADE_FILE_HEADER + 2 * (MADE_ATTR + 16) + i * 8);
		made_u64(&m, 8);
	}
	made_u64(&m, 70);
	made_u64(&m, 71);
	made_set_header(&m, MADE_ATTR, 2);
	for (uint64_t id = 71; id >= 69; id--) {
		made_record(&m, PERF_RECORD_SAMPLE, PERF_RECORD_MISC_USER);
		made_u64(&m, id);
		made_u64(&m, 0x401000 + id);
		made_task(&m, 1);
		made_u64(&m, 200 - id);
		if (id == 71)
			made_u64(&m, 333);
		made_record_end(&m);
	}
	r = made_require_open(&m);
	e = next(r, EVENT_SAMPLE);
	CHECK_UINT(e->sample.source, 1);
	CHECK_UINT(e->sample.ip, 0x401000 + 71);
	CHECK_UINT(e->sample.period, 333);
	e = next(r, EVENT_SAMPLE);
	CHECK_UINT(e->sample.source, 0);
	CHECK_UINT(e->sample.period, 1000); /* a fixed one */
	check_end(r);			    /* id 69 is nobody's */
	CHECK_UINT(recording_state(r)->counters.n[COUNTER_SAMPLES_DROPPED_DECODE], 1);
	made_done(&m, r);
}

/* Nothing says that records begin at a multiple of 8. */
static void odd_offsets(void)
{
	for (size_t odd = 1; odd < 8; odd++) {
		struct made_perf m = made_file(MADE_TYPE | PERF_SAMPLE_CALLCHAIN);
		struct recording *r;
		const struct event_sample *s;

		made_zeros(&m, odd);
		made_set_u64(&m, 40, m.data = m.b.n);
		made_record(&m, PERF_RECORD_SAMPLE, PERF_RECORD_MISC_KERNEL);
		made_u64(&m, 0xffffffff81000100);
		made_task(&m, 1);
		made_u64(&m, 100);
		made_chain(&m);
		made_record_end(&m);
		r = made_require_open(&m);
		s = &next(r, EVENT_SAMPLE)->sample;
		REQUIRE_INT(s->n_uchain, 3);
		CHECK_UINT(s->uchain[2], 0x403000);
		CHECK_TRUE(((uintptr_t)s->uchain & 7) == 0);
		check_end(r);
		made_done(&m, r);
	}
}

/* ---- losses ---- */

static void put_lost(struct made_perf *m, uint32_t type, uint64_t n)
{
	made_record(m, type, 0);
	if (type == PERF_RECORD_LOST)
		made_u64(m, 7);
	made_u64(m, n);
	made_trailer(m, 1, 100);
}

static void losses(void)
{
	struct made_perf m = made_file(MADE_TYPE);
	struct recording *r;

	put_lost(&m, PERF_RECORD_LOST, 5);
	put_lost(&m, PERF_RECORD_LOST, 6);
	put_lost(&m, PERF_RECORD_LOST_SAMPLES, 30);
	r = made_require_open(&m);
	for (int i = 0; i < 3; i++)
		next(r, EVENT_LOST);
	check_end(r);
	CHECK_UINT(recording_state(r)->counters.n[COUNTER_SAMPLES_LOST_KERNEL], 30);
	made_done(&m, r);
}

/* A file of another program may be cut while it is read. */
static void shrinking_file(void)
{
	enum { SAMPLES = 20000 };
	struct made_perf m = made_file(MADE_TYPE);
	struct recording *r;
	const struct event *event;
	unsigned int n = 0;

	for (uint64_t i = 0; i < SAMPLES; i++) {
		made_plain_sample(&m, 1, 0x401000, 100 + i);
		if (i % 100 == 99)
			made_bare(&m, PERF_FINISHED_ROUND);
	}
	r = made_require_open(&m);
	next(r, EVENT_SAMPLE);
	REQUIRE_INT(ftruncate(m.fd, 8192), 0);
	while (recording_next(r, &event) == RECORDING_EVENT)
		n++;
	CHECK_TRUE(n < SAMPLES / 10, "%u samples out of 8 KiB", n);
	CHECK_UINT(recording_state(r)->n_damaged, 1);
	made_done(&m, r);
}

SUITE(read_perfdata, { "attributes of every size are read", attribute_sizes },
      { "what cannot be read is refused by name", refusals },
      { "records of several rings come in time order", rounds },
      { "processes that ran before have the mappings told", synthesized },
      { "switches of tasks are told, those of idle CPUs are not", switches },
      { "the idle thread has a name", idle },
      { "packed records that are cut anywhere come whole", packed_records },
      { "records that do not unpack end the file", packed_damage },
      { "a pipe's build-ids come last and hold from the start", pipe_build_ids },
      { "an aarch64 pipe has its registers and facts", aarch64 },
      { "samples of several events are told apart by id", events_by_id },
      { "records at odd offsets read the same", odd_offsets },
      { "losses are the larger of two counts", losses },
      { "a file that shrinks is damaged where it ends", shrinking_file }, )
