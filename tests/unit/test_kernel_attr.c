#include <errno.h>

#include "common/base/err.h"
#include "record/kernel/attr.h"
#include "record/kernel/decode.h"
#include "record/kernel/probe.h"
#include "tests/unit/check.h"

static void events_are_understood(void)
{
	static const struct {
		const char *text;
		uint64_t hz;
	} good[] = { { "sCPU", 99 },	    { " sCPU ", 99 },	  { "sCPU;", 99 },
		     { "sCPU f=199", 199 }, { "sCPU,freq=5", 5 }, { "sCPU,frequency=7", 7 },
		     { "sCPU p=50", 50 },   { "f=3 sCPU", 3 } };
	struct event_spec spec;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		REQUIRE_INT(event_spec_parse(good[i].text, 99, false, &spec, NULL), 0);
		CHECK_UINT(spec.source.frequency_hz, good[i].hz);
		CHECK_UINT(spec.source.period, 1000000000 / good[i].hz);
		CHECK_STR(spec.source.name, "sCPU");
		CHECK_UINT(spec.config, PERF_COUNT_SW_TASK_CLOCK);
	}
	REQUIRE_INT(event_spec_parse("sCPU", 99, true, &spec, NULL), 0);
	CHECK_UINT(spec.config, PERF_COUNT_SW_CPU_CLOCK);
}

static void other_events_are_refused(void)
{
	static const struct {
		const char *text;
		int code;
		const char *says;
	} bad[] = {
		{ "", -EINVAL, "names no event" },
		{ "f=99", -EINVAL, "names no event" },
		{ "cycles", -EINVAL, "'cycles' is no event" },
		{ "scpu", -EINVAL, "'scpu' is no event" },
		{ "sALLOC", -ENOTSUP, "'sALLOC' is not supported yet" },
		{ "hCPU p=3", -ENOTSUP, "'hCPU' is not supported yet" },
		{ "sCPU;sALLOC", -ENOTSUP, "one event at a time" },
		{ "sCPU f=0", -EINVAL, "expected 1 to 100000" },
		{ "sCPU f=-1", -EINVAL, "expected 1 to 100000" },
		{ "sCPU f=1x", -EINVAL, "expected 1 to 100000" },
		{ "sCPU f=100001", -EINVAL, "expected 1 to 100000" },
		{ "sCPU f=99999999999999999999", -EINVAL, "expected 1 to 100000" },
		{ "sCPU mode=l", -ENOTSUP, "'mode=l' is not understood" },
	};
	struct event_spec spec;
	struct err err;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK_INT(event_spec_parse(bad[i].text, 99, false, &spec, &err), bad[i].code);
		CHECK_HAS(err.text, bad[i].says);
	}
}

static void kernel_is_left_out_altogether(void)
{
	struct attr_choice choice = { .stack = true, .stack_bytes = 32768 };
	struct perf_event_attr attr;
	struct event_spec spec;

	REQUIRE_INT(event_spec_parse("sCPU", 99, false, &spec, NULL), 0);
	attr_fill_sample(&spec, &choice, false, &attr);
	CHECK_TRUE(attr.exclude_kernel && attr.exclude_callchain_kernel &&
		   attr.exclude_callchain_user);
	CHECK_TRUE(!(attr.sample_type & PERF_SAMPLE_CALLCHAIN));
	CHECK_UINT(attr.sample_stack_user, 32768);
	CHECK_TRUE(!attr.mmap2 && !attr.comm && !attr.task, "tasks have an event of their own");
	attr_fill_sample(&spec, &choice, true, &attr);
	CHECK_TRUE(attr.mmap2 && attr.comm && attr.comm_exec && attr.task);
	attr_fill_tasks(&choice, &attr);
	CHECK_TRUE(attr.exclude_kernel && attr.exclude_callchain_kernel);
	CHECK_UINT(attr.config, PERF_COUNT_SW_DUMMY);
	CHECK_UINT(attr.sample_type, DECODE_TASKS_TYPE);
}

static void cpu_lists(void)
{
	uint16_t cpus[8];

	REQUIRE_INT(probe_parse_cpus("0-2,5,7-8\n", cpus, 8), 6);
	static const uint16_t want[] = { 0, 1, 2, 5, 7, 8 };
	CHECK_MEM(cpus, want, sizeof(want));
	CHECK_INT(probe_parse_cpus("0\n", cpus, 8), 1);
	CHECK_INT(probe_parse_cpus("0-1000\n", cpus, 8), 8);
	static const char *const bad[] = { "",	 "\n", "x",   "3-1",
					   "1-", "-1", "1;2", "99999999999999999999" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_INT(probe_parse_cpus(bad[i], cpus, 8), 0);
}

SUITE(kernel_attr, { "events of the grammar are understood", events_are_understood },
      { "other events are refused with what is wrong", other_events_are_refused },
      { "without the kernel nothing of it is asked for", kernel_is_left_out_altogether },
      { "lists of CPUs are read, and nothing else", cpu_lists }, )
