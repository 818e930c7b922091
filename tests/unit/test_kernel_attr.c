#include <linux/perf_event.h>

#include "common/base/err.h"
#include "record/kernel/attr.h"
#include "record/kernel/decode.h"
#include "record/kernel/probe.h"
#include "tests/unit/check.h"

static struct watchers ws;

static struct event_spec spec_of(const char *text, bool whole_system)
{
	struct event_spec spec;
	struct err err = { .code = 0 };

	ws.n = 0;
	if (watchers_add(&ws, text, &err) < 0)
		CHECK_STR(err.text, text);
	event_spec_fill(&ws.watcher[0], whole_system, &spec);
	return spec;
}

static void watchers_become_specs(void)
{
	struct event_spec spec = spec_of("sCPU f=200", false);

	CHECK_UINT(spec.source.frequency_hz, 200);
	CHECK_UINT(spec.source.period, 5000000);
	CHECK_STR(spec.source.name, "sCPU");
	CHECK_STR(spec.source.unit, "nanoseconds");
	CHECK_UINT(spec.config, PERF_COUNT_SW_TASK_CLOCK);
	CHECK_STR(event_spec_kernel_name(&spec), "task-clock");
	spec = spec_of("sCPU", true);
	CHECK_UINT(spec.config, PERF_COUNT_SW_CPU_CLOCK);
	CHECK_STR(event_spec_kernel_name(&spec), "cpu-clock");
	spec = spec_of("sPF p=7 label=faults", false);
	CHECK_STR(spec.source.name, "faults");
	CHECK_UINT(spec.source.frequency_hz, 0);
	CHECK_UINT(spec.source.period, 7);
	CHECK_STR(spec.source.unit, "events");
}

static void each_event_has_its_own_attr(void)
{
	struct attr_choice choice = { .stack = true, .stack_bytes = 32768 };
	struct perf_event_attr attr;
	struct event_spec spec = spec_of("sCS st=8192", false);

	attr_fill_sample(&spec, &choice, false, &attr);
	CHECK_TRUE(!attr.exclude_kernel, "context switches are in the kernel");
	CHECK_TRUE(!attr.freq);
	CHECK_UINT(attr.sample_period, 1);
	CHECK_UINT(attr.sample_stack_user, 8192);
	spec = spec_of("id=317 raw_offset=8 raw_size=4", false);
	attr_fill_sample(&spec, &choice, false, &attr);
	CHECK_UINT(attr.type, PERF_TYPE_TRACEPOINT);
	CHECK_UINT(attr.config, 317);
	CHECK_TRUE(attr.sample_type & PERF_SAMPLE_RAW);
}

static void kernel_is_left_out_altogether(void)
{
	struct attr_choice choice = { .stack = true, .stack_bytes = 32768 };
	struct perf_event_attr attr;
	struct event_spec spec = spec_of("sCPU", false);

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

static void off_cpu_tells_switches(void)
{
	struct attr_choice choice = { .kernel = true, .stack = true, .stack_bytes = 32768 };
	struct event_spec spec = spec_of("offcpu", false);
	struct perf_event_attr attr;

	CHECK_STR(spec.source.unit, "switches");
	attr_fill_sample(&spec, &choice, false, &attr);
	CHECK_TRUE(attr.context_switch);
	CHECK_UINT(attr.sample_stack_user, 16384);
	CHECK_UINT(attr.sample_period, 1);
	choice.kernel = false;
	attr_fill_sample(&spec, &choice, false, &attr);
	CHECK_TRUE(attr.context_switch && attr.exclude_kernel, "time without stacks");
}

static void periods_of_software_events(void)
{
	struct attr_choice choice = { .kernel = true };
	struct event_spec spec = spec_of("sPF p=99", false);
	struct perf_event_attr attr;
	struct decode_source holds;

	attr_fill_sample(&spec, &choice, false, &attr);
	attr_decoding(&spec, &choice, &holds);
	CHECK_TRUE(!(attr.sample_type & PERF_SAMPLE_PERIOD), "or each of them is a sample");
	CHECK_UINT(holds.period, 99);
	spec = spec_of("sPF", false);
	attr_fill_sample(&spec, &choice, false, &attr);
	CHECK_TRUE(attr.sample_type & PERF_SAMPLE_PERIOD);
}

SUITE(kernel_attr,
      { "off-CPU time tells switches, with or without stacks", off_cpu_tells_switches },
      { "a period of events of software is kept to", periods_of_software_events },
      { "watchers become what this machine counts", watchers_become_specs },
      { "each event has its own rate, stack, and side of the kernel", each_event_has_its_own_attr },
      { "without the kernel nothing of it is asked for", kernel_is_left_out_altogether },
      { "lists of CPUs are read, and nothing else", cpu_lists }, )
