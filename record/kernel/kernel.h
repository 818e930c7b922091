/*
 * The kernel's side of a recording: opens what is to be counted, and hands out what happened as
 * events in time order. Door of the room; only this header is for others.
 *
 *	open -> enable -> { round -> next, next ... -> release } -> disable -> close
 */
#ifndef RECORD_KERNEL_H
#define RECORD_KERNEL_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/format/event.h"
#include "common/format/record.h"
#include "record/watcher/watcher.h"

struct err;
struct kernel;

struct kernel_options {
	const struct watchers *watchers; /* resolved; lent for the kernel's life */
	bool whole_system;
	bool enable_on_exec;  /* starts counting by itself when the task execs */
	bool no_inherit;      /* these tasks alone, not what they start */
	bool start_paused;    /* samples wait for kernel_pause(k, false) */
	bool stack;	      /* copy user stacks */
	uint32_t stack_bytes; /* 0: as much as the rings take */
	const pid_t *tids;    /* tasks to count; unused with whole_system */
	size_t n_tids;
	const char *given_up; /* before this was tried, for the facts; NULL: nothing */
};

enum { KERNEL_UNKNOWN = -1000 };

/* What came of the wishes. For the manifest and for -v. */
struct kernel_facts {
	struct record_source source[WATCHERS_MAX]; /* those that could be opened */
	uint8_t n_sources;
	enum watcher_importance importance[WATCHERS_MAX];
	enum machine machine;
	char event_text[256]; /* of all sources: "task-clock;page-faults" */
	char release[80];
	char machine_text[16];
	int paranoid, kptr_restrict; /* KERNEL_UNKNOWN: no such file */
	uint32_t n_cpus, n_fds, n_rings;
	uint32_t stack_bytes;
	size_t ring_bytes, task_ring_bytes; /* task_ring_bytes 0: tasks ride in the sample rings */
	bool kernel_frames;
	bool exact_lost; /* PERF_FORMAT_LOST is there; otherwise losses are a lower bound */
	bool build_id;
	const char *off_cpu; /* of off-CPU time: "time", "time stacks wakeups"; "": not recorded */
	char fallbacks[512]; /* what was given up, "; " between; empty: nothing */
};

/*
 * Nothing counts yet. err text begins with the words that people search for, names the gate that
 * refused and what would open it.
 * Watchers that this machine or this user cannot have are left out, said and noted in the facts;
 * hCPU without counters becomes sCPU. Fails when none is left.
 * Tasks that are gone already are left out; -ESRCH when all are.
 */
int kernel_open(const struct kernel_options *options, struct kernel **ret, struct err *err);
void kernel_close(struct kernel *k);
const struct kernel_facts *kernel_facts(const struct kernel *k);

/* More tasks of a process that is attached to. */
int kernel_add_tasks(struct kernel *k, const pid_t *tids, size_t n, struct err *err);

/*
 * Whether the kernel has told that this task began, in what was not read yet: then it inherited the
 * events of whoever started it and must not get its own as well.
 */
bool kernel_saw_fork(const struct kernel *k, pid_t tid);

/* Mappings and tasks first, samples when their state at this point is known. */
int kernel_enable_tasks(struct kernel *k, struct err *err);
int kernel_enable_samples(struct kernel *k, struct err *err);
/*
 * Samples off or on again; mappings and tasks are told on. False: they come in the same ring and
 * so does both, leave out the samples.
 */
bool kernel_pause(struct kernel *k, bool pause);
/* One source of the facts alone; false as above. */
bool kernel_pause_source(struct kernel *k, uint8_t source, bool pause);
/*
 * The same for another reason: it is on again when neither holds. False: its events carry mappings
 * and tasks too, it stays on.
 */
bool kernel_switch_source(struct kernel *k, uint8_t source, bool on);
void kernel_disable(struct kernel *k);

/* Descriptors that become readable when a ring wants to be read: one for each ring. */
size_t kernel_poll_fds(const struct kernel *k, struct pollfd *fds, size_t cap);

/* poll said POLLHUP for fds[i]: its task is gone. Puts another one of that ring there, or -1. */
void kernel_poll_gone(struct kernel *k, struct pollfd *fds, size_t i);

/* One look at all rings; `all`: nothing is written any more, hold nothing back. order.h */
void kernel_round(struct kernel *k, bool all);
/* After kernel_round: how much of the fullest ring is not read yet. */
unsigned int kernel_fill_percent(const struct kernel *k);
/*
 * Next event of the round; false: over. Pointers in it live until the next call.
 * Lost mapping and task records come as EVENT_LOST, before any event that they may concern.
 */
bool kernel_next(struct kernel *k, struct event *ret);
/* All events still to come are at or after this time. */
uint64_t kernel_settled_ns(const struct kernel *k);
void kernel_release(struct kernel *k);

/* What is counted by the kernel and by the decoder. */
struct kernel_losses {
	uint64_t samples[WATCHERS_MAX]; /* by source, ring full: exact with PERF_FORMAT_LOST */
	uint64_t bad_samples, bad_records;
	uint64_t count[WATCHERS_MAX]; /* what each source counted: of sCPU nanoseconds */
};
/* Asks the kernel: one read for each event. */
void kernel_read_losses(struct kernel *k, struct kernel_losses *ret);

#endif
