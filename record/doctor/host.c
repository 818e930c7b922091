/*
 * Gates come from record/gate/, which probes them; the rest is asked here. The last word is not
 * the sum of the gates but trials: what a recording opens is opened.
 */
#include "record/doctor/host.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "common/base/auto.h"
#include "common/base/bits.h"
#include "common/base/io.h"
#include "common/format/event.h"
#include "record/doctor/checks.h"
#include "record/doctor/trial.h"

enum { SPACE_ENOUGH = 64 << 20, SPACE_LEAST = 1 << 20, FREQUENCY_HZ = 99 };

static void look_at_gates(struct checks *c, const struct gates *gates)
{
	for (int id = 0; id < GATES; id++) {
		const struct gate *g = &gates->gate[id];
		struct check *k = checks_add(c, CHECK_HOST, g->verdict, gate_name((enum gate_id)id),
					     "%s", g->value);

		check_means(k, "%s", g->means);
		if (g->verdict != GATE_OPEN)
			check_remedy(k, "%s", g->remedy);
	}
	c->place = gates->place;
	struct check *k =
		checks_add(c, CHECK_HOST, gates->place_unsure ? GATE_NOT_KNOWN : GATE_OPEN, "place",
			   "%s", gate_place_text(gates->place));
	if (gates->place_unsure)
		check_means(k, "as far as can be seen: some of its signs cannot be read");
}

static void look_at_kernel(struct checks *c)
{
	struct utsname uts;

	if (uname(&uts) < 0) {
		checks_add(c, CHECK_HOST, GATE_NOT_KNOWN, "kernel", "%s", strerror(errno));
		return;
	}
	struct check *k = checks_add(c, CHECK_HOST, GATE_OPEN, "kernel", "%s %s, %s", uts.sysname,
				     uts.release, uts.machine);
	if (strcmp(uts.machine, "x86_64") != 0 && strcmp(uts.machine, "aarch64") != 0) {
		k->verdict = GATE_CLOSED;
		check_means(k, "recordings are made on x86_64 and aarch64");
	}
	long n_cpus = sysconf(_SC_NPROCESSORS_ONLN);
	if (n_cpus > 0)
		checks_add(c, CHECK_HOST, GATE_OPEN, "CPUs", "%ld online", n_cpus);
	else
		checks_add(c, CHECK_HOST, GATE_NOT_KNOWN, "CPUs", "%s", strerror(errno));
}

/* The kernel lowers its own limit when sampling interrupts take long. */
static void look_at_rate(struct checks *c)
{
	AUTO_FREE char *text = NULL;
	size_t n;

	if (io_read_file("/proc/sys/kernel/perf_event_max_sample_rate", 64, &text, &n, NULL) < 0) {
		checks_add(c, CHECK_HOST, GATE_NOT_KNOWN, "max_sample_rate", "not readable");
		return;
	}
	long rate = strtol(text, NULL, 10);
	struct check *k = checks_add(c, CHECK_HOST, rate < FREQUENCY_HZ ? GATE_LIMITED : GATE_OPEN,
				     "max_sample_rate", "%ld Hz", rate);
	if (rate < FREQUENCY_HZ) {
		check_means(k, "below the usual %d Hz: the kernel refuses more", FREQUENCY_HZ);
		check_remedy(k, "sysctl kernel.perf_event_max_sample_rate=100000, or -F %ld", rate);
	}
}

static const char *limit_text(rlim_t limit, char *text, size_t cap)
{
	if (limit == RLIM_INFINITY)
		snprintf(text, cap, "unlimited");
	else
		snprintf(text, cap, "%" PRIu64 " KiB", (uint64_t)limit >> 10);
	return text;
}

static void look_at_file_size(struct checks *c)
{
	struct rlimit limit;
	char text[32];

	if (getrlimit(RLIMIT_FSIZE, &limit) < 0) {
		checks_add(c, CHECK_HOST, GATE_NOT_KNOWN, "file size", "%s", strerror(errno));
		return;
	}
	bool low = limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < SPACE_ENOUGH;
	struct check *k = checks_add(c, CHECK_HOST, low ? GATE_LIMITED : GATE_OPEN, "file size",
				     "%s", limit_text(limit.rlim_cur, text, sizeof(text)));
	if (low) {
		check_means(k, "a recording ends there");
		check_remedy(k, "ulimit -f unlimited");
	}
}

/* Of the file's name: "." of a bare one. */
static void directory_of(const char *file, char *ret, size_t cap)
{
	const char *slash = strrchr(file, '/');
	char path[PATH_MAX_BYTES];

	if (slash)
		snprintf(path, sizeof(path), "%.*s", (int)(slash > file ? slash - file : 1), file);
	else if (!getcwd(path, sizeof(path)))
		snprintf(path, sizeof(path), ".");
	snprintf(ret, cap, "%s", path);
}

static void look_at_space(const char *path, struct checks *c)
{
	struct statvfs fs;

	if (statvfs(path, &fs) < 0) {
		checks_add(c, CHECK_HOST, GATE_NOT_KNOWN, "output directory", "%s", path);
		return;
	}
	uint64_t left = (uint64_t)fs.f_bavail * fs.f_frsize;
	struct check *k = checks_add(c, CHECK_HOST, GATE_OPEN, "output directory",
				     "%s, %" PRIu64 " MiB free", path, left >> 20);
	if (left >= SPACE_ENOUGH)
		return;
	c->no_output = left < SPACE_LEAST;
	k->verdict = c->no_output ? GATE_CLOSED : GATE_LIMITED;
	check_means(k, "a minute of a busy process takes some MiB");
	check_remedy(k, "-o FILE where there is more room");
}

/* Who looks at a directory: its own word, not that it could not be asked. */
static bool refuses(int code)
{
	return code == EACCES || code == EPERM || code == EROFS || code == ENOENT ||
	       code == ENOTDIR || code == ELOOP || code == ENAMETOOLONG;
}

static void look_at_directory(const char *output, struct checks *c)
{
	char path[PATH_MAX_BYTES];

	if (!strcmp(output, "-"))
		return;
	directory_of(output, path, sizeof(path));
	if (faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) == 0) {
		look_at_space(path, c);
		return;
	}
	int code = errno;
	struct check *k = checks_add(c, CHECK_HOST, refuses(code) ? GATE_CLOSED : GATE_NOT_KNOWN,
				     "output directory", "%s", path);
	if (!refuses(code)) {
		check_means(k, "whether a recording can be written there: %s", strerror(code));
		return;
	}
	check_means(k, "a recording cannot be written there: %s", strerror(code));
	check_remedy(k, "-o FILE in a directory of yours, or -o - for standard output");
	c->no_output = true;
}

/* Nothing was refused: it is not known. */
static enum gate_verdict verdict_of(const struct trial_result *result, enum gate_verdict otherwise)
{
	return result->not_tried ? GATE_NOT_KNOWN : otherwise;
}

/* "sPF"; what could not be had is said with the reason. */
static void try_event(struct checks *c, const char *event)
{
	static struct trial_result result;
	struct trial trial = { .events = event };
	char name[32];

	trial_run(&trial, &result);
	snprintf(name, sizeof(name), "-e %s", event);
	if (result.err.code) {
		struct check *k = checks_add(c, CHECK_RECORDING, verdict_of(&result, GATE_CLOSED),
					     name, "%s", strerror(-result.err.code));

		check_means(k, "%s", result.err.text);
		return;
	}
	bool other = strcmp(result.facts.source[0].name, event) != 0;
	struct check *k = checks_add(c, CHECK_RECORDING, other ? GATE_LIMITED : GATE_OPEN, name,
				     "%s", result.facts.event_text);
	if (other)
		check_means(k, "%s", result.facts.fallbacks);
}

/* "sCPU at 99 Hz, user and kernel, 2 rings of 4096 KiB, stacks of 65528 bytes" */
static const char *facts_text(const struct kernel_facts *f, char *text, size_t cap)
{
	snprintf(text, cap,
		 "%s at %" PRIu64 " Hz on %u CPU%s, %s, rings of %zu KiB, stacks of %u bytes",
		 f->source[0].name, f->source[0].frequency_hz, f->n_cpus, f->n_cpus == 1 ? "" : "s",
		 f->kernel_frames ? "user and kernel" : "user only", f->ring_bytes >> 10,
		 f->stack_bytes);
	return text;
}

static void tell_features(struct checks *c, const struct kernel_facts *f)
{
	struct check *k = checks_add(c, CHECK_RECORDING, f->build_id ? GATE_OPEN : GATE_LIMITED,
				     "build-ids", f->build_id ? "from the kernel" : "from files");

	if (!f->build_id)
		check_means(k, "a file that was replaced meanwhile cannot be told (Linux 5.12)");
	k = checks_add(c, CHECK_RECORDING, f->exact_lost ? GATE_OPEN : GATE_LIMITED, "loss counts",
		       f->exact_lost ? "exact" : "a lower bound");
	if (!f->exact_lost)
		check_means(k, "the kernel counts lost samples from Linux 6.0 on");
}

static void try_command(struct checks *c, const struct trial_result *result)
{
	char text[256];
	struct check *k;

	if (result->err.code) {
		k = checks_add(c, CHECK_RECORDING, verdict_of(result, GATE_CLOSED), "COMMAND", "%s",
			       strerror(-result->err.code));
		check_means(k, "%s: %s",
			    result->not_tried ? "could not be tried" :
						"runs without being recorded",
			    result->err.text);
		return;
	}
	bool less = result->facts.fallbacks[0] != 0;
	k = checks_add(c, CHECK_RECORDING, less ? GATE_LIMITED : GATE_OPEN, "COMMAND", "%s",
		       facts_text(&result->facts, text, sizeof(text)));
	check_means(k, "%s", result->facts.fallbacks);
	tell_features(c, &result->facts);
}

/* Who may not record all records his own processes: as -a does by itself. */
static bool try_system(struct checks *c)
{
	static struct trial_result result;
	struct trial trial = { .events = "sCPU", .pid = -1, .stack = true };
	char text[256];
	struct check *k;

	trial_run(&trial, &result);
	if (result.err.code) {
		bool own = c->possible && !result.not_tried &&
			   (result.err.code == -EACCES || result.err.code == -EPERM);

		k = checks_add(c, CHECK_RECORDING,
			       own ? GATE_LIMITED : verdict_of(&result, GATE_CLOSED), "-a", "%s",
			       own ? "own processes" : strerror(-result.err.code));
		check_means(k, "%s", result.err.text);
		return false;
	}
	k = checks_add(c, CHECK_RECORDING, result.facts.fallbacks[0] ? GATE_LIMITED : GATE_OPEN,
		       "-a", "%s", facts_text(&result.facts, text, sizeof(text)));
	check_means(k, "%s", result.facts.fallbacks);
	return true;
}

static void sum_up(struct checks *c, const struct trial_result *command, bool whole_system)
{
	char text[256];

	if (command->not_tried)
		checks_summary(c, "it is not known whether anything can be recorded here: %s",
			       command->err.text);
	else if (!c->possible)
		checks_summary(c, "nothing can be recorded here: COMMAND runs without it");
	else if (c->no_output)
		checks_summary(c, "a recording cannot be written here: give another place by -o");
	else
		checks_summary(c, "a recording here: %s%s",
			       facts_text(&command->facts, text, sizeof(text)),
			       whole_system ? "; -a too" : "; -a: own processes alone");
}

void host_look(const char *output, struct checks *c)
{
	static const char *const events[] = { "hCPU", "sPF", "sCS", "sched:sched_switch" };
	static struct trial_result command;
	static struct gates gates;
	struct trial trial = { .events = "sCPU", .stack = true };

	gates_look(&gates);
	look_at_gates(c, &gates);
	look_at_kernel(c);
	look_at_rate(c);
	look_at_file_size(c);
	look_at_directory(output, c);
	trial_run(&trial, &command);
	c->possible = command.err.code == 0;
	try_command(c, &command);
	for (size_t i = 0; c->possible && i < N_ELEMENTS(events); i++)
		try_event(c, events[i]);
	sum_up(c, &command, try_system(c));
	c->possible = c->possible && !c->no_output;
}
