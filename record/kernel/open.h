/*
 * perf_event_open, and what to give up in which order when it is refused. Each step is taken by
 * itself and named: kernel frames, exact losses, build-ids, sizes of rings and stacks.
 */
#ifndef RECORD_KERNEL_OPEN_H
#define RECORD_KERNEL_OPEN_H

#include <sys/types.h>

#include "record/kernel/attr.h"
#include "record/kernel/kernel.h"
#include "record/kernel/order.h"
#include "record/kernel/probe.h"
#include "record/kernel/ring.h"

struct err;

enum kernel_ring_kind { RING_SAMPLES, RING_TASKS, RING_KINDS };

/* All descriptors of one kind; the first of each CPU owns the CPU's ring. */
struct kernel_fds {
	int *fd;
	size_t n, cap;
};

struct kernel {
	struct event_spec spec;
	struct probe probe;
	struct attr_choice choice;
	uint32_t stack_wanted; /* bytes; 0: as the rings allow */
	bool tasks_apart;      /* mappings and tasks have events and rings of their own */
	struct kernel_fds fds[RING_KINDS];
	struct ring *rings; /* CPU i: 2i samples, 2i + 1 tasks; without tasks_apart: i */
	int *ring_fd;	    /* whose ring it is */
	uint32_t n_rings;
	struct order order;
	struct kernel_facts facts;
	uint64_t bad_samples, bad_records;
	uint64_t tasks_lost;		   /* told as EVENT_LOST so far */
	uint64_t lost_from_ns, lost_n;	   /* to be told before what is younger; n 0: nothing */
	uint64_t lost_records[RING_KINDS]; /* LOST records: only where PERF_FORMAT_LOST is not */
};

/* Finds out on one CPU which choice the kernel takes. err: the refusal of the least wish. */
int open_choose(struct kernel *k, pid_t tid, struct err *err);
/* Opens for tid (-1: every task) on all CPUs; the first call also maps the rings. -ESRCH: gone. */
int open_task(struct kernel *k, pid_t tid, struct err *err);
void open_close(struct kernel *k); /* all descriptors and rings */
void open_note(struct kernel *k, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
