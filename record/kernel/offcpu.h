/*
 * Time off CPUs, as the kernel tells of it: the event's samples have the stacks of those who leave
 * a CPU (kernel side: rights are needed), its PERF_RECORD_SWITCH say when they leave and come back
 * (allowed to everybody), and a tracepoint says when they were woken (rights and tracefs).
 */
#ifndef RECORD_KERNEL_OFFCPU_H
#define RECORD_KERNEL_OFFCPU_H

#include <stdbool.h>
#include <stdint.h>

#include "common/format/event.h"
#include "record/watcher/watcher.h"

struct kernel;

enum {
	OFFCPU_STACK_BYTES = 16384, /* of each switch; 0.7 us dearer than half of it */
	OFFCPU_MARKS = 4,
	OFFCPU_WOKEN = 1024, /* threads that were woken and do not run yet; by tid modulo */
	OFFCPU_TIDS = 1 << 16,
};

struct offcpu {
	bool wanted;	       /* off-CPU time is recorded */
	struct watcher wakeup; /* the tracepoint; the last spec while it is there */
	char lacks[128];       /* why it is not there, and the remedy; "": it is */
	struct event mark[OFFCPU_MARKS];
	unsigned int n_marks;
	uint32_t woken[OFFCPU_WOKEN];
	uint64_t ours[OFFCPU_TIDS / 64]; /* by tid modulo: may be one of those that we record */
};

/* After the watchers were taken: adds what else is needed to the kernel's specs. */
void offcpu_add(struct kernel *k);
bool offcpu_is_wakeup(const struct kernel *k, const struct watcher *w);
/* The tracepoint is refused: waits go without it. */
void offcpu_refused(struct kernel *k, int code);
/* Once, after everything is opened: what is not there. */
void offcpu_tell(const struct kernel *k);
/* Specs that somebody asked for. */
uint8_t offcpu_n_asked(const struct kernel *k);
/* "time stacks wakeups"; "" when it is not recorded. For the facts. */
const char *offcpu_facts(const struct kernel *k);

void offcpu_note_task(struct kernel *k, uint32_t tid);
/* From this moment on switches are told, or no more. */
void offcpu_mark(struct kernel *k, enum switch_kind kind);
/* A mark that is older than every record still in the rings. */
bool offcpu_take_mark(struct kernel *k, struct event *ret);
/* False: says nothing new, of nobody that we record, or of no task at all. */
bool offcpu_takes(struct kernel *k, const struct event *event);

#endif
