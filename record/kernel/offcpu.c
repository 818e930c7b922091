/*
 * A wakeup is told by the event of the thread that wakes and by that of the thread that is woken,
 * wherever each of them is recorded: a second word before the woken one runs says nothing new, and
 * those of strangers are nobody's business.
 */
#include "record/kernel/offcpu.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/err.h"
#include "common/base/io.h"
#include "common/base/log.h"
#include "record/kernel/open.h"

enum {
	PID_NAMESPACE_INIT = 0xeffffffc, /* inode; linux/proc_ns.h, PROC_PID_INIT_INO */
};

/* The tracepoint's pid is that of the outermost namespace, which ours must be. */
static bool in_first_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) == 0 && st.st_ino == PID_NAMESPACE_INIT;
}

static void lack(struct kernel *k, const char *what, const char *remedy)
{
	open_note(k, "no wakeups (%s)", what);
	snprintf(k->offcpu.lacks, sizeof(k->offcpu.lacks), "%s%s", what, remedy);
}

static bool resolve_wakeup(struct kernel *k)
{
	struct watchers w = { .n = 0 };
	struct err err = { 0 };

	if (!in_first_namespace()) {
		lack(k, "not in the first pid namespace", "");
		return false;
	}
	if (watchers_add(&w, "sched:sched_wakeup p=1", &err) < 0)
		return false;
	int r = watchers_resolve(&w, NULL, &err);
	if (r == 0)
		r = watcher_take_field(&w.watcher[0], "pid", NULL, &err);
	if (r == -ENODEV)
		lack(k, "no tracefs", ": as root, 'mount -t tracefs tracefs /sys/kernel/tracing'");
	else if (r == -EACCES)
		lack(k, "tracefs may not be read",
		     ": as root, 'chmod -R o+rX /sys/kernel/tracing'");
	else if (r < 0)
		lack(k, "no tracepoint sched:sched_wakeup", "");
	if (r < 0)
		return false;
	k->offcpu.wakeup = w.watcher[0];
	return true;
}

void offcpu_add(struct kernel *k)
{
	for (uint8_t i = 0; i < k->n_specs; i++)
		k->offcpu.wanted |= k->spec[i].watcher->kind->class == WATCHER_OFF_CPU;
	if (!k->offcpu.wanted || k->n_specs == WATCHERS_MAX || !resolve_wakeup(k))
		return;
	event_spec_fill(&k->offcpu.wakeup, k->choice.whole_system, &k->spec[k->n_specs]);
	k->spec[k->n_specs++].wakeup = true;
}

bool offcpu_is_wakeup(const struct kernel *k, const struct watcher *w)
{
	return w == &k->offcpu.wakeup;
}

void offcpu_refused(struct kernel *k, int code)
{
	lack(k, strerror(-code), "");
	k->n_specs--;
}

/* Without the kernel side there are no stacks either: ordinary, and said with -v. */
void offcpu_tell(const struct kernel *k)
{
	if (k->offcpu.lacks[0] && k->choice.kernel)
		log_notice("off-CPU time: when a thread is woken is not known (%s); its wait for a "
			   "CPU after that counts as sleep",
			   k->offcpu.lacks);
}

uint8_t offcpu_n_asked(const struct kernel *k)
{
	return (uint8_t)(k->n_specs - (k->n_specs && k->spec[k->n_specs - 1].wakeup));
}

const char *offcpu_facts(const struct kernel *k)
{
	bool any = false;

	for (uint8_t i = 0; i < k->n_specs; i++)
		any |= k->spec[i].watcher->kind->class == WATCHER_OFF_CPU;
	if (!any)
		return "";
	if (offcpu_n_asked(k) < k->n_specs)
		return "time stacks wakeups";
	return k->choice.kernel ? "time stacks" : "time";
}

void offcpu_note_task(struct kernel *k, uint32_t tid)
{
	k->offcpu.ours[tid % OFFCPU_TIDS / 64] |= UINT64_C(1) << tid % 64;
}

static bool may_be_ours(const struct kernel *k, uint32_t tid)
{
	return k->choice.whole_system || (k->offcpu.ours[tid % OFFCPU_TIDS / 64] >> tid % 64 & 1);
}

void offcpu_mark(struct kernel *k, enum switch_kind kind)
{
	if (!k->offcpu.wanted || k->offcpu.n_marks == OFFCPU_MARKS)
		return;
	k->offcpu.mark[k->offcpu.n_marks++] = (struct event){
		.type = EVENT_SWITCH,
		.time_ns = io_monotonic_ns(),
		.switched.kind = kind,
	};
}

bool offcpu_take_mark(struct kernel *k, struct event *ret)
{
	struct offcpu *o = &k->offcpu;

	if (!o->n_marks || order_front_ns(&k->order) < o->mark[0].time_ns ||
	    k->order.limit_ns <= o->mark[0].time_ns)
		return false;
	*ret = o->mark[0];
	memmove(o->mark, o->mark + 1, --o->n_marks * sizeof(o->mark[0]));
	return true;
}

bool offcpu_takes(struct kernel *k, const struct event *event)
{
	uint32_t *woken = &k->offcpu.woken[event->tid % OFFCPU_WOKEN];

	if (event->type == EVENT_FORK) {
		offcpu_note_task(k, event->tid);
		return true;
	}
	if (event->type != EVENT_SWITCH)
		return true;
	if (event->switched.kind == SWITCH_WOKEN) {
		if (!event->tid || *woken == event->tid || !may_be_ours(k, event->tid))
			return false;
		*woken = event->tid;
		return true;
	}
	if (*woken == event->tid)
		*woken = 0;
	return event->pid && event->pid != UINT32_MAX; /* neither idle nor gone already */
}
