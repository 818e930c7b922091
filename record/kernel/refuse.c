/*
 * Refusals in words. Each begins with the text that people already search for, then names the gate
 * that stands in the way with its value and its smallest remedy.
 */
#include "record/kernel/open.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/auto.h"
#include "common/base/err.h"
#include "common/base/io.h"

enum { WHY_BYTES = 768, STATUS_BYTES_MAX = 16 << 10 };

/* Gates are looked at once, after the first refusal: a recording that is granted never asks. */
static void explain(struct kernel *k, const struct gate_refusal *refusal, char *why, size_t cap)
{
	if (!k->gates_known)
		gates_look(&k->gates);
	k->gates_known = true;
	gates_explain(&k->gates, refusal, why, cap);
}

static bool is_others(pid_t tid)
{
	char path[32];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d", (int)tid);
	return tid > 0 && stat(path, &st) == 0 && st.st_uid != geteuid();
}

/* Whether the user who started it is this one: the first number of "Uid:". */
static bool is_started_by_us(pid_t tid)
{
	char path[32];
	AUTO_FREE char *text = NULL;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
	if (io_read_file(path, STATUS_BYTES_MAX, &text, NULL, NULL) < 0)
		return false;
	const char *at = strstr(text, "\nUid:");
	return at && strtoul(at + strlen("\nUid:"), NULL, 10) == getuid();
}

/* Perf asks the same of a process as its maps file. */
static bool is_privileged(pid_t tid)
{
	char path[32];

	if (tid <= 0 || !is_started_by_us(tid))
		return false;
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)tid);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 && (errno == EACCES || errno == EPERM);
}

static bool is_hardware(const struct event_spec *spec)
{
	return spec && (spec->type == PERF_TYPE_HARDWARE || spec->type == PERF_TYPE_HW_CACHE ||
			spec->type == PERF_TYPE_RAW);
}

static unsigned int index_of(const struct kernel *k, const struct event_spec *spec)
{
	return spec ? (unsigned int)(spec - k->spec) : 0;
}

static void fill_refusal(const struct kernel *k, int code, struct gate_refusal *ret)
{
	const struct open_asked *asked = &k->asked;
	const struct event_spec *spec = asked->spec;

	*ret = (struct gate_refusal){
		.step = asked->step,
		.code = -code,
		.kernel = spec ? event_spec_in_kernel(spec, &k->choice) : k->choice.kernel,
		.system = k->choice.whole_system,
		.others = is_others(asked->tid),
		.privileged = is_privileged(asked->tid),
		.tracepoint = spec && spec->type == PERF_TYPE_TRACEPOINT,
		.hardware = is_hardware(spec),
		.bytes = asked->bytes,
	};
}

/* "event 'sCPU' of task 622"; COMMAND's number says nothing to anyone. */
static void name_asked(const struct kernel *k, char *text, size_t cap)
{
	const struct open_asked *asked = &k->asked;
	const char *name = asked->spec ? asked->spec->watcher->name : "mappings";

	if (asked->tid > 0 && !k->choice.enable_on_exec)
		snprintf(text, cap, "event '%s' of task %d", name, (int)asked->tid);
	else
		snprintf(text, cap, "event '%s'", name);
}

int refuse(struct kernel *k, int code, struct err *err)
{
	const struct open_asked *asked = &k->asked;
	unsigned int index = index_of(k, asked->spec);
	struct gate_refusal refusal;
	char why[WHY_BYTES], name[160];

	if (code == -ESRCH)
		return err_set(err, code, "task %d is gone", (int)asked->tid);
	name_asked(k, name, sizeof(name));
	fill_refusal(k, code, &refusal);
	explain(k, &refusal, why, sizeof(why));
	switch (asked->step) {
	case GATE_STEP_MAP:
		return err_set(err, code, "Could not mmap memory for watcher #%u: %s: %s", index,
			       strerror(-code), why);
	case GATE_STEP_FINALIZE:
		return err_set(err, code,
			       "Could not finalize watcher (idx#%u): registration (%s): %s: %s",
			       index, strerror(-code), asked->what, why);
	case GATE_STEP_OPEN:
	default:
		return err_set(err, code, "Error calling perfopen on watcher %u.%u (%s): %s: %s",
			       index, (unsigned int)asked->cpu, strerror(-code), name, why);
	}
}

void refuse_explain_ring(struct kernel *k, size_t bytes, char *text, size_t cap)
{
	struct gate_refusal refusal = { .step = GATE_STEP_MAP, .code = EPERM, .bytes = bytes };

	explain(k, &refusal, text, cap);
}

void refuse_explain_rights(struct kernel *k, bool system, char *text, size_t cap)
{
	struct gate_refusal refusal = {
		.step = GATE_STEP_OPEN, .code = EACCES, .kernel = !system, .system = system
	};

	explain(k, &refusal, text, cap);
}
