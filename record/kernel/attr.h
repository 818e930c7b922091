/* Watchers -> struct perf_event_attr, and what the samples of each will hold. */
#ifndef RECORD_KERNEL_ATTR_H
#define RECORD_KERNEL_ATTR_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/format/record.h"
#include "record/kernel/decode.h"
#include "record/watcher/watcher.h"

/* A watcher as this machine has it. */
struct event_spec {
	const struct watcher *watcher;
	struct record_source source; /* how the file names it */
	uint32_t type;		     /* PERF_TYPE_... */
	uint64_t config;
	bool wakeup; /* of off-CPU time: says who was woken, nothing else */
};

/* What the kernel was found to allow; see open.c for the order in which these are given up. */
struct attr_choice {
	bool whole_system;
	bool enable_on_exec;
	bool start_paused; /* samples wait for kernel_pause(k, false), mappings do not */
	bool no_inherit;   /* one task alone: neither its threads nor what it starts */
	bool kernel;	   /* samples in the kernel, and their call chain */
	bool format_lost;  /* PERF_FORMAT_LOST, Linux 6.0 */
	bool build_id;	   /* build-ids in MMAP2, Linux 5.12 */
	bool stack;	   /* copy the user stack */
	uint32_t stack_bytes;
	uint32_t each_stack_bytes; /* of events that come each time; 0: the same */
	uint32_t watermark_bytes;
	uint32_t task_watermark_bytes; /* of rings that have tasks alone */
};

/*
 * `whole_system` picks the clock of sCPU: task-clock counts a task's own time, cpu-clock a CPU's.
 * The watcher is lent.
 */
void event_spec_fill(const struct watcher *watcher, bool whole_system, struct event_spec *ret);

/* Whether samples in the kernel are wanted and allowed. */
bool event_spec_in_kernel(const struct event_spec *spec, const struct attr_choice *choice);

/* Whether (nearly) every occurrence is a sample: they come in bursts, not by the clock. */
bool event_spec_is_each(const struct event_spec *spec);

/* perf's name: "task-clock", "cpu-clock", "sched:sched_switch". */
const char *event_spec_kernel_name(const struct event_spec *spec);

/* The sampling event. With `tasks` it also carries mappings and tasks (no ring of their own). */
void attr_fill_sample(const struct event_spec *spec, const struct attr_choice *choice, bool tasks,
		      struct perf_event_attr *ret);

/* Mappings, names, forks, exits: an event that never counts, so that it is lost for no sample. */
void attr_fill_tasks(const struct attr_choice *choice, struct perf_event_attr *ret);

/* What the records of attr_fill_sample hold. */
void attr_decoding(const struct event_spec *spec, const struct attr_choice *choice,
		   struct decode_source *ret);

#endif
