/*
 * Descriptors and rings of the tasks that are counted. A ring that was mapped once is never mapped
 * again: its event is opened anew.
 */
#include "record/kernel/open.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/bits.h"
#include "common/base/err.h"

int open_perf(struct perf_event_attr *attr, pid_t tid, int cpu)
{
	int fd = (int)syscall(SYS_perf_event_open, attr, tid, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

void open_note(struct kernel *k, const char *fmt, ...)
{
	char *text = k->facts.fallbacks;
	size_t n = strlen(text), cap = sizeof(k->facts.fallbacks);
	va_list ap;

	if (n && n + 3 < cap) {
		memcpy(text + n, "; ", 3);
		n += 2;
	}
	va_start(ap, fmt);
	vsnprintf(text + n, cap - n, fmt, ap);
	va_end(ap);
}

static int fds_push(struct kernel_fds *fds, int fd)
{
	if (fds->n == fds->cap) {
		size_t cap = fds->cap ? fds->cap * 2 : 64;
		int *grown = realloc(fds->fd, cap * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		fds->fd = grown;
		fds->cap = cap;
	}
	fds->fd[fds->n++] = fd;
	return 0;
}

static void fds_cut(struct kernel_fds *fds, size_t n)
{
	while (fds->n > n) {
		int fd = fds->fd[--fds->n];

		if (fd >= 0)
			close(fd);
	}
}

/* Adds one descriptor; *ret_fd -1: the CPU went away, its place stays. */
static int open_cpu(struct kernel_fds *fds, struct perf_event_attr *attr, pid_t tid, int cpu,
		    int *ret_fd)
{
	int fd = open_perf(attr, tid, cpu);

	if (fd < 0 && fd != -ENODEV)
		return fd;
	*ret_fd = fd < 0 ? -1 : fd;
	int r = fds_push(fds, *ret_fd);
	if (r < 0 && fd >= 0)
		close(fd);
	return r;
}

static int redirect(struct kernel *k, const struct event_spec *spec, int fd, int output)
{
	if (fd < 0 || output < 0 || ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, output) == 0)
		return 0;
	k->asked =
		(struct open_asked){ .step = GATE_STEP_FINALIZE, .spec = spec, .what = "its ring" };
	return -errno;
}

/*
 * One event of one task on every CPU; they write into the rings of the first task, which has none
 * yet while its own events are opened: see redirect_first. spec NULL: mappings and tasks.
 */
static int open_event(struct kernel *k, const struct event_spec *spec, struct perf_event_attr *attr,
		      pid_t tid)
{
	struct kernel_fds *fds = &k->fds[spec ? RING_SAMPLES : RING_TASKS];

	for (uint32_t i = 0; i < k->probe.n_cpus; i++) {
		int cpu = k->first_task_only ? -1 : k->probe.cpu[i], fd = -1;

		k->asked = (struct open_asked){
			.step = GATE_STEP_OPEN, .spec = spec, .tid = tid, .cpu = i
		};
		int r = open_cpu(fds, attr, tid, cpu, &fd);
		if (r == 0)
			r = redirect(k, spec, fd, k->rings_mapped ? fds->fd[i] : -1);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The last n_cpus descriptors are of this source: their samples bear these identifiers. */
static int note_ids(struct kernel *k, uint8_t source)
{
	const struct kernel_fds *fds = &k->fds[RING_SAMPLES];

	for (size_t i = fds->n - k->probe.n_cpus; i < fds->n; i++) {
		uint64_t id;
		bool is_new;

		if (fds->fd[i] < 0)
			continue;
		k->asked = (struct open_asked){ .step = GATE_STEP_FINALIZE,
						.spec = &k->spec[source],
						.what = "its identifier" };
		if (ioctl(fds->fd[i], PERF_EVENT_IOC_ID, &id) < 0)
			return -errno;
		*map_put(&k->ids, id, &is_new) = source;
	}
	return 0;
}

static int open_samples(struct kernel *k, pid_t tid)
{
	for (uint8_t i = 0; i < k->n_specs; i++) {
		struct perf_event_attr attr;

		attr_fill_sample(&k->spec[i], &k->choice, !k->tasks_apart && i == 0, &attr);
		attr_decoding(&k->spec[i], &k->choice, &k->decoding[i]);
		int r = open_event(k, &k->spec[i], &attr, tid);
		if (r == 0)
			r = note_ids(k, i);
		if (r < 0)
			return r;
	}
	return 0;
}

int open_kinds(struct kernel *k, pid_t tid)
{
	size_t n_samples = k->fds[RING_SAMPLES].n, n_tasks = k->fds[RING_TASKS].n;
	int r = open_samples(k, tid);

	if (r == 0 && k->tasks_apart) {
		struct perf_event_attr attr;

		attr_fill_tasks(&k->choice, &attr);
		r = open_event(k, NULL, &attr, tid);
	}
	if (r == 0)
		return 0;
	fds_cut(&k->fds[RING_SAMPLES], n_samples);
	fds_cut(&k->fds[RING_TASKS], n_tasks);
	return r;
}

/* The first task's other events, once the rings of its first one are there. */
static int redirect_first(struct kernel *k)
{
	const struct kernel_fds *fds = &k->fds[RING_SAMPLES];

	for (size_t i = k->probe.n_cpus; i < fds->n; i++) {
		int output = fds->fd[i % k->probe.n_cpus];
		const struct event_spec *spec = &k->spec[i / k->probe.n_cpus];
		int r = redirect(k, spec, fds->fd[i], output);

		if (r < 0)
			return r;
	}
	k->rings_mapped = true;
	return 0;
}

void open_unmap(struct kernel *k)
{
	for (uint32_t i = 0; k->rings && i < k->n_rings; i++)
		ring_done(&k->rings[i]);
	fds_cut(&k->fds[RING_SAMPLES], 0);
	fds_cut(&k->fds[RING_TASKS], 0);
	free(k->rings);
	free(k->ring_fd);
	k->rings = NULL;
	k->ring_fd = NULL;
	k->n_rings = 0;
}

static int alloc_rings(struct kernel *k)
{
	k->n_rings = k->probe.n_cpus * (k->tasks_apart ? 2 : 1);
	k->rings = calloc(k->n_rings, sizeof(*k->rings));
	k->ring_fd = calloc(k->n_rings, sizeof(*k->ring_fd));
	return k->rings && k->ring_fd ? 0 : -ENOMEM;
}

int open_map(struct kernel *k, size_t sample_bytes, size_t task_bytes)
{
	uint32_t kinds = k->tasks_apart ? 2 : 1;

	if (alloc_rings(k) < 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < k->n_rings; i++) {
		enum kernel_ring_kind kind = i % kinds;

		k->ring_fd[i] = k->fds[kind].fd[i / kinds];
		k->asked = (struct open_asked){
			.step = GATE_STEP_MAP,
			.spec = kind == RING_TASKS ? NULL : &k->spec[0],
			.bytes = kind == RING_TASKS ? task_bytes : sample_bytes,
		};
		int r = k->ring_fd[i] < 0 ?
				0 :
				ring_map(&k->rings[i], k->ring_fd[i], k->asked.bytes, NULL);
		if (r < 0)
			return r;
	}
	return redirect_first(k);
}

void open_close(struct kernel *k)
{
	open_unmap(k);
	for (int i = 0; i < RING_KINDS; i++)
		free(k->fds[i].fd);
	map_done(&k->ids);
}
