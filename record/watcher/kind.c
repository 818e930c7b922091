/* The events that have names. Defaults are the model's. */
#include "record/watcher/watcher.h"

#include <linux/perf_event.h>
#include <string.h>

#include "common/base/bits.h"

#define HARDWARE(x) WATCHER_COUNTER, PERF_TYPE_HARDWARE, PERF_COUNT_HW_##x
#define SOFTWARE(x) WATCHER_COUNTER, PERF_TYPE_SOFTWARE, PERF_COUNT_SW_##x
#define RATE true
#define EVERY false

static const struct watcher_kind kinds[] = {
	{ "sCPU", "task-clock", "time on a CPU, by the kernel's clock", "nanoseconds",
	  SOFTWARE(TASK_CLOCK), 99, RATE, WATCHER_KERNEL_TRY },
	{ "hCPU", "cycles", "CPU cycles", "events", HARDWARE(CPU_CYCLES), 99, RATE,
	  WATCHER_KERNEL_TRY },
	{ "offcpu", "off-cpu", "time asleep and time waiting for a CPU", "nanoseconds",
	  WATCHER_OFF_CPU, PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES, 1, EVERY,
	  WATCHER_KERNEL_TRY },
	{ "sALLOC", NULL, "bytes allocated (libdd_profiling)", "bytes", WATCHER_LIBRARY, 0, 0,
	  524288, EVERY, WATCHER_USER_ONLY },
	{ "sPF", "page-faults", "page faults", "events", SOFTWARE(PAGE_FAULTS), 1, EVERY,
	  WATCHER_KERNEL_TRY },
	{ "sPFMAJ", "major-faults", "page faults that had to read", "events",
	  SOFTWARE(PAGE_FAULTS_MAJ), 99, EVERY, WATCHER_KERNEL_TRY },
	{ "sPFMIN", "minor-faults", "page faults that did not", "events", SOFTWARE(PAGE_FAULTS_MIN),
	  99, EVERY, WATCHER_KERNEL_TRY },
	{ "sCS", "context-switches", "context switches", "events", SOFTWARE(CONTEXT_SWITCHES), 1,
	  EVERY, WATCHER_KERNEL_NEED },
	{ "sMig", "cpu-migrations", "moves to another CPU", "events", SOFTWARE(CPU_MIGRATIONS), 99,
	  RATE, WATCHER_KERNEL_NEED },
	{ "sALGN", "alignment-faults", "accesses that the kernel had to align", "events",
	  SOFTWARE(ALIGNMENT_FAULTS), 99, RATE, WATCHER_KERNEL_TRY },
	{ "sEMU", "emulation-faults", "instructions that the kernel had to emulate", "events",
	  SOFTWARE(EMULATION_FAULTS), 99, RATE, WATCHER_KERNEL_TRY },
	{ "sDUM", "dummy", "nothing: mappings and tasks alone", "events", WATCHER_NOTHING,
	  PERF_TYPE_SOFTWARE, PERF_COUNT_SW_DUMMY, 1, EVERY, WATCHER_USER_ONLY },
	{ "hREF", "ref-cycles", "cycles of the reference clock", "events", HARDWARE(REF_CPU_CYCLES),
	  1000, RATE, WATCHER_KERNEL_TRY },
	{ "hINST", "instructions", "instructions", "events", HARDWARE(INSTRUCTIONS), 1000, RATE,
	  WATCHER_KERNEL_TRY },
	{ "hCREF", "cache-references", "references to the last cache", "events",
	  HARDWARE(CACHE_REFERENCES), 999, EVERY, WATCHER_KERNEL_TRY },
	{ "hCMISS", "cache-misses", "misses of the last cache", "events", HARDWARE(CACHE_MISSES),
	  999, EVERY, WATCHER_KERNEL_TRY },
	{ "hBRANCH", "branches", "branch instructions", "events", HARDWARE(BRANCH_INSTRUCTIONS),
	  999, EVERY, WATCHER_KERNEL_TRY },
	{ "hBMISS", "branch-misses", "branches that were predicted wrong", "events",
	  HARDWARE(BRANCH_MISSES), 999, EVERY, WATCHER_KERNEL_TRY },
	{ "hBUS", "bus-cycles", "cycles of the bus", "events", HARDWARE(BUS_CYCLES), 1000, RATE,
	  WATCHER_KERNEL_TRY },
	{ "hBSTF", "stalled-cycles-frontend", "cycles in which nothing could be issued", "events",
	  HARDWARE(STALLED_CYCLES_FRONTEND), 1000, RATE, WATCHER_KERNEL_TRY },
	{ "hBSTB", "stalled-cycles-backend", "cycles in which nothing could retire", "events",
	  HARDWARE(STALLED_CYCLES_BACKEND), 1000, RATE, WATCHER_KERNEL_TRY },
	{ 0 },
};

const struct watcher_kind *watcher_kinds(void)
{
	return kinds;
}

/* Second names that perf has for them. */
static const struct {
	const char *other, *name;
} others[] = {
	{ "cpu-clock", "sCPU" },
	{ "cpu-cycles", "hCPU" },
	{ "faults", "sPF" },
	{ "cs", "sCS" },
	{ "migrations", "sMig" },
	{ "branch-instructions", "hBRANCH" },
	{ "idle-cycles-frontend", "hBSTF" },
	{ "idle-cycles-backend", "hBSTB" },
};

const struct watcher_kind *watcher_kind_find(const char *name)
{
	for (size_t i = 0; i < N_ELEMENTS(others); i++)
		if (!strcmp(others[i].other, name))
			name = others[i].name;
	for (const struct watcher_kind *k = kinds; k->name; k++)
		if (!strcmp(k->name, name) || (k->alias && !strcmp(k->alias, name)))
			return k;
	return NULL;
}

static bool is_clock(const struct watcher_kind *kind)
{
	return kind->type == PERF_TYPE_SOFTWARE ?
		       kind->config == PERF_COUNT_SW_TASK_CLOCK :
		       kind->type == PERF_TYPE_HARDWARE && kind->config == PERF_COUNT_HW_CPU_CYCLES;
}

enum watcher_importance watcher_importance(const struct watcher *w)
{
	switch (w->kind->class) {
	case WATCHER_OFF_CPU:
		return IMPORTANCE_OFF_CPU;
	case WATCHER_TRACEPOINT:
		return IMPORTANCE_TRACEPOINT;
	default:
		break;
	}
	if (is_clock(w->kind))
		return IMPORTANCE_CLOCK;
	return w->kind->type == PERF_TYPE_SOFTWARE ? IMPORTANCE_SOFTWARE : IMPORTANCE_HARDWARE;
}
