/*
 * Sources off and on again: their events of all tasks; of off-CPU time the wakeups as well. A
 * source may be off for two reasons, and is on when neither holds.
 */
#include "record/kernel/kernel.h"

#include <linux/perf_event.h>
#include <sys/ioctl.h>

#include "record/kernel/open.h"

static bool is_off_cpu(const struct kernel *k, uint8_t spec)
{
	return k->spec[spec].watcher->kind->class == WATCHER_OFF_CPU;
}

static uint32_t all_specs(const struct kernel *k)
{
	return (uint32_t)((UINT64_C(1) << k->n_specs) - 1);
}

/* Of a source and what was added for it. */
static uint32_t specs_of(const struct kernel *k, uint8_t source)
{
	uint32_t specs = UINT32_C(1) << source;

	for (uint8_t i = 0; is_off_cpu(k, source) && i < k->n_specs; i++)
		specs |= (uint32_t)k->spec[i].wakeup << i;
	return specs;
}

static void control(const struct kernel *k, uint32_t specs, unsigned long request)
{
	const struct kernel_fds *of = &k->fds[RING_SAMPLES];

	for (size_t i = 0; specs && i < of->n; i++)
		if (of->fd[i] >= 0 && specs >> (i / k->probe.n_cpus % k->n_specs) & 1)
			ioctl(of->fd[i], request, 0);
}

static bool any_off_cpu(const struct kernel *k, uint32_t specs)
{
	for (uint8_t i = 0; i < k->n_specs; i++)
		if (specs >> i & 1 && is_off_cpu(k, i))
			return true;
	return false;
}

static void change(struct kernel *k, uint32_t paused, uint32_t off)
{
	uint32_t before = k->paused | k->off, after = paused | off;
	uint32_t on = before & ~after, down = after & ~before;

	k->paused = paused;
	k->off = off;
	if (any_off_cpu(k, on))
		offcpu_mark(k, SWITCH_BEGIN);
	control(k, on, PERF_EVENT_IOC_ENABLE);
	control(k, down, PERF_EVENT_IOC_DISABLE);
	if (any_off_cpu(k, down))
		offcpu_mark(k, SWITCH_END);
}

bool kernel_pause(struct kernel *k, bool pause)
{
	if (!k->tasks_apart)
		return false;
	change(k, pause ? all_specs(k) : 0, k->off);
	return true;
}

bool kernel_pause_source(struct kernel *k, uint8_t source, bool pause)
{
	uint32_t specs = specs_of(k, source);

	if (!k->tasks_apart)
		return false;
	change(k, pause ? k->paused | specs : k->paused & ~specs, k->off);
	return true;
}

bool kernel_switch_source(struct kernel *k, uint8_t source, bool on)
{
	uint32_t specs = specs_of(k, source);

	if (!k->tasks_apart && source == 0)
		return false;
	change(k, k->paused, on ? k->off & ~specs : k->off | specs);
	return true;
}
