/*
 * Judges what was read and tried. An attempt outranks a rule: where a call passed, no gate that
 * stands before it is closed, whatever its setting says.
 */
#include "record/gate/gate.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "record/gate/facts.h"
#include "record/gate/remedy.h"

enum {
	RECORDING_BYTES_A_CPU = 4616 << 10, /* rings of 4 MiB and 512 KiB, a page more each */
	LEAST_BYTES = GATE_RING_BYTES_MIN + 4096,
};

static const char *const names[GATES] = {
	[GATE_PARANOID] = "perf_event_paranoid",
	[GATE_CAPABILITY] = "capabilities",
	[GATE_SECCOMP] = "seccomp",
	[GATE_SYSCALL] = "perf_event_open",
	[GATE_USER_NS] = "user namespace",
	[GATE_MEMLOCK] = "locked memory",
	[GATE_MEMLOCK_USED] = "locked memory in use",
	[GATE_FILES] = "open files",
	[GATE_COUNTERS] = "hardware counters",
	[GATE_TRACEFS] = "tracefs",
	[GATE_KPTR] = "kptr_restrict",
	[GATE_YAMA] = "ptrace_scope",
	[GATE_LSM] = "security module",
};

const char *gate_name(enum gate_id id)
{
	return id < GATES ? names[id] : "none";
}

const char *gate_verdict_text(enum gate_verdict verdict)
{
	static const char *const text[] = { "ok", "limited", "refused", "not known" };

	return text[verdict];
}

const char *gate_place_text(enum gate_place place)
{
	static const char *const text[] = { "host",	  "docker",  "podman",
					    "kubernetes", "systemd", "systemd-nspawn" };

	return text[place];
}

static void judge(struct gate *g, enum gate_verdict verdict, const char *means)
{
	g->verdict = verdict;
	snprintf(g->means, sizeof(g->means), "%s", means);
}

static void set_value(struct gate *g, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void set_value(struct gate *g, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(g->value, sizeof(g->value), fmt, ap);
	va_end(ap);
}

static void set_number(struct gate *g, int value)
{
	if (value == FACT_UNKNOWN)
		set_value(g, "unknown");
	else
		set_value(g, "%d", value);
}

static bool has_cap(const struct gate_facts *f, enum gate_capability cap)
{
	return f->caps_known && f->caps >> cap & 1 && !f->nested_user_ns;
}

static bool may_perf(const struct gate_facts *f)
{
	return has_cap(f, GATE_CAP_PERFMON) || has_cap(f, GATE_CAP_SYS_ADMIN);
}

static bool is_refusal(int code)
{
	return code == EPERM || code == EACCES;
}

/* Of this moment and this process: it says nothing of the gate. */
static bool is_passing(int code)
{
	return code == EMFILE || code == ENFILE || code == EINTR || code == EIO || code == EBUSY;
}

/* The call came to the kernel, which judged by itself. */
static bool reached(const struct gate_facts *f)
{
	return f->tried.done && f->tried.reach == EINVAL;
}

static void judge_paranoid(const struct gate_facts *f, struct gate *g)
{
	set_number(g, f->paranoid);
	if (f->paranoid == FACT_UNKNOWN) {
		judge(g, GATE_NOT_KNOWN, "no /proc/sys/kernel/perf_event_paranoid");
	} else if (may_perf(f) || f->paranoid < 0) {
		judge(g, GATE_OPEN, "");
	} else if (f->paranoid > 2 && (!reached(f) || is_refusal(f->tried.own_user))) {
		judge(g, GATE_CLOSED, "nothing at all for users without CAP_PERFMON");
		remedy_paranoid(f, 2, g->remedy, sizeof(g->remedy));
	} else {
		judge(g, GATE_LIMITED,
		      f->paranoid > 1  ? "user code of own processes only" :
		      f->paranoid == 1 ? "own processes only, not the whole system" :
					 "everything but tracepoints");
		remedy_paranoid(f, f->paranoid > 1 ? 1 : -1, g->remedy, sizeof(g->remedy));
	}
}

static void judge_capability(const struct gate_facts *f, struct gate *g)
{
	if (!f->caps_known) {
		set_value(g, "unknown");
		judge(g, GATE_NOT_KNOWN, "no /proc/self/status");
		return;
	}
	set_value(g, "0x%" PRIx64 "%s", f->caps,
		  f->caps >> GATE_CAP_PERFMON & 1   ? ": CAP_PERFMON" :
		  f->caps >> GATE_CAP_SYS_ADMIN & 1 ? ": CAP_SYS_ADMIN" :
						      ": neither CAP_PERFMON nor CAP_SYS_ADMIN");
	if (may_perf(f))
		return;
	judge(g, GATE_LIMITED,
	      f->nested_user_ns ? "capabilities of a user namespace do not count for perf" :
				  "what perf_event_paranoid leaves to ordinary users");
	if (!f->nested_user_ns)
		remedy_capability(f, g->remedy, sizeof(g->remedy));
}

static const char *code_name(int code)
{
	switch (code) {
	case 0:
		return "success";
	case EPERM:
		return "EPERM";
	case EACCES:
		return "EACCES";
	case ENOSYS:
		return "ENOSYS";
	default:
		return strerror(code);
	}
}

static const char *mode_text(const struct gate_facts *f)
{
	static const char *const text[] = { "no filter", "strict", "filter" };

	return f->seccomp >= 0 && f->seccomp < 3 ? text[f->seccomp] : "unknown";
}

/* ENOSYS without a filter, and without perf's settings, is the kernel's own word. */
static bool is_absent(const struct gate_facts *f)
{
	return f->gvisor || (f->tried.reach == ENOSYS &&
			     (f->paranoid == FACT_UNKNOWN || f->seccomp == 0) && !f->traced);
}

static void judge_seccomp(const struct gate_facts *f, struct gate *g)
{
	set_value(g, "%s", mode_text(f));
	if (f->tried.signal == GATE_SILENT) {
		set_value(g, "%s, no answer", mode_text(f));
		judge(g, GATE_CLOSED, "perf_event_open never comes back");
	} else if (f->tried.signal) {
		set_value(g, "%s, kills with signal %d", mode_text(f), f->tried.signal);
		judge(g, GATE_CLOSED, "perf_event_open ends whoever calls it");
	} else if (!f->tried.done || is_passing(f->tried.reach)) {
		judge(g, GATE_NOT_KNOWN, "no child could be made to try it");
	} else if (!reached(f) && !is_absent(f)) {
		set_value(g, "%s, answers %s", f->traced ? "a tracer" : mode_text(f),
			  code_name(f->tried.reach));
		judge(g, GATE_CLOSED, "perf_event_open does not reach the kernel");
	}
	if (g->verdict == GATE_CLOSED)
		remedy_seccomp(f, g->remedy, sizeof(g->remedy));
}

static void judge_syscall(const struct gate_facts *f, struct gate *g)
{
	set_value(g, "%s%s", f->gvisor ? "gVisor, " : "", f->release);
	if (f->gvisor) {
		judge(g, GATE_CLOSED, "gVisor has no perf_event_open");
		snprintf(g->remedy, sizeof(g->remedy),
			 "run the container with another runtime: '--runtime runc', or a pod "
			 "without "
			 "runtimeClassName gvisor");
	} else if (f->tried.done && is_absent(f)) {
		judge(g, GATE_CLOSED, "this kernel has no perf_event_open");
		snprintf(g->remedy, sizeof(g->remedy), "a kernel with CONFIG_PERF_EVENTS=y");
	} else if (!reached(f)) {
		judge(g, GATE_NOT_KNOWN, "it was not reached");
	}
}

static void judge_user_ns(const struct gate_facts *f, struct gate *g)
{
	if (f->user_ns_unread) {
		set_value(g, "unknown");
		judge(g, GATE_NOT_KNOWN, "/proc/self/ns/user cannot be read");
		return;
	}
	set_value(g, "%s", f->nested_user_ns ? "nested" : "the first");
	if (!f->nested_user_ns)
		return;
	bool closed = f->paranoid > 2 && is_refusal(f->tried.own_user);
	judge(g, closed ? GATE_CLOSED : GATE_LIMITED,
	      "capabilities of a user namespace do not count for perf");
	remedy_user_ns(f, closed ? 2 : 1, g->remedy, sizeof(g->remedy));
}

static const char *size_text(rlim_t bytes, char *text, size_t cap)
{
	if (bytes == RLIM_INFINITY)
		snprintf(text, cap, "unlimited");
	else
		snprintf(text, cap, "%" PRIu64 " KiB", (uint64_t)bytes >> 10);
	return text;
}

/* Of all recorders of this user together, and of this process beyond that. UINT64_MAX: no limit. */
static uint64_t budget_bytes(const struct gate_facts *f)
{
	uint64_t shared = f->mlock_kb > 0 ? (uint64_t)f->mlock_kb * 1024 * f->n_cpus : 0;

	if (has_cap(f, GATE_CAP_IPC_LOCK) || f->memlock.rlim_cur == RLIM_INFINITY ||
	    (f->paranoid < 0 && f->paranoid != FACT_UNKNOWN))
		return UINT64_MAX;
	return shared + f->memlock.rlim_cur;
}

static uint64_t recording_bytes(const struct gate_facts *f)
{
	return (uint64_t)RECORDING_BYTES_A_CPU * f->n_cpus;
}

static void set_memlock_value(const struct gate_facts *f, struct gate *g)
{
	char limit[32], shared[48] = "perf_event_mlock_kb unknown";

	if (f->mlock_kb != FACT_UNKNOWN)
		snprintf(shared, sizeof(shared), "perf_event_mlock_kb %d on %u CPUs", f->mlock_kb,
			 f->n_cpus);
	set_value(g, "limit %s, %s%s", size_text(f->memlock.rlim_cur, limit, sizeof(limit)), shared,
		  has_cap(f, GATE_CAP_IPC_LOCK) ? ", CAP_IPC_LOCK" : "");
}

static void judge_memlock(const struct gate_facts *f, struct gate *g)
{
	uint64_t wanted = recording_bytes(f), budget = budget_bytes(f);

	if (f->limits_unread) {
		set_value(g, "unknown");
		judge(g, GATE_NOT_KNOWN, "the limit cannot be read");
		return;
	}
	set_memlock_value(f, g);
	if (budget >= wanted)
		return;
	if (f->mlock_kb == FACT_UNKNOWN && f->tried.ring_bytes) {
		judge(g, GATE_NOT_KNOWN, "no /proc/sys/kernel/perf_event_mlock_kb");
		return;
	}
	bool closed = budget < LEAST_BYTES;
	judge(g, closed ? GATE_CLOSED : GATE_LIMITED,
	      closed			       ? "not even the smallest ring" :
	      budget < LEAST_BYTES * f->n_cpus ? "the first thread only" :
						 "smaller rings, shorter stacks");
	remedy_memlock(f, wanted, g->remedy, sizeof(g->remedy));
}

/* One ring of half the budget has its place where nobody else has taken any. */
static void judge_memlock_used(const struct gate_facts *f, struct gate *g)
{
	uint64_t budget = budget_bytes(f);

	if (!f->tried.done || f->tried.own_user || f->limits_unread || is_passing(f->tried.ring)) {
		set_value(g, "unknown");
		judge(g, GATE_NOT_KNOWN, "no event to map a ring of");
		return;
	}
	set_value(g, "a ring of %zu KiB can be had", f->tried.ring_bytes >> 10);
	if (budget < LEAST_BYTES || budget == UINT64_MAX ||
	    f->tried.ring_bytes >= GATE_RING_BYTES_MAX)
		return;
	if (f->tried.ring || f->tried.ring_bytes * 2 + 8192 < budget) {
		judge(g, f->tried.ring ? GATE_CLOSED : GATE_LIMITED,
		      "other profilers of this user hold the rest");
		remedy_memlock(f, recording_bytes(f), g->remedy, sizeof(g->remedy));
	}
}

static void judge_files(const struct gate_facts *f, struct gate *g)
{
	enum { OTHERS = 16 };
	rlim_t hard = f->files.rlim_max, wanted = 2 * (rlim_t)f->n_cpus + OTHERS;

	if (f->limits_unread) {
		set_value(g, "unknown");
		judge(g, GATE_NOT_KNOWN, "the limit cannot be read");
		return;
	}
	if (hard == RLIM_INFINITY)
		set_value(g, "unlimited");
	else
		set_value(g, "%" PRIu64 " (hard %" PRIu64 ")", (uint64_t)f->files.rlim_cur,
			  (uint64_t)hard);
	remedy_files(f, g->remedy, sizeof(g->remedy));
	if (hard < wanted)
		judge(g, GATE_LIMITED, "fewer events, or only the first thread");
}

static void judge_counters(const struct gate_facts *f, struct gate *g)
{
	if (!f->tried.done || f->tried.own_user || is_passing(f->tried.cycles)) {
		set_value(g, "unknown");
		judge(g, GATE_NOT_KNOWN, "not reached");
		return;
	}
	set_value(g, "%s", f->tried.cycles ? "none" : "cycles");
	if (!f->tried.cycles)
		return;
	judge(g, GATE_LIMITED, "sCPU instead of hCPU: this machine shows no cycle counter");
	snprintf(g->remedy, sizeof(g->remedy),
		 "a virtual machine with a virtual PMU, or bare metal; sCPU needs none");
}

static void judge_tracefs(const struct gate_facts *f, struct gate *g)
{
	set_value(g, "%s",
		  !f->tracefs	       ? "readable" :
		  f->tracefs == ENOENT ? "not mounted" :
					 "not readable");
	if (!f->tracefs)
		return;
	if (f->tracefs != ENOENT && !is_refusal(f->tracefs)) {
		judge(g, GATE_NOT_KNOWN, strerror(f->tracefs));
		return;
	}
	judge(g, GATE_LIMITED, "no tracepoints by name");
	remedy_tracefs(f, g->remedy, sizeof(g->remedy));
}

/* kernel/ksyms_common.c, kallsyms_show_value() */
static bool may_see_kernel(const struct gate_facts *f)
{
	return (f->kptr_restrict <= 1 && has_cap(f, GATE_CAP_SYSLOG)) ||
	       (f->kptr_restrict == 0 && f->paranoid <= 1 && f->paranoid != FACT_UNKNOWN);
}

static void judge_kptr(const struct gate_facts *f, struct gate *g)
{
	set_number(g, f->kptr_restrict);
	if (f->kptr_restrict == FACT_UNKNOWN)
		judge(g, GATE_NOT_KNOWN, "no /proc/sys/kernel/kptr_restrict");
	else if (!may_see_kernel(f)) {
		set_value(g, "%d%s", f->kptr_restrict,
			  has_cap(f, GATE_CAP_SYSLOG) ? "" : ", no CAP_SYSLOG");
		judge(g, GATE_LIMITED, "kernel functions have no names");
		remedy_kptr(f, has_cap(f, GATE_CAP_SYSLOG), g->remedy, sizeof(g->remedy));
	}
}

/* Perf and /proc/PID/maps ask for PTRACE_MODE_READ; Yama judges PTRACE_MODE_ATTACH only. */
static void judge_yama(const struct gate_facts *f, struct gate *g)
{
	if (f->yama_unread) {
		set_value(g, "unknown");
		judge(g, GATE_NOT_KNOWN, "/proc/sys/kernel/yama/ptrace_scope cannot be read");
	} else if (f->ptrace_scope == FACT_UNKNOWN)
		set_value(g, "no Yama");
	else
		set_value(g, "%d", f->ptrace_scope);
}

static void judge_lsm(const struct gate_facts *f, struct gate *g)
{
	set_value(g, "%s", f->lsm[0] ? f->lsm : "none known");
	if (!reached(f)) {
		judge(g, GATE_NOT_KNOWN, "it was not reached");
		return;
	}
	if (!is_refusal(f->tried.own_user) || f->paranoid > 2 || f->paranoid == FACT_UNKNOWN)
		return;
	judge(g, GATE_CLOSED, "the kernel refuses perf though its own settings allow it");
	snprintf(g->remedy, sizeof(g->remedy), "%s",
		 !strcmp(f->lsm, "selinux") ?
			 "'ausearch -m avc -c ddprof-record' shows the rule; allow class "
			 "perf_event" :
			 "a policy that allows perf_event_open; see the kernel's log");
}

void gates_judge(const struct gate_facts *f, struct gates *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->place = f->place;
	remedy_others(f, ret->others, sizeof(ret->others));
	ret->place_unsure = f->place_unread;
	judge_paranoid(f, &ret->gate[GATE_PARANOID]);
	judge_capability(f, &ret->gate[GATE_CAPABILITY]);
	judge_seccomp(f, &ret->gate[GATE_SECCOMP]);
	judge_syscall(f, &ret->gate[GATE_SYSCALL]);
	judge_user_ns(f, &ret->gate[GATE_USER_NS]);
	judge_memlock(f, &ret->gate[GATE_MEMLOCK]);
	judge_memlock_used(f, &ret->gate[GATE_MEMLOCK_USED]);
	judge_files(f, &ret->gate[GATE_FILES]);
	judge_counters(f, &ret->gate[GATE_COUNTERS]);
	judge_tracefs(f, &ret->gate[GATE_TRACEFS]);
	judge_kptr(f, &ret->gate[GATE_KPTR]);
	judge_yama(f, &ret->gate[GATE_YAMA]);
	judge_lsm(f, &ret->gate[GATE_LSM]);
}

void gates_look(struct gates *ret)
{
	struct gate_facts facts;

	facts_read(&facts);
	gates_judge(&facts, ret);
}
