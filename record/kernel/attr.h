/*
 * Event text -> struct perf_event_attr. The text is the model's grammar cut down to what exists
 * today: sCPU, with an optional frequency or period ("sCPU", "sCPU f=199", "sCPU,p=50").
 */
#ifndef RECORD_KERNEL_ATTR_H
#define RECORD_KERNEL_ATTR_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/format/record.h"

struct err;

enum { FREQUENCY_MAX_HZ = 100000 };

struct event_spec {
	struct record_source source; /* how the file names it */
	uint32_t type;		     /* PERF_TYPE_... */
	uint64_t config;
};

/* What the kernel was found to allow; see open.c for the order in which these are given up. */
struct attr_choice {
	bool whole_system;
	bool enable_on_exec;
	bool kernel;	  /* samples in the kernel, and their call chain */
	bool format_lost; /* PERF_FORMAT_LOST, Linux 6.0 */
	bool build_id;	  /* build-ids in MMAP2, Linux 5.12 */
	bool stack;	  /* copy the user stack */
	uint32_t stack_bytes;
	uint32_t watermark_bytes;
};

/*
 * `hz` is the frequency of events that do not name their own; `whole_system` picks the clock:
 * task-clock counts a task's own time, cpu-clock a CPU's.
 * -EINVAL: not an event; -ENOTSUP: an event of the model that is not there yet.
 */
int event_spec_parse(const char *text, uint32_t hz, bool whole_system, struct event_spec *ret,
		     struct err *err);

/* The sampling event. With `tasks` it also carries mappings and tasks (no ring of their own). */
void attr_fill_sample(const struct event_spec *spec, const struct attr_choice *choice, bool tasks,
		      struct perf_event_attr *ret);

/* Mappings, names, forks, exits: an event that never counts, so that it is lost for no sample. */
void attr_fill_tasks(const struct attr_choice *choice, struct perf_event_attr *ret);

#endif
