/*
 * Keeps the kinds of rings apart for those outside: samples and tasks come as one stream of
 * events. What a full task ring lost is found by asking for PERF_FORMAT_LOST, since the LOST
 * record itself comes only with the next task event, which may be long after the samples that it
 * concerns.
 */
#include "record/kernel/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "common/base/log.h"
#include "record/kernel/decode.h"
#include "record/kernel/open.h"

enum {
	TASK_RECORD_MAX = PATH_MAX_BYTES + 256, /* MMAP2 with the longest path */
	SPARE_FILES = 4,
};

/* Events of each task on each CPU; only then is the limit touched (children inherit it). */
static void raise_file_limit(const struct kernel *k, size_t n_tids)
{
	rlim_t wanted = k->fds[RING_SAMPLES].n + k->fds[RING_TASKS].n +
			n_tids * k->probe.n_cpus * (k->n_specs + 1u) + 64;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = limit.rlim_max == RLIM_INFINITY ? wanted : MIN(wanted, limit.rlim_max);
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void clamp_rate(struct kernel *k)
{
	int max_hz = k->probe.max_rate_hz;

	for (uint8_t i = 0; i < k->n_specs && max_hz > 0; i++) {
		struct record_source *source = &k->spec[i].source;

		if (source->frequency_hz <= (uint64_t)max_hz)
			continue;
		open_note(k, "%d Hz (kernel.perf_event_max_sample_rate) instead of %u Hz", max_hz,
			  (unsigned int)source->frequency_hz);
		source->frequency_hz = (uint64_t)max_hz;
		if (source->period)
			source->period = 1000000000 / (uint64_t)max_hz;
	}
}

static void tell_outsiders(struct kernel *k)
{
	open_note(k, "processes outside this pid namespace have no names");
	log_notice("processes outside this pid namespace are sampled without their names: record "
		   "on the host, or with '--pid=host' or 'hostPID: true' for the container");
}

/*
 * The output and its directory, and files of /proc, are opened after the events: where descriptors
 * are few, their places are kept.
 */
static void hold_files(int held[SPARE_FILES])
{
	for (int i = 0; i < SPARE_FILES; i++)
		held[i] = open("/", O_PATH | O_CLOEXEC);
}

static void give_back_files(int held[SPARE_FILES])
{
	for (int i = 0; i < SPARE_FILES; i++)
		if (held[i] >= 0)
			close(held[i]);
}

/* No descriptors are left for more threads: those that are counted stay. */
static void tell_short(struct kernel *k, const struct err *why)
{
	log_warning("%s; other threads are not recorded", why->text);
	open_note(k, "not all threads (open files)");
	k->is_short = true;
}

/* Opens all tasks that still are; the first of them maps the rings. */
static int open_all(struct kernel *k, const pid_t *tids, size_t n, struct err *err)
{
	size_t n_open = 0;
	int r = -ESRCH;

	for (size_t i = 0; i < n && !k->is_short; i++) {
		if (!k->rings && (r = open_choose(k, tids[i], err)) == -ESRCH)
			continue;
		if (r == 0 || k->rings)
			r = open_task(k, tids[i], err);
		if (r == 0)
			offcpu_note_task(k, (uint32_t)tids[i]);
		if ((r == -EMFILE || r == -ENFILE) && k->rings) {
			tell_short(k, err);
			break;
		}
		if (r < 0 && r != -ESRCH)
			return r;
		n_open += r == 0;
	}
	if (n_open || k->is_short)
		return 0;
	return n == 1 ? r : err_set(err, -ESRCH, "all %zu tasks are gone", n);
}

static int open_tasks(struct kernel *k, const pid_t *tids, size_t n, struct err *err)
{
	int held[SPARE_FILES];

	raise_file_limit(k, n);
	hold_files(held);
	int r = open_all(k, tids, n, err);
	give_back_files(held);
	return r;
}

static void fill_sources(struct kernel *k)
{
	struct kernel_facts *f = &k->facts;

	f->n_sources = offcpu_n_asked(k);
	f->off_cpu = offcpu_facts(k);
	for (uint8_t i = 0; i < f->n_sources; i++) {
		size_t n = strlen(f->event_text);

		f->source[i] = k->spec[i].source;
		f->importance[i] = watcher_importance(k->spec[i].watcher);
		snprintf(f->event_text + n, sizeof(f->event_text) - n, "%s%s", i ? ";" : "",
			 event_spec_kernel_name(&k->spec[i]));
	}
}

static bool any_in_kernel(const struct kernel *k)
{
	for (uint8_t i = 0; i < k->n_specs; i++)
		if (k->decoding[i].callchain)
			return true;
	return false;
}

static void fill_facts(struct kernel *k)
{
	struct kernel_facts *f = &k->facts;

	fill_sources(k);
	f->machine = perf_regs_native()->machine;
	memcpy(f->release, k->probe.release, sizeof(f->release));
	memcpy(f->machine_text, k->probe.machine, sizeof(f->machine_text));
	f->paranoid = k->probe.paranoid;
	f->kptr_restrict = k->probe.kptr_restrict;
	f->n_rings = k->n_rings;
	f->kernel_frames = any_in_kernel(k);
	f->exact_lost = k->choice.format_lost;
	f->build_id = k->choice.build_id;
}

/* What the kernel can count: allocations are libdd_profiling's. */
static int take_watchers(struct kernel *k, const struct kernel_options *options, struct err *err)
{
	const struct watchers *w = options->watchers;

	for (size_t i = 0; i < w->n; i++) {
		if (w->watcher[i].kind->class == WATCHER_LIBRARY) {
			log_notice("event '%s' needs libdd_profiling in the program: left out",
				   w->watcher[i].name);
			open_note(k, "without %s (needs libdd_profiling)", w->watcher[i].name);
			continue;
		}
		event_spec_fill(&w->watcher[i], options->whole_system, &k->spec[k->n_specs++]);
	}
	if (!k->n_specs)
		return err_set(err, -EINVAL, "no event is left that the kernel counts");
	offcpu_add(k);
	return 0;
}

int kernel_open(const struct kernel_options *options, struct kernel **ret, struct err *err)
{
	static const pid_t everyone = -1;
	struct kernel *k = calloc(1, sizeof(*k));

	if (!k)
		return err_set(err, -ENOMEM, "no memory for %zu bytes", sizeof(*k));
	probe_read(&k->probe);
	k->facts.n_cpus = k->probe.n_cpus;
	if (options->given_up)
		open_note(k, "%s", options->given_up);
	k->choice = (struct attr_choice){
		.whole_system = options->whole_system,
		.enable_on_exec = options->enable_on_exec,
		.no_inherit = options->no_inherit,
		.start_paused = options->start_paused,
		.stack = options->stack,
	};
	map_init(&k->ids);
	int r = take_watchers(k, options, err);
	if (r < 0)
		goto fail;
	if (gate_call_ends()) {
		k->asked = (struct open_asked){ .step = GATE_STEP_OPEN, .spec = &k->spec[0] };
		r = refuse(k, -EPERM, err);
		goto fail;
	}
	clamp_rate(k);
	if (options->whole_system && k->probe.nested_pids)
		tell_outsiders(k);
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
	fill_facts(k);
	offcpu_tell(k);
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

/* `off`: sources that are left as they are. */
static int control(struct kernel *k, enum kernel_ring_kind kind, unsigned long request,
		   uint32_t off)
{
	size_t n_events = kind == RING_SAMPLES ? k->n_specs : 1;
	int r = 0;

	for (size_t i = 0; i < k->fds[kind].n; i++) {
		size_t source = i / k->probe.n_cpus % n_events;
		int fd = k->fds[kind].fd[i];

		if (fd < 0 || off >> source & 1 || ioctl(fd, request, 0) == 0)
			continue;
		r = -errno;
		k->asked = (struct open_asked){
			.step = GATE_STEP_FINALIZE,
			.spec = kind == RING_SAMPLES ? &k->spec[source] : NULL,
			.what = "its start",
		};
	}
	return r;
}

int kernel_enable_tasks(struct kernel *k, struct err *err)
{
	int r = control(k, k->tasks_apart ? RING_TASKS : RING_SAMPLES, PERF_EVENT_IOC_ENABLE, 0);

	return r < 0 ? refuse(k, r, err) : 0;
}

int kernel_enable_samples(struct kernel *k, struct err *err)
{
	int r;

	offcpu_mark(k, SWITCH_BEGIN);
	r = k->tasks_apart ? control(k, RING_SAMPLES, PERF_EVENT_IOC_ENABLE, k->paused | k->off) :
			     0;

	return r < 0 ? refuse(k, r, err) : 0;
}

void kernel_disable(struct kernel *k)
{
	control(k, RING_SAMPLES, PERF_EVENT_IOC_DISABLE, 0);
	control(k, RING_TASKS, PERF_EVENT_IOC_DISABLE, 0);
	offcpu_mark(k, SWITCH_END);
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

/* ret: one for each event of a task, in their order. */
static void sum_kind(const struct kernel *k, enum kernel_ring_kind kind, size_t n_events,
		     struct perf_read *ret)
{
	memset(ret, 0, n_events * sizeof(*ret));
	for (size_t i = 0; i < k->fds[kind].n; i++) {
		struct perf_read one = { 0 }, *sum = &ret[i / k->probe.n_cpus % n_events];
		int fd = k->fds[kind].fd[i];

		if (fd < 0 || read(fd, &one, sizeof(one)) < (ssize_t)sizeof(one.value))
			continue;
		sum->value += one.value;
		sum->lost += one.lost;
	}
}

static uint64_t tasks_lost(const struct kernel *k)
{
	struct perf_read tasks;

	if (!k->choice.format_lost)
		return k->lost_tasks;
	sum_kind(k, RING_TASKS, 1, &tasks);
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

unsigned int kernel_fill_percent(const struct kernel *k)
{
	uint64_t most = 0;

	for (uint32_t i = 0; i < k->n_rings; i++)
		if (k->rings[i].size)
			most = MAX(most, ring_used(&k->rings[i]) * 100 / k->rings[i].size);
	return (unsigned int)most;
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
	const uint64_t *source = map_find(&k->ids, load_le64(bytes + 8));
	if (k->tasks_apart && ring % 2)
		k->lost_tasks += load_le64(bytes + 16);
	else
		k->lost_samples[source ? *source : 0] += load_le64(bytes + 16);
}

bool kernel_next(struct kernel *k, struct event *ret)
{
	struct ring_record record;
	const void *bytes;
	uint32_t ring;

	if (k->lost_n && order_front_ns(&k->order) > k->lost_from_ns)
		return take_lost(k, ret);
	if (offcpu_take_mark(k, ret))
		return true;
	while ((bytes = order_next(&k->order, &ring, &record))) {
		struct decode_layout layout = {
			.regs = perf_regs_native(),
			.source = k->decoding,
			.n_sources = k->n_specs,
			.ids = &k->ids,
		};
		enum decode_result result = decode_record(&layout, bytes, record.header.size, ret);

		if (result == DECODE_EVENT && (!k->offcpu.wanted || offcpu_takes(k, ret)))
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
	struct perf_read samples[WATCHERS_MAX];

	sum_kind(k, RING_SAMPLES, k->n_specs, samples);
	*ret = (struct kernel_losses){
		.bad_samples = k->bad_samples,
		.bad_records = k->bad_records + k->order.damaged,
	};
	for (uint8_t i = 0; i < k->n_specs; i++) {
		ret->samples[i] = k->choice.format_lost ? samples[i].lost : k->lost_samples[i];
		ret->count[i] = samples[i].value;
	}
}
