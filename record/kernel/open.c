/*
 * Refused rings: half the size, and the stacks with them, down to 8 pages; a ring that was mapped
 * once is never mapped again, its event is opened anew.
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

enum {
	RING_BYTES_MIN = 8 * 4096,
	RING_BYTES_USUAL = 4 << 20,
	RING_BYTES_MAX = 32 << 20,
	RINGS_BYTES = 64 << 20, /* of all CPUs, where the usual size is passed */
	RING_BYTES_NO_STACK = 512 << 10,
	TASK_RING_BYTES = 512 << 10,
	RING_HOLD_PER_S = 4, /* a ring holds 1/4 s of full records: a busy host lets us wait */
};

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

/* Adds one descriptor; `output` is the event whose ring it writes to, -1: its own. */
static int open_cpu(struct kernel_fds *fds, struct perf_event_attr *attr, pid_t tid, int cpu,
		    int output)
{
	int fd = open_perf(attr, tid, cpu);

	if (fd == -ENODEV)
		fd = -1; /* the CPU went away; its place stays */
	else if (fd < 0)
		return fd;
	int r = fds_push(fds, fd);
	if (r < 0) {
		if (fd >= 0)
			close(fd);
		return r;
	}
	if (fd >= 0 && output >= 0 && ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, output) < 0)
		return -errno;
	return 0;
}

/*
 * One event of one task on every CPU; they write into the rings of the first task, which has none
 * yet while its own events are opened: see redirect_first.
 */
static int open_event(struct kernel *k, enum kernel_ring_kind kind, struct perf_event_attr *attr,
		      pid_t tid)
{
	struct kernel_fds *fds = &k->fds[kind];

	for (uint32_t i = 0; i < k->probe.n_cpus; i++) {
		int output = k->rings_mapped ? fds->fd[i] : -1;
		int r = open_cpu(fds, attr, tid, k->probe.cpu[i], output);

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
		if (ioctl(fds->fd[i], PERF_EVENT_IOC_ID, &id) < 0)
			return -errno;
		*map_put(&k->ids, id, &is_new) = source;
	}
	return 0;
}

static int open_samples(struct kernel *k, pid_t tid, uint8_t *ret_source)
{
	for (uint8_t i = 0; i < k->n_specs; i++) {
		struct perf_event_attr attr;

		*ret_source = i;
		attr_fill_sample(&k->spec[i], &k->choice, !k->tasks_apart && i == 0, &attr);
		attr_decoding(&k->spec[i], &k->choice, &k->decoding[i]);
		int r = open_event(k, RING_SAMPLES, &attr, tid);
		if (r == 0)
			r = note_ids(k, i);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Everything of one task, or nothing. */
static int open_kinds(struct kernel *k, pid_t tid, struct err *err)
{
	size_t n_samples = k->fds[RING_SAMPLES].n, n_tasks = k->fds[RING_TASKS].n;
	struct event_spec *spec = NULL;
	uint8_t source = 0;
	int r = open_samples(k, tid, &source);

	if (r < 0) {
		spec = &k->spec[source];
	} else if (k->tasks_apart) {
		struct perf_event_attr attr;

		attr_fill_tasks(&k->choice, &attr);
		r = open_event(k, RING_TASKS, &attr, tid);
	}
	if (r == 0)
		return 0;
	fds_cut(&k->fds[RING_SAMPLES], n_samples);
	fds_cut(&k->fds[RING_TASKS], n_tasks);
	return open_refusal(k, spec, tid, r, err);
}

/* Samples a second on one CPU that the rings should hold; of fixed periods nobody knows. */
static uint64_t samples_a_second(const struct kernel *k)
{
	enum { PERIODIC_HZ = 500 };
	uint64_t hz = 0;

	for (uint8_t i = 0; i < k->n_specs; i++)
		hz += k->spec[i].source.frequency_hz ? k->spec[i].source.frequency_hz : PERIODIC_HZ;
	return hz;
}

static uint32_t stack_for_ring(const struct kernel *k, size_t ring_bytes, uint32_t wanted)
{
	size_t n_min = samples_a_second(k) <= 250 ? 8 : 16;
	uint32_t bytes = wanted ? wanted : STACK_BYTES_MAX;

	if (!k->choice.stack)
		return 0;
	if (wanted) /* asked for: as long as one fits at all */
		return MIN(bytes, (uint32_t)(ring_bytes / 2) & ~7u);
	while (bytes > 4096 && bytes / 4096 * 4096 * n_min > ring_bytes)
		bytes = bytes == STACK_BYTES_MAX ? 32768 : bytes / 2;
	return bytes;
}

/* The first task's other events, once the rings of its first one are there. */
static int redirect_first(struct kernel *k)
{
	const struct kernel_fds *fds = &k->fds[RING_SAMPLES];

	for (size_t i = k->probe.n_cpus; i < fds->n; i++) {
		int output = fds->fd[i % k->probe.n_cpus];

		if (fds->fd[i] >= 0 && output >= 0 &&
		    ioctl(fds->fd[i], PERF_EVENT_IOC_SET_OUTPUT, output) < 0)
			return -errno;
	}
	k->rings_mapped = true;
	return 0;
}

static size_t ring_wanted(const struct kernel *k, uint32_t stack_bytes)
{
	size_t bytes = RING_BYTES_USUAL;

	if (!k->choice.stack)
		return RING_BYTES_NO_STACK;
	size_t hold = samples_a_second(k) * (stack_bytes ? stack_bytes : STACK_BYTES_MAX) /
		      RING_HOLD_PER_S;
	while (bytes < hold && bytes < RING_BYTES_MAX && bytes * 2 * k->probe.n_cpus <= RINGS_BYTES)
		bytes *= 2;
	return bytes;
}

static void unmap_rings(struct kernel *k)
{
	for (uint32_t i = 0; i < k->n_rings; i++)
		ring_done(&k->rings[i]);
	fds_cut(&k->fds[RING_SAMPLES], 0);
	fds_cut(&k->fds[RING_TASKS], 0);
}

static int map_rings(struct kernel *k, size_t sample_bytes, size_t task_bytes, struct err *err)
{
	uint32_t kinds = k->tasks_apart ? 2 : 1;

	for (uint32_t i = 0; i < k->n_rings; i++) {
		enum kernel_ring_kind kind = i % kinds;
		int fd = k->fds[kind].fd[i / kinds];

		k->ring_fd[i] = fd;
		if (fd < 0)
			continue;
		int r = ring_map(&k->rings[i], fd, kind == RING_TASKS ? task_bytes : sample_bytes,
				 err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int alloc_rings(struct kernel *k)
{
	k->n_rings = k->probe.n_cpus * (k->tasks_apart ? 2 : 1);
	k->rings = calloc(k->n_rings, sizeof(*k->rings));
	k->ring_fd = calloc(k->n_rings, sizeof(*k->ring_fd));
	return k->rings && k->ring_fd ? 0 : -ENOMEM;
}

static bool is_memory_refusal(int code)
{
	return code == -EPERM || code == -ENOMEM || code == -EAGAIN;
}

static void note_rings(struct kernel *k, size_t wanted, size_t bytes)
{
	k->facts.ring_bytes = bytes;
	k->facts.stack_bytes = k->choice.stack_bytes;
	if (bytes < wanted)
		open_note(k,
			  "rings of %zu KiB instead of %zu KiB (raise kernel.perf_event_mlock_kb, "
			  "'ulimit -l', or give CAP_IPC_LOCK), stacks of %u bytes",
			  bytes >> 10, wanted >> 10, k->choice.stack_bytes);
}

/* The first task: finds the largest rings that the kernel grants on all CPUs. */
static int open_first(struct kernel *k, pid_t tid, struct err *err)
{
	size_t wanted = ring_wanted(k, k->stack_wanted);

	if (alloc_rings(k) < 0)
		return err_set(err, -ENOMEM, "no memory for %u rings", k->n_rings);
	for (size_t bytes = wanted;; bytes /= 2) {
		size_t task_bytes =
			MAX(MIN(bytes / 2, (size_t)TASK_RING_BYTES), (size_t)RING_BYTES_MIN);

		k->choice.stack_bytes = stack_for_ring(k, bytes, k->stack_wanted);
		k->choice.watermark_bytes = (uint32_t)bytes / 4;
		int r = open_kinds(k, tid, err);
		if (r < 0)
			return r;
		r = map_rings(k, bytes, task_bytes, err);
		if (r == 0)
			r = redirect_first(k);
		if (r == 0) {
			note_rings(k, wanted, bytes);
			k->facts.task_ring_bytes = k->tasks_apart ? task_bytes : 0;
			return 0;
		}
		unmap_rings(k);
		if (!is_memory_refusal(r) || bytes <= RING_BYTES_MIN)
			return r;
	}
}

void open_close(struct kernel *k)
{
	unmap_rings(k);
	for (int i = 0; i < RING_KINDS; i++)
		free(k->fds[i].fd);
	map_done(&k->ids);
	free(k->rings);
	free(k->ring_fd);
	k->rings = NULL;
	k->ring_fd = NULL;
	k->n_rings = 0;
}

int open_task(struct kernel *k, pid_t tid, struct err *err)
{
	if (!k->rings)
		return open_first(k, tid, err);
	return open_kinds(k, tid, err);
}
