/*
 * What the kernel takes, found on one CPU before anything is opened for good. Order of giving up:
 * refused for rights, kernel frames go; refused as invalid (older kernel), exact losses go, then
 * build-ids. What is still refused concerns one watcher: it is left out, and the others go on.
 */
#include "record/kernel/open.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/base/log.h"

/* Ordinary on most hosts, so the way out is said to those who ask. */
static void give_up_kernel(struct kernel *k)
{
	char why[768];

	k->choice.kernel = false;
	open_note(k, "kernel frames are not allowed (perf_event_paranoid=%d)", k->probe.paranoid);
	if (!log_enabled(LOG_INFO))
		return;
	refuse_explain_rights(k, false, why, sizeof(why));
	log_info("user code only: %s", why);
}

/* Gives up the next thing after a refusal; false: nothing is left that could help. */
static bool give_up_one(struct kernel *k, const struct event_spec *spec, int code)
{
	bool had_kernel = spec ? event_spec_in_kernel(spec, &k->choice) : k->choice.kernel;

	if ((code == -EACCES || code == -EPERM) && k->choice.kernel && had_kernel &&
	    (!spec || spec->watcher->kind->kernel == WATCHER_KERNEL_TRY)) {
		give_up_kernel(k);
		return true;
	}
	if (code == -EINVAL && k->choice.format_lost) {
		k->choice.format_lost = false;
		open_note(k, "no exact loss counts (kernel %s)", k->probe.release);
		return true;
	}
	if (code == -EINVAL && k->choice.build_id) {
		k->choice.build_id = false;
		open_note(k, "no build-ids from the kernel (%s)", k->probe.release);
		return true;
	}
	return false;
}

/* spec NULL: the event of mappings and tasks. */
static int choose_one(struct kernel *k, struct event_spec *spec, bool tasks, pid_t tid)
{
	for (;;) {
		struct perf_event_attr attr;

		k->asked = (struct open_asked){ .step = GATE_STEP_OPEN, .spec = spec, .tid = tid };
		if (spec)
			attr_fill_sample(spec, &k->choice, tasks, &attr);
		else
			attr_fill_tasks(&k->choice, &attr);
		int fd = open_perf(&attr, tid, k->probe.cpu[0]);
		if (fd >= 0) {
			close(fd);
			return 0;
		}
		if (!give_up_one(k, spec, fd))
			return fd;
	}
}

static bool is_absent(int code)
{
	return code == -ENOENT || code == -ENODEV || code == -EOPNOTSUPP;
}

static bool has_kind(const struct kernel *k, const struct watcher_kind *kind)
{
	for (uint8_t i = 0; i < k->n_specs; i++)
		if (k->spec[i].watcher->kind == kind)
			return true;
	return false;
}

/* Cycles where there are no counters (most virtual machines): the clock tells nearly the same. */
static bool replace_cycles(struct kernel *k, struct event_spec *spec)
{
	const struct watcher_kind *time = watcher_kind_find("sCPU");

	if (spec->watcher->kind != watcher_kind_find("hCPU") || has_kind(k, time) ||
	    spec->watcher->value != WATCHER_VALUE_PERIOD)
		return false;
	k->replacement = *spec->watcher;
	k->replacement.kind = time;
	k->replacement.config = time->config;
	if (!k->replacement.frequency_hz) { /* a number of cycles is no number of nanoseconds */
		k->replacement.frequency_hz = time->rate;
		k->replacement.period = 0;
	}
	if (!strcmp(k->replacement.label, k->replacement.name))
		strcpy(k->replacement.label, time->name);
	strcpy(k->replacement.name, time->name);
	event_spec_fill(&k->replacement, k->choice.whole_system, spec);
	open_note(k, "sCPU instead of hCPU (this machine shows no cycle counter)");
	log_notice("this machine shows no cycle counter: sampling sCPU instead of hCPU");
	return true;
}

static void leave_out(struct kernel *k, uint8_t at, int code, const struct err *why)
{
	const char *name = k->spec[at].watcher->name;

	log_warning("%s; event '%s' is left out", why->text, name);
	open_note(k, "without %s (%s)", name, strerror(-code));
	memmove(&k->spec[at], &k->spec[at + 1], (size_t)(k->n_specs - at - 1) * sizeof(k->spec[0]));
	k->n_specs--;
}

/* Each watcher that is refused goes, as long as another one stays. */
static int choose_samples(struct kernel *k, bool tasks, pid_t tid, struct err *err)
{
	for (uint8_t i = 0; i < k->n_specs;) {
		struct event_spec *spec = &k->spec[i];
		int r = choose_one(k, spec, tasks && i == 0, tid);

		if (r == 0) {
			i++;
			continue;
		}
		if (is_absent(r) && replace_cycles(k, spec))
			continue;
		if (spec->wakeup && r != -ESRCH) {
			offcpu_refused(k, r);
			continue;
		}
		refuse(k, r, err);
		if (r == -ESRCH || r == -ENOSYS || r == -EMFILE || offcpu_n_asked(k) == 1)
			return r;
		leave_out(k, i, r, err);
	}
	return 0;
}

int open_choose(struct kernel *k, pid_t tid, struct err *err)
{
	k->tasks_apart = true;
	k->choice.kernel = k->choice.format_lost = k->choice.build_id = true;
	k->choice.stack_bytes = 8192;
	int r = choose_samples(k, false, tid, err);
	if (r < 0)
		return r;
	r = choose_one(k, NULL, false, tid);
	if (r == -ESRCH)
		return refuse(k, r, err);
	if (r < 0) {
		open_note(k, "tasks share the sample rings (%s)", strerror(-r));
		k->tasks_apart = false;
		r = choose_samples(k, true, tid, err);
	}
	return r;
}
