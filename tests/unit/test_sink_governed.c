/* What the governor leaves out of stacks and sources: through the sink into a file, and back. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "record/sink/sink.h"
#include "report/read/read.h"
#include "tests/unit/check.h"

enum { STACK_BYTES = 8192, KEPT_BYTES = 1024 };

static uint64_t stack[STACK_BYTES / 8];

static void put_sample(struct sink *s, uint64_t time_ns)
{
	struct event e = { .type = EVENT_SAMPLE, .time_ns = time_ns, .pid = 100, .tid = 100 };

	e.sample = (struct event_sample){
		.user = true,
		.period = 1,
		.stack = (const uint8_t *)stack,
		.stack_bytes = STACK_BYTES,
		.regs = { .mask = UINT64_C(1) << X86_RSP | UINT64_C(1) << X86_PC },
	};
	e.sample.regs.value[X86_RSP] = 0x7ffc00001000;
	e.sample.regs.value[X86_PC] = 0x401000;
	sink_event(s, &e);
}

static void put_governed(struct sink *s, uint64_t time_ns, uint32_t stack_bytes, uint64_t off)
{
	struct event e = { .type = EVENT_GOVERNED, .time_ns = time_ns };

	e.governed = (struct event_governed){ .stack_bytes = stack_bytes, .off = off };
	sink_event(s, &e);
}

static void on_object(void *ctx, const struct space *space, const struct mapping *mapping)
{
	(void)ctx;
	(void)space;
	(void)mapping;
}

static void on_kernel(void *ctx, uint64_t pc)
{
	(void)ctx;
	(void)pc;
}

static void write_file(const char *path)
{
	static const struct record_source sources[] = { { .name = "sCPU", .unit = "nanoseconds" },
							{ .name = "sPF", .unit = "events" } };
	struct sink_options options = {
		.machine = MACHINE_X86_64,
		.stacks = SINK_STACKS_RAW,
		.source = sources,
		.n_sources = 2,
		.on_object = on_object,
		.on_kernel = on_kernel,
	};
	struct sink_total total;
	struct sink *s;

	REQUIRE_INT(sink_open(path, &options, &s, NULL), 0);
	put_sample(s, 1000);
	put_governed(s, 2000, KEPT_BYTES, 1 << 1);
	put_sample(s, 3000);
	sink_sources_changed(s, 3000); /* a keyframe in the middle */
	put_sample(s, 4000);
	put_governed(s, 7000, 0, 0);
	put_sample(s, 8000);
	CHECK_INT(sink_close(s, &total, NULL), 0);
	sink_free(s);
}

static void there_and_back(void)
{
	static const uint64_t bytes[] = { STACK_BYTES, KEPT_BYTES, KEPT_BYTES, STACK_BYTES };
	char path[64];
	struct recording *r;
	const struct event *e;
	uint32_t n = 0;

	snprintf(path, sizeof(path), "/tmp/ddprof-test-governed-%d", (int)getpid());
	write_file(path);
	REQUIRE_INT(recording_open(path, &r, NULL), 0);
	for (int twice = 0; twice < 2; twice++) {
		for (n = 0; recording_next(r, &e) == RECORDING_EVENT;) {
			if (e->type != EVENT_SAMPLE)
				continue;
			REQUIRE_TRUE(n < 4);
			CHECK_UINT(e->sample.stack_bytes, bytes[n]);
			CHECK_TRUE(e->sample.stack_spared == (bytes[n] == KEPT_BYTES));
			CHECK_TRUE(e->sample.stack_cut == (bytes[n] == KEPT_BYTES));
			n++;
		}
		CHECK_UINT(n, 4);
		recording_rewind(r);
	}
	const struct recording_governed *g = recording_governed(r, &n);
	REQUIRE_INT(n, 2);
	CHECK_UINT(g[0].time_ns, 2000);
	CHECK_UINT(g[0].now.stack_bytes, KEPT_BYTES);
	CHECK_UINT(g[0].now.off, 2);
	CHECK_UINT(g[1].now.off, 0);
	CHECK_UINT(recording_off_ns(r, 0), 0);
	CHECK_UINT(recording_off_ns(r, 1), 5000);
	recording_close(r);
	unlink(path);
}

SUITE(sink_governed,
      { "stacks that were cut and sources that were off are told", there_and_back }, )
