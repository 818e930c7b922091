/*
 * Task events ride on a dummy event of their own: a sample ring that runs over then never
 * loses a mapping, and PERF_FORMAT_LOST of the sampling event counts samples alone.
 */
#include "record/kernel/attr.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/base/bits.h"
#include "record/kernel/offcpu.h"

void event_spec_fill(const struct watcher *watcher, bool whole_system, struct event_spec *ret)
{
	const struct watcher_kind *kind = watcher->kind;
	bool is_time = kind->type == PERF_TYPE_SOFTWARE && kind->config == PERF_COUNT_SW_TASK_CLOCK;

	*ret = (struct event_spec){
		.watcher = watcher,
		.type = kind->type,
		.config = is_time && whole_system ? PERF_COUNT_SW_CPU_CLOCK : watcher->config,
	};
	snprintf(ret->source.name, sizeof(ret->source.name), "%s", watcher->label);
	snprintf(ret->source.unit, sizeof(ret->source.unit), "%s",
		 kind->class == WATCHER_OFF_CPU ? "switches" : kind->unit);
	ret->source.frequency_hz = watcher->frequency_hz;
	ret->source.period = watcher->period;
	if (is_time && watcher->frequency_hz)
		ret->source.period = 1000000000 / watcher->frequency_hz;
}

bool event_spec_in_kernel(const struct event_spec *spec, const struct attr_choice *choice)
{
	if (spec->watcher->user_only)
		return false;
	switch (spec->watcher->kind->kernel) {
	case WATCHER_USER_ONLY:
		return false;
	case WATCHER_KERNEL_NEED:
		return true;
	default:
		return choice->kernel;
	}
}

const char *event_spec_kernel_name(const struct event_spec *spec)
{
	if (spec->type == PERF_TYPE_SOFTWARE && spec->config == PERF_COUNT_SW_CPU_CLOCK)
		return "cpu-clock";
	return spec->type == PERF_TYPE_TRACEPOINT ? spec->watcher->name :
						    spec->watcher->kind->alias;
}

static void fill_common(const struct attr_choice *choice, struct perf_event_attr *attr)
{
	attr->size = sizeof(*attr);
	attr->disabled = 1;
	attr->inherit = !choice->whole_system && !choice->no_inherit;
	attr->enable_on_exec = choice->enable_on_exec;
	attr->exclude_hv = 1;
	attr->sample_id_all = 1;
	attr->use_clockid = 1;
	attr->clockid = CLOCK_MONOTONIC;
	attr->watermark = 1;
	attr->wakeup_watermark = choice->watermark_bytes;
	attr->read_format = choice->format_lost ? PERF_FORMAT_LOST : 0;
}

static void fill_tasks(const struct attr_choice *choice, struct perf_event_attr *attr)
{
	attr->mmap = 1;
	attr->mmap2 = 1;
	attr->build_id = choice->build_id;
	attr->comm = 1;
	attr->comm_exec = 1;
	attr->task = 1;
}

bool event_spec_is_each(const struct event_spec *spec)
{
	enum { RARE_PERIOD = 16 };

	return !spec->source.frequency_hz && spec->source.period < RARE_PERIOD;
}

static uint32_t stack_of(const struct event_spec *spec, const struct attr_choice *choice)
{
	uint32_t own = spec->watcher->stack_bytes, each = choice->each_stack_bytes;

	if (!own && spec->watcher->kind->class == WATCHER_OFF_CPU)
		own = each ? MIN(each, (uint32_t)OFFCPU_STACK_BYTES) : OFFCPU_STACK_BYTES;
	else if (!own && event_spec_is_each(spec))
		own = each;
	return own && own < choice->stack_bytes ? own : choice->stack_bytes;
}

/*
 * Linux gives a sample for each event of software, whatever its period, if the sample shall say
 * its period: perf_swevent_event.
 */
static bool period_is_left_out(const struct event_spec *spec)
{
	return !spec->source.frequency_hz && spec->source.period > 1 &&
	       (spec->type == PERF_TYPE_SOFTWARE || spec->type == PERF_TYPE_TRACEPOINT);
}

void attr_decoding(const struct event_spec *spec, const struct attr_choice *choice,
		   struct decode_source *ret)
{
	const struct watcher *w = spec->watcher;

	*ret = (struct decode_source){
		.callchain = event_spec_in_kernel(spec, choice) && !spec->wakeup,
		.raw = w->value == WATCHER_VALUE_RAW,
		.stack = choice->stack && !spec->wakeup,
		.wakeup = spec->wakeup,
		.off_cpu = w->kind->class == WATCHER_OFF_CPU,
		.period = period_is_left_out(spec) ? spec->source.period : 0,
		.value = w->value == WATCHER_VALUE_RAW	    ? DECODE_VALUE_RAW :
			 w->value == WATCHER_VALUE_REGISTER ? DECODE_VALUE_REGISTER :
							      DECODE_VALUE_PERIOD,
		.value_at = w->value_at,
		.value_bytes = w->value_bytes,
		.scale = w->scale,
	};
}

void attr_fill_sample(const struct event_spec *spec, const struct attr_choice *choice, bool tasks,
		      struct perf_event_attr *ret)
{
	struct decode_source holds;

	attr_decoding(spec, choice, &holds);
	*ret = (struct perf_event_attr){
		.type = spec->type,
		.config = spec->config,
		.freq = spec->source.frequency_hz != 0,
		.sample_type = DECODE_SAMPLE_TYPE,
		.sample_regs_user = perf_regs_native()->mask,
		/* A CPU's clock ticks while nothing runs; nobody asks where idle time goes. */
		.exclude_idle = choice->whole_system,
		.exclude_callchain_user = 1,
		.context_switch = spec->watcher->kind->class == WATCHER_OFF_CPU,
	};
	if (spec->wakeup) { /* what the waking thread does is another question */
		ret->sample_type &= ~(uint64_t)PERF_SAMPLE_REGS_USER;
		ret->sample_regs_user = 0;
	}
	if (ret->freq)
		ret->sample_freq = spec->source.frequency_hz;
	else
		ret->sample_period = spec->source.period;
	fill_common(choice, ret);
	if (choice->start_paused && !tasks)
		ret->enable_on_exec = 0;
	if (tasks)
		fill_tasks(choice, ret);
	if (holds.callchain) {
		ret->sample_type |= PERF_SAMPLE_CALLCHAIN;
	} else if (!spec->wakeup) {
		ret->exclude_kernel = 1;
		ret->exclude_callchain_kernel = 1;
	}
	if (holds.period)
		ret->sample_type &= ~(uint64_t)PERF_SAMPLE_PERIOD;
	if (holds.raw)
		ret->sample_type |= PERF_SAMPLE_RAW;
	if (holds.stack) {
		ret->sample_type |= PERF_SAMPLE_STACK_USER;
		ret->sample_stack_user = stack_of(spec, choice);
	}
}

void attr_fill_tasks(const struct attr_choice *choice, struct perf_event_attr *ret)
{
	*ret = (struct perf_event_attr){
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_DUMMY,
		.sample_type = DECODE_TASKS_TYPE,
		.exclude_kernel = !choice->kernel,
		.exclude_callchain_kernel = !choice->kernel,
	};
	fill_common(choice, ret);
	ret->wakeup_watermark = choice->task_watermark_bytes;
	fill_tasks(choice, ret);
}
