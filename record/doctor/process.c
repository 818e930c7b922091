/*
 * A process as it runs. Its share of a CPU comes from its own CPU clock over a fifth of a second;
 * whether it may be sampled is tried on its threads, without counting anything.
 */
#include "record/doctor/target.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/auto.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "common/format/unsampled.h"
#include "record/doctor/checks.h"
#include "record/doctor/status.h"
#include "record/doctor/trial.h"

enum { LOOK_MS = 200, MOSTLY_ASLEEP_PERCENT = 5, MAPS_LINES_MAX = 65536 };

static const char *state_text(char state)
{
	switch (state) {
	case 'R':
		return "runs or waits for a CPU";
	case 'S':
		return "sleeps";
	case 'D':
		return "waits for a disk or the kernel";
	case 'T':
	case 't':
		return "stopped";
	case 'Z':
	case 'X':
		return "ended, not yet reaped";
	default:
		return "idle";
	}
}

static uint64_t cpu_ns(clockid_t clock)
{
	struct timespec t;

	return clock_gettime(clock, &t) < 0 ? 0 :
					      (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* On a busy host what runs gets little: it is still runnable at the second look. */
static bool waits_for_cpu(pid_t pid, const struct status *before)
{
	struct status after;

	return before->state == 'R' && status_read(pid, &after, NULL) == 0 && after.state == 'R';
}

static void look_at_load(pid_t pid, const struct status *s, struct checks *c)
{
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) != 0) {
		checks_add(c, CHECK_TARGET, GATE_NOT_KNOWN, "CPU", "its clock cannot be read");
		return;
	}
	uint64_t cpu = cpu_ns(clock), time = io_monotonic_ns();
	nanosleep(&(struct timespec){ .tv_nsec = LOOK_MS * 1000000L }, NULL);
	cpu = cpu_ns(clock) - cpu;
	time = io_monotonic_ns() - time;
	double percent = (int64_t)cpu > 0 ? 100.0 * (double)cpu / (double)time : 0;
	bool asleep = percent < MOSTLY_ASLEEP_PERCENT && !waits_for_cpu(pid, s);
	struct check *k =
		checks_add(c, CHECK_TARGET, asleep ? GATE_LIMITED : GATE_OPEN, "CPU",
			   "%.1f %% of one over %d ms, %s", percent, LOOK_MS, state_text(s->state));
	if (!asleep)
		return;
	check_means(k, "a profile of CPU time will hold hardly any samples");
	check_remedy(k, "-e offcpu shows where it sleeps; record longer, or while it is busy");
}

static void look_at_executable(pid_t pid, struct checks *c)
{
	char link[48], path[256];

	snprintf(link, sizeof(link), "/proc/%d/exe", (int)pid);
	ssize_t n = readlink(link, path, sizeof(path) - 1);
	AUTO_CLOSE int fd = open(link, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		struct check *k = checks_add(c, CHECK_TARGET, GATE_LIMITED, "executable",
					     "not readable (%s)", strerror(errno));

		check_means(k, "its files cannot be embedded, nor its mappings looked up");
		check_remedy(k,
			     "record as the process's user or as root; as root too where it has "
			     "more rights than its user (%s, %s, %s) or is %s to them",
			     unsampled_reason_text(UNSAMPLED_SETUID),
			     unsampled_reason_text(UNSAMPLED_SETGID),
			     unsampled_reason_text(UNSAMPLED_CAPABILITIES),
			     unsampled_reason_text(UNSAMPLED_UNREADABLE));
		return;
	}
	path[n < 0 ? 0 : n] = 0;
	checks_add(c, CHECK_TARGET, n < 0 ? GATE_NOT_KNOWN : GATE_OPEN, "executable", "%s",
		   n < 0 ? "its name is not readable" : path);
	executable_look(fd, true, c);
}

static bool has_perf_map(pid_t pid)
{
	char path[96];

	snprintf(path, sizeof(path), "/proc/%d/root/tmp/perf-%d.map", (int)pid, (int)pid);
	return access(path, F_OK) == 0;
}

/* One line of maps, of which the path counts: it begins at the first '/'. True: a runtime's. */
static bool look_at_mapping(pid_t pid, char *line, struct checks *c)
{
	const char *name, *path = strchr(line, '/');

	line[strcspn(line, "\n")] = 0;
	const char *advice = path ? runtime_hint(path, &name) : NULL;
	if (!advice)
		return false;
	bool told = has_perf_map(pid);
	struct check *k = checks_add(c, CHECK_TARGET, told ? GATE_OPEN : GATE_LIMITED, "runtime",
				     "%s%s", name, told ? ", with a perf map" : "");
	if (told)
		return true;
	check_means(k, "code that it makes while running has no names (Anonymous)");
	check_remedy(k, "start it with %s", advice);
	return true;
}

static void look_at_runtime(pid_t pid, struct checks *c)
{
	char path[48], line[4352];

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	FILE *file = fopen(path, "re");
	if (!file) {
		checks_add(c, CHECK_TARGET, GATE_LIMITED, "mappings", "not readable (%s)",
			   strerror(errno));
		return;
	}
	for (int n = 0; n < MAPS_LINES_MAX && fgets(line, sizeof(line), file); n++)
		if (look_at_mapping(pid, line, c))
			break;
	if (ferror(file))
		checks_add(c, CHECK_TARGET, GATE_NOT_KNOWN, "runtime", "mappings: %s",
			   strerror(errno));
	fclose(file);
}

static void look_at_surroundings(const struct status *s, struct checks *c)
{
	static const char *const names[] = { "mount", "pid", "user" };
	char text[48] = "";

	for (size_t i = 0; i < 3; i++)
		if (s->other_ns[i])
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
				 text[0] ? ", " : "", names[i]);
	if (text[0])
		check_means(checks_add(c, CHECK_TARGET, GATE_OPEN, "namespaces", "other: %s", text),
			    "a container: its files are read through the process, while it lives");
	else if (s->ns_code)
		checks_add(c, CHECK_TARGET, GATE_NOT_KNOWN, "namespaces", "%s",
			   strerror(s->ns_code));
	else
		checks_add(c, CHECK_TARGET, GATE_OPEN, "namespaces", "ours");
	if (s->seccomp > 0)
		check_means(checks_add(c, CHECK_TARGET, GATE_OPEN, "its seccomp", "%s",
				       s->seccomp == 1 ? "strict" : "filter"),
			    "of no matter from outside; allocations cannot be profiled if it "
			    "forbids sockets");
}

static void try_attach(pid_t pid, struct checks *c)
{
	static struct trial_result result;
	struct trial trial = { .events = "sCPU", .pid = pid, .stack = true };
	struct check *k;

	trial_run(&trial, &result);
	bool may = result.err.code == 0;
	c->possible = may && !c->no_output;
	k = checks_add(c, CHECK_TARGET,
		       may		? GATE_OPEN :
		       result.not_tried ? GATE_NOT_KNOWN :
					  GATE_CLOSED,
		       "-p", "%s", may ? "may be sampled" : strerror(-result.err.code));
	if (!may)
		check_means(k, "%s", result.err.text);
}

/* True: what is there is a process with code of its own. */
static bool look_at_kind(pid_t pid, const struct status *s, struct checks *c)
{
	struct check *k =
		checks_add(c, CHECK_TARGET, GATE_OPEN, "process", "%d '%s', user %u, %d thread%s",
			   (int)pid, s->name, s->uid, s->n_threads, s->n_threads == 1 ? "" : "s");

	if (s->kernel_thread) {
		k->verdict = GATE_CLOSED;
		check_means(k, "a kernel thread: it has no user code");
		check_remedy(k, "record it with -a");
	} else if (s->state == 'Z' || s->state == 'X') {
		k->verdict = GATE_CLOSED;
		check_means(k,
			    "a zombie: it has ended, and its parent has not asked for its status");
	} else if (s->tgid && s->tgid != pid) {
		check_means(k, "a thread of process %d: -p records the whole process",
			    (int)s->tgid);
	}
	return k->verdict == GATE_OPEN;
}

void process_look(pid_t pid, struct checks *c)
{
	struct err err = { .code = 0 };
	struct status status;

	c->possible = false;
	int r = status_read(pid, &status, &err);
	if (r < 0) {
		checks_add(c, CHECK_TARGET, r == -ESRCH ? GATE_CLOSED : GATE_NOT_KNOWN, "process",
			   "%s", err.text);
		checks_summary(c, "%s", err.text);
		return;
	}
	if (!look_at_kind(pid, &status, c)) {
		checks_summary(c, "process %d cannot be recorded: %s", (int)pid,
			       c->at[c->n - 1].means);
		return;
	}
	look_at_load(pid, &status, c);
	look_at_executable(pid, c);
	look_at_runtime(pid, c);
	look_at_surroundings(&status, c);
	try_attach(pid, c);
	checks_summary(c,
		       c->possible ? "process %d can be recorded: ddprof-record -p %d" :
				     "process %d cannot be recorded: see 'refused' or 'not known' "
				     "above",
		       (int)pid, (int)pid);
}
