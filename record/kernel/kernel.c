/*
 * Keeps the kinds of rings apart for those outside: samples and tasks come as one stream of
 * events. What a full task ring lost is found by asking for PERF_FORMAT_LOST, since the LOST
 * record itself comes only with the next task event, which may be long after the samples that it
 * concerns.
 */
#include "record/kernel/kernel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "record/kernel/decode.h"
#include "record/kernel/open.h"

enum { TASK_RECORD_MAX = PATH_MAX_BYTES + 256 }; /* MMAP2 with the longest path */

int kernel_check_event(const char *text, uint32_t hz, struct err *err)
{
	struct event_spec spec;

	return event_spec_parse(text, hz, false, &spec, err);
}

/* Two events of each task on each CPU; only then is the limit touched (children inherit it). */
static void raise_file_limit(const struct kernel *k, size_t n_tids)
{
	rlim_t wanted = n_tids * k->probe.n_cpus * RING_KINDS + 64;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = limit.rlim_max == RLIM_INFINITY ? wanted : MIN(wanted, limit.rlim_max);
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void clamp_rate(struct kernel *k)
{
	int max_hz = k->probe.max_rate_hz;

	if (max_hz <= 0 || k->spec.source.frequency_hz <= (uint64_t)max_hz)
		return;
	open_note(k, "%d Hz (kernel.perf_event_max_sample_rate) instead of %u Hz", max_hz,
		  (unsigned int)k->spec.source.frequency_hz);
	k->spec.source.frequency_hz = (uint64_t)max_hz;
	k->spec.source.period = 1000000000 / (uint64_t)max_hz;
}

/* Opens all tasks that still are; the first of them maps the rings. */
static int open_tasks(struct kernel *k, const pid_t *tids, size_t n, struct err *err)
{
	size_t n_open = 0;
	int r = -ESRCH;

	raise_file_limit(k, n);
	for (size_t i = 0; i < n; i++) {
		if (!k->rings && (r = open_choose(k, tids[i], err)) == -ESRCH)
			continue;
		if (r == 0 || k->rings)
			r = open_task(k, tids[i], err);
		if (r < 0 && r != -ESRCH)
			return r;
		n_open += r == 0;
	}
	if (n_open)
		return 0;
	return n == 1 ? r : err_set(err, -ESRCH, "all %zu tasks are gone", n);
}

static void fill_facts(struct kernel *k, const struct kernel_options *options)
{
	struct kernel_facts *f = &k->facts;

	f->source = k->spec.source;
	f->machine = perf_regs_native()->machine;
	f->event_text = options->whole_system ? "cpu-clock" : "task-clock";
	memcpy(f->release, k->probe.release, sizeof(f->release));
	memcpy(f->machine_text, k->probe.machine, sizeof(f->machine_text));
	f->paranoid = k->probe.paranoid;
	f->kptr_restrict = k->probe.kptr_restrict;
	f->n_cpus = k->probe.n_cpus;
	f->n_rings = k->n_rings;
	f->kernel_frames = k->choice.kernel;
	f->exact_lost = k->choice.format_lost;
	f->build_id = k->choice.build_id;
}

int kernel_open(const struct kernel_options *options, struct kernel **ret, struct err *err)
{
	static const pid_t everyone = -1;
	struct kernel *k = calloc(1, sizeof(*k));

	if (!k)
		return err_set(err, -ENOMEM, "no memory for %zu bytes", sizeof(*k));
	probe_read(&k->probe);
	k->choice = (struct attr_choice){
		.whole_system = options->whole_system,
		.enable_on_exec = options->enable_on_exec,
		.stack = options->stack,
	};
	int r = event_spec_parse(options->event, options->frequency_hz, options->whole_system,
				 &k->spec, err);
	if (r < 0)
		goto fail;
	int signal = probe_syscall_kills();
	if (signal) {
		r = err_set(err, -EPERM,
			    "perf_event_open ends its caller with signal %d (seccomp): "
			    "use a seccomp profile that allows it",
			    signal);
		goto fail;
	}
	clamp_rate(k);
	k->stack_wanted = options->stack_bytes;
	if (options->whole_system)
		r = open_tasks(k, &everyone, 1, err);
	else
		r = open_tasks(k, options->tids, options->n_tids, err);
	if (r < 0)
		goto fail;
	if (order_init(&k->order, k->rings, k->n_rings) < 0) {
		r = err_set(err, -ENOMEM, "no memory for the order of %u rings", k->n_rings);
		goto fail;
	}
	fill_facts(k, options);
	*ret = k;
	return 0;
fail:
	kernel_close(k);
	return r;
}

void kernel_close(struct kernel *k)
{
	if (!k)
		return;
	order_done(&k->order);
	open_close(k);
	free(k);
}

const struct kernel_facts *kernel_facts(const struct kernel *k)
{
	return &k->facts;
}

int kernel_add_tasks(struct kernel *k, const pid_t *tids, size_t n, struct err *err)
{
	return open_tasks(k, tids, n, err);
}

/* Looks through a ring without taking anything. */
static bool ring_has_fork(const struct ring *of, pid_t tid)
{
	struct ring ring = *of;
	struct ring_record record;
	struct {
		struct perf_event_header header;
		uint32_t pid, ppid, tid, ptid;
	} fork;

	ring_look(&ring);
	while (ring_peek(&ring, &record) == RING_RECORD) {
		const void *bytes = ring_take(&ring, &record);

		if (record.header.type != PERF_RECORD_FORK || record.header.size < sizeof(fork))
			continue;
		memcpy(&fork, bytes, sizeof(fork));
		if (fork.tid == (uint32_t)tid)
			return true;
	}
	return false;
}

bool kernel_saw_fork(const struct kernel *k, pid_t tid)
{
	for (uint32_t i = 0; i < k->n_rings; i++)
		if (k->rings[i].mapped && ring_has_fork(&k->rings[i], tid))
			return true;
	return false;
}

static int control(struct kernel *k, enum kernel_ring_kind kind, unsigned long request)
{
	int r = 0;

	for (size_t i = 0; i < k->fds[kind].n; i++) {
		int fd = k->fds[kind].fd[i];

		if (fd >= 0 && ioctl(fd, request, 0) < 0)
			r = -errno;
	}
	return r;
}

int kernel_enable_tasks(struct kernel *k, struct err *err)
{
	int r = control(k, k->tasks_apart ? RING_TASKS : RING_SAMPLES, PERF_EVENT_IOC_ENABLE);

	return r < 0 ? err_set(err, r, "cannot enable the events: %s", strerror(-r)) : 0;
}

int kernel_enable_samples(struct kernel *k, struct err *err)
{
	int r = k->tasks_apart ? control(k, RING_SAMPLES, PERF_EVENT_IOC_ENABLE) : 0;

	return r < 0 ? err_set(err, r, "cannot enable the events: %s", strerror(-r)) : 0;
}

void kernel_disable(struct kernel *k)
{
	control(k, RING_SAMPLES, PERF_EVENT_IOC_DISABLE);
	control(k, RING_TASKS, PERF_EVENT_IOC_DISABLE);
}

size_t kernel_poll_fds(const struct kernel *k, struct pollfd *fds, size_t cap)
{
	size_t n = MIN((size_t)k->n_rings, cap);

	for (size_t i = 0; i < n; i++)
		fds[i] = (struct pollfd){ .fd = k->ring_fd[i], .events = POLLIN };
	return n;
}

/* A ring's event outlives its task, but poll says so for ever: wait on another task's event. */
void kernel_poll_gone(struct kernel *k, struct pollfd *fds, size_t i)
{
	uint32_t kinds = k->tasks_apart ? 2 : 1;
	const struct kernel_fds *of = &k->fds[i % kinds];
	size_t cpu = i / kinds;

	fds[i].fd = -1;
	for (size_t at = cpu; at < of->n; at += k->probe.n_cpus) {
		struct pollfd probe = { .fd = of->fd[at], .events = POLLIN };

		if (probe.fd >= 0 && poll(&probe, 1, 0) >= 0 && !(probe.revents & POLLHUP)) {
			fds[i].fd = probe.fd;
			break;
		}
	}
	k->ring_fd[i] = fds[i].fd;
}

struct perf_read { /* read_format PERF_FORMAT_LOST */
	uint64_t value, lost;
};

static void sum_kind(const struct kernel *k, enum kernel_ring_kind kind, struct perf_read *ret)
{
	*ret = (struct perf_read){ 0 };
	for (size_t i = 0; i < k->fds[kind].n; i++) {
		struct perf_read one = { 0 };
		int fd = k->fds[kind].fd[i];

		if (fd < 0 || read(fd, &one, sizeof(one)) < (ssize_t)sizeof(one.value))
			continue;
		ret->value += one.value;
		ret->lost += one.lost;
	}
}

static uint64_t tasks_lost(const struct kernel *k)
{
	struct perf_read tasks;

	if (!k->choice.format_lost)
		return k->lost_records[RING_TASKS];
	sum_kind(k, RING_TASKS, &tasks);
	return tasks.lost;
}

/* A ring with no room for the largest record may have lost one: then the kernel is asked. */
static void look_for_lost_tasks(struct kernel *k)
{
	uint64_t from_ns = UINT64_MAX;

	for (uint32_t i = 1; k->tasks_apart && i < k->n_rings; i += 2) {
		const struct ring *ring = &k->rings[i];

		if (ring_used(ring) + TASK_RECORD_MAX > ring->size)
			from_ns = MIN(from_ns, ring_last_ns(ring));
	}
	if (from_ns == UINT64_MAX)
		return;
	uint64_t lost = tasks_lost(k);
	if (lost == k->tasks_lost)
		return;
	k->lost_from_ns = k->lost_n ? MIN(k->lost_from_ns, from_ns) : from_ns;
	k->lost_n += lost - k->tasks_lost;
	k->tasks_lost = lost;
}

void kernel_round(struct kernel *k, bool all)
{
	order_round(&k->order, io_monotonic_ns(), all);
	look_for_lost_tasks(k);
}

static bool take_lost(struct kernel *k, struct event *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->type = EVENT_LOST;
	ret->time_ns = k->lost_from_ns;
	ret->lost = (struct event_lost){ .source = SOURCE_MAX, .n = k->lost_n };
	k->lost_n = 0;
	return true;
}

static void count_bad(struct kernel *k, enum decode_result result)
{
	if (result == DECODE_BAD_SAMPLE)
		k->bad_samples++;
	else if (result == DECODE_BAD)
		k->bad_records++;
}

/* Only where the kernel cannot say it exactly. */
static void count_lost_record(struct kernel *k, uint32_t ring, const struct ring_record *record,
			      const uint8_t *bytes)
{
	if (record->header.type != PERF_RECORD_LOST || record->header.size < 24)
		return;
	k->lost_records[k->tasks_apart ? ring % 2 : 0] += load_le64(bytes + 16);
}

bool kernel_next(struct kernel *k, struct event *ret)
{
	struct ring_record record;
	const void *bytes;
	uint32_t ring;

	if (k->lost_n && order_front_ns(&k->order) > k->lost_from_ns)
		return take_lost(k, ret);
	while ((bytes = order_next(&k->order, &ring, &record))) {
		struct decode_layout layout = {
			.regs = perf_regs_native(),
			.callchain = k->choice.kernel,
			.stack = k->choice.stack,
		};
		enum decode_result result = decode_record(&layout, bytes, record.header.size, ret);

		if (result == DECODE_EVENT)
			return true;
		count_bad(k, result);
		count_lost_record(k, ring, &record, bytes);
	}
	return false;
}

uint64_t kernel_settled_ns(const struct kernel *k)
{
	return k->order.limit_ns;
}

void kernel_release(struct kernel *k)
{
	order_release(&k->order);
}

void kernel_read_losses(struct kernel *k, struct kernel_losses *ret)
{
	struct perf_read samples;

	sum_kind(k, RING_SAMPLES, &samples);
	*ret = (struct kernel_losses){
		.samples = k->choice.format_lost ? samples.lost : k->lost_records[RING_SAMPLES],
		.bad_samples = k->bad_samples,
		.bad_records = k->bad_records + k->order.damaged,
		.clock_ns = samples.value,
	};
}
