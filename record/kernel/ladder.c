/*
 * What to give up when rings or descriptors are refused, each step by itself and only as far as
 * needed:
 *
 *	rings of half the size, and shorter stacks, of bursts first, down to 8 pages
 *	tasks share the sample rings: half the rings, half the descriptors
 *	fewer events (descriptors only: events of a CPU share its ring)
 *	rings down to 2 pages (locked memory only): lossy, but children are in them
 *	the first thread alone, on one ring for all CPUs
 *	for the whole system: half of the CPUs
 *
 * One ring for several CPUs is not to be had otherwise: SET_OUTPUT wants events of one CPU, or of
 * one task on any CPU, and an inheriting event of a task on any CPU is never mapped. It may write
 * into the ring of one that does not inherit, but that ring's head is not made for several CPUs at
 * once (kernel/events/ring_buffer.c, local_cmpxchg), so that is no step here.
 */
#include "record/kernel/open.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/log.h"

enum {
	RING_BYTES_MIN = 8 * 4096,
	TINY_BYTES_MIN = 2 * 4096, /* three samples with stacks of 2 KiB */
	RING_BYTES_USUAL = 4 << 20,
	RING_BYTES_MAX = 32 << 20,
	RINGS_BYTES = 64 << 20,		/* of all CPUs, where the usual size is passed */
	EACH_RING_BYTES_MAX = 16 << 20, /* to clear them takes up to 1 ms a MiB at the start */
	EACH_RINGS_BYTES = 32 << 20,
	RING_BYTES_NO_STACK = 512 << 10,
	TASK_RING_BYTES = 1 << 20,
	RING_HOLD_PER_S = 4,	  /* a ring holds 1/4 s of full records: a busy host lets us wait */
	EACH_STACK_BYTES = 32768, /* of a burst: 99.1 % are complete, as with twice as much */
	EACH_STACK_BYTES_MIN = 4096,
	EACH_RECORDS = 256, /* of a burst that a ring should hold; fewer lost a tenth and more */
	RING_BYTES_SMALL = 64 << 10, /* losses are to be feared: said without -v */
	TRIES = 4, /* of the last step: another recorder may just give back what it tried */
	TRY_AGAIN_MS = 5,
};

/* Samples a second on one CPU that the rings should hold; of fixed periods nobody knows. */
static uint64_t samples_a_second(const struct kernel *k)
{
	enum { PERIODIC_HZ = 500 };
	uint64_t hz = 0;

	for (uint8_t i = 0; i < k->n_specs; i++)
		if (!event_spec_is_each(&k->spec[i]))
			hz += k->spec[i].source.frequency_hz ? k->spec[i].source.frequency_hz :
							       PERIODIC_HZ;
	return hz;
}

static bool any_each(const struct kernel *k)
{
	for (uint8_t i = 0; i < k->n_specs; i++)
		if (event_spec_is_each(&k->spec[i]))
			return true;
	return false;
}

/* Bursts are long: shorter stacks lose fewer samples. What was asked for stays. */
static uint32_t each_stack_for_ring(const struct kernel *k, size_t ring_bytes)
{
	uint32_t bytes = EACH_STACK_BYTES;

	if (k->stack_wanted)
		return 0;
	while (bytes > EACH_STACK_BYTES_MIN && (uint64_t)bytes * EACH_RECORDS > ring_bytes)
		bytes /= 2;
	return bytes;
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
	return MIN(bytes, (uint32_t)ring_bytes / 4);
}

/* Twice as much until `hold` fits, within limits of one ring and of all. */
static size_t grow(const struct kernel *k, size_t bytes, size_t hold, size_t max, size_t max_all)
{
	while (bytes < hold && bytes < max && bytes * 2 * k->probe.n_cpus <= max_all)
		bytes *= 2;
	return bytes;
}

static size_t ring_wanted(const struct kernel *k, uint32_t stack_bytes)
{
	uint64_t hz = samples_a_second(k);

	if (!k->choice.stack)
		return RING_BYTES_NO_STACK;
	size_t hold = hz * (stack_bytes ? stack_bytes : STACK_BYTES_MAX) / RING_HOLD_PER_S;
	size_t bytes = grow(k, RING_BYTES_USUAL, hold, RING_BYTES_MAX, RINGS_BYTES);
	if (!any_each(k))
		return bytes;
	/* two bursts, on a host that lets us wait */
	hold = (size_t)2 * EACH_RECORDS * (stack_bytes ? stack_bytes : EACH_STACK_BYTES);
	return grow(k, bytes, hold, EACH_RING_BYTES_MAX, EACH_RINGS_BYTES);
}

static bool is_memory_refusal(int code)
{
	return code == -EPERM || code == -ENOMEM || code == -EAGAIN;
}

static bool is_files_refusal(int code)
{
	return code == -EMFILE || code == -ENFILE;
}

static void note_rings(struct kernel *k, size_t wanted, size_t bytes)
{
	char why[768];

	k->facts.ring_bytes = bytes;
	k->facts.stack_bytes = k->choice.stack_bytes;
	if (bytes >= wanted)
		return;
	open_note(k, "rings of %zu KiB instead of %zu KiB (locked memory), stacks of %u bytes",
		  bytes >> 10, wanted >> 10, k->choice.stack_bytes);
	/* Of one thread alone tell_step says it. */
	bool is_news = bytes <= RING_BYTES_SMALL && !k->first_task_only;
	enum log_level level = is_news ? LOG_NOTICE : LOG_INFO;
	if (!log_enabled(level))
		return;
	refuse_explain_ring(k, bytes * 2, why, sizeof(why));
	log_print(level, "rings of %zu KiB instead of %zu KiB: %s", bytes >> 10, wanted >> 10, why);
}

static size_t ring_min(const struct kernel *k)
{
	return k->tiny_rings ? TINY_BYTES_MIN : RING_BYTES_MIN;
}

/* The largest rings that the kernel grants on all CPUs, as things are. */
static int open_sizes(struct kernel *k, pid_t tid)
{
	size_t wanted = ring_wanted(k, k->stack_wanted);

	for (size_t bytes = wanted;; bytes /= 2) {
		size_t task_bytes =
			MAX(MIN(bytes / 2, (size_t)TASK_RING_BYTES), (size_t)RING_BYTES_MIN);

		k->choice.stack_bytes = stack_for_ring(k, bytes, k->stack_wanted);
		k->choice.each_stack_bytes = each_stack_for_ring(k, bytes);
		k->choice.watermark_bytes = (uint32_t)bytes / 4;
		k->choice.task_watermark_bytes = (uint32_t)task_bytes / 4;
		int r = open_kinds(k, tid);
		if (r == 0)
			r = open_map(k, bytes, task_bytes);
		if (r == 0) {
			k->facts.task_ring_bytes = k->tasks_apart ? task_bytes : 0;
			note_rings(k, wanted, bytes);
			return 0;
		}
		open_unmap(k);
		if (k->asked.step != GATE_STEP_MAP || !is_memory_refusal(r) || bytes <= ring_min(k))
			return r;
	}
}

static void give_up_children(struct kernel *k, const char *why)
{
	k->first_task_only = k->choice.no_inherit = true;
	k->probe.n_cpus = 1;
	open_note(k, "the first thread only, no other threads or processes (%s)", why);
}

/* Rights are choose.c's: here only what is counted in bytes and descriptors is given up. */
static bool is_scarce(const struct kernel *k, int code)
{
	return is_files_refusal(code) ||
	       (k->asked.step == GATE_STEP_MAP && is_memory_refusal(code));
}

/* One step down; false: this was the last one. */
static bool step_down(struct kernel *k, int code)
{
	const char *why = is_files_refusal(code) ? "open files" : "locked memory";

	if (k->tasks_apart) {
		k->tasks_apart = false;
		open_note(k, "tasks share the sample rings (%s)", why);
	} else if (is_files_refusal(code) && k->n_specs > 1) {
		k->n_specs--;
		open_note(k, "without %s (%s)", k->spec[k->n_specs].watcher->name, why);
	} else if (!is_files_refusal(code) && !k->tiny_rings) {
		k->tiny_rings = true;
	} else if (!k->choice.whole_system && !k->first_task_only) {
		give_up_children(k, why);
	} else if (k->choice.whole_system && k->probe.n_cpus > 1) {
		k->probe.n_cpus /= 2;
		open_note(k, "%u of %u CPUs (%s)", k->probe.n_cpus, k->facts.n_cpus, why);
	} else {
		return false;
	}
	return true;
}

static bool is_told(const struct kernel *k)
{
	return k->first_task_only || k->probe.n_cpus < k->facts.n_cpus;
}

/* What is missing from now on is said once, with what would allow it: the refusal's words. */
static void tell_step(const struct kernel *k, const struct err *why)
{
	if (k->first_task_only)
		log_warning("%s; only the first thread is recorded: other threads, and processes "
			    "that it starts, are not in this recording",
			    why->text);
	else if (is_told(k))
		log_warning("%s; only %u of %u CPUs are recorded", why->text, k->probe.n_cpus,
			    k->facts.n_cpus);
}

/* The first task: goes down until the kernel grants it. */
static int open_first(struct kernel *k, pid_t tid, struct err *err)
{
	struct err refusal = { .code = 0 };
	int n_tries = 0;

	for (;;) {
		int r = open_sizes(k, tid);

		if (r == 0) {
			tell_step(k, &refusal);
			return 0;
		}
		if (!is_scarce(k, r))
			return refuse(k, r, err);
		if (step_down(k, r)) {
			if (is_told(k))
				refuse(k, r, &refusal);
		} else if (++n_tries == TRIES) {
			return refuse(k, r, err);
		} else {
			nanosleep(&(struct timespec){ .tv_nsec = TRY_AGAIN_MS * 1000000 }, NULL);
		}
	}
}

int open_task(struct kernel *k, pid_t tid, struct err *err)
{
	if (!k->rings)
		return open_first(k, tid, err);
	int r = k->first_task_only ? 0 : open_kinds(k, tid);
	return r < 0 ? refuse(k, r, err) : 0;
}
