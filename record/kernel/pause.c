/* One source off and on again: its events of all tasks; of off-CPU time the wakeups as well. */
#include "record/kernel/kernel.h"

#include <linux/perf_event.h>
#include <sys/ioctl.h>

#include "record/kernel/open.h"

bool kernel_pause_source(struct kernel *k, uint8_t source, bool pause)
{
	const struct kernel_fds *of = &k->fds[RING_SAMPLES];
	bool off_cpu = k->spec[source].watcher->kind->class == WATCHER_OFF_CPU;

	if (!k->tasks_apart)
		return false;
	if (off_cpu && !pause)
		offcpu_mark(k, SWITCH_BEGIN);
	for (size_t i = 0; i < of->n; i++) {
		size_t at = i / k->probe.n_cpus % k->n_specs;

		if (of->fd[i] >= 0 && (at == source || (off_cpu && k->spec[at].wakeup)))
			ioctl(of->fd[i], pause ? PERF_EVENT_IOC_DISABLE : PERF_EVENT_IOC_ENABLE, 0);
	}
	if (off_cpu && pause)
		offcpu_mark(k, SWITCH_END);
	return true;
}
