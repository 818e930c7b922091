/*
 * perf_event_open, and what to give up in which order when it is refused. Each step is taken by
 * itself and named: kernel frames, exact losses, build-ids (choose.c); sizes of rings and stacks,
 * rings of their own for tasks, threads and children (ladder.c).
 */
#ifndef RECORD_KERNEL_OPEN_H
#define RECORD_KERNEL_OPEN_H

#include <sys/types.h>

#include "common/base/map.h"
#include "record/gate/gate.h"
#include "record/kernel/attr.h"
#include "record/kernel/kernel.h"
#include "record/kernel/offcpu.h"
#include "record/kernel/order.h"
#include "record/kernel/probe.h"
#include "record/kernel/ring.h"

struct err;

enum kernel_ring_kind { RING_SAMPLES, RING_TASKS, RING_KINDS };

/*
 * All descriptors of one kind: for each task, for each event, one on every CPU. The first of each
 * CPU owns the CPU's ring.
 */
struct kernel_fds {
	int *fd;
	size_t n, cap;
};

/* What is being asked for: kept for the words when it is refused. */
struct open_asked {
	enum gate_step step;
	const struct event_spec *spec; /* NULL: mappings and tasks */
	pid_t tid;
	uint32_t cpu;	  /* its place in probe.cpu */
	size_t bytes;	  /* GATE_STEP_MAP */
	const char *what; /* GATE_STEP_FINALIZE: "its ring" */
};

struct kernel {
	struct event_spec spec[WATCHERS_MAX];
	uint8_t n_specs;
	struct watcher replacement; /* what hCPU became */
	struct decode_source decoding[WATCHERS_MAX];
	struct map ids; /* identifier of a sampling event -> its place in spec */
	struct probe probe;
	struct attr_choice choice;
	uint32_t stack_wanted; /* bytes; 0: as the rings allow */
	bool tasks_apart;      /* mappings and tasks have events and rings of their own */
	bool is_short;	       /* of descriptors: no task is added any more */
	uint32_t paused, off;  /* specs, by bit: pause.c */
	bool tiny_rings;       /* of less than 8 pages: before children are given up */
	bool first_task_only;  /* one ring on whatever CPU; choice.no_inherit */
	struct kernel_fds fds[RING_KINDS];
	struct ring *rings; /* CPU i: 2i samples, 2i + 1 tasks; without tasks_apart: i */
	int *ring_fd;	    /* whose ring it is */
	uint32_t n_rings;
	bool rings_mapped;
	struct order order;
	struct open_asked asked;
	struct gates gates; /* once gates_known: asked for after a refusal */
	bool gates_known;
	struct offcpu offcpu;
	struct kernel_facts facts;
	uint64_t bad_samples, bad_records;
	uint64_t tasks_lost;	       /* told as EVENT_LOST so far */
	uint64_t lost_from_ns, lost_n; /* to be told before what is younger; n 0: nothing */
	/* LOST records: only where PERF_FORMAT_LOST is not */
	uint64_t lost_samples[WATCHERS_MAX], lost_tasks;
};

/*
 * Finds out on one CPU which choice the kernel takes, and leaves out watchers that it refuses.
 * err: the refusal of the last of them.
 */
int open_choose(struct kernel *k, pid_t tid, struct err *err); /* choose.c */
/* Opens for tid (-1: every task) on all CPUs; the first call also maps the rings. -ESRCH: gone. */
int open_task(struct kernel *k, pid_t tid, struct err *err); /* ladder.c */
/* The bare system call: a descriptor, or negative errno. */
int open_perf(struct perf_event_attr *attr, pid_t tid, int cpu);

/* Everything of one task, or nothing. */
int open_kinds(struct kernel *k, pid_t tid);
/* The first task's rings; after a failure open_unmap. */
int open_map(struct kernel *k, size_t sample_bytes, size_t task_bytes);
void open_unmap(struct kernel *k); /* rings and descriptors */
void open_close(struct kernel *k);
/* What was given up, for the facts. */
void open_note(struct kernel *k, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * refuse.c: what k->asked was refused with `code`, in words that people search for, and the gate
 * that refused. Only when all that was opened is closed again: gates are looked at. Returns code.
 */
int refuse(struct kernel *k, int code, struct err *err);
/* Which gate stands before a ring of this size: "cause (values): remedy". */
void refuse_explain_ring(struct kernel *k, size_t bytes, char *text, size_t cap);
/* The same before what needs rights: kernel frames, the whole system. */
void refuse_explain_rights(struct kernel *k, bool system, char *text, size_t cap);

#endif
