/*
 * From what is nearest to the caller to what is deepest: a call that a filter answered says nothing
 * of the kernel's settings, and settings are asked before a security module's word is.
 */
#include "record/gate/gate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/bits.h"

/* The level of perf_event_paranoid from which on this is refused; 3 where it is a patch's. */
static int refusing_level(const struct gate_refusal *r)
{
	if (r->tracepoint)
		return 0;
	if (r->system)
		return 1;
	return r->kernel ? 2 : 3;
}

static bool is_closed(const struct gates *g, enum gate_id id)
{
	return g->gate[id].verdict == GATE_CLOSED;
}

static bool paranoid_refuses(const struct gates *g, const struct gate_refusal *r)
{
	int level;

	return g->gate[GATE_PARANOID].verdict != GATE_OPEN &&
	       sscanf(g->gate[GATE_PARANOID].value, "%d", &level) == 1 &&
	       level >= refusing_level(r);
}

static enum gate_id judge_rights(const struct gates *g, const struct gate_refusal *r)
{
	if (is_closed(g, GATE_SECCOMP))
		return GATE_SECCOMP;
	if (is_closed(g, GATE_SYSCALL))
		return GATE_SYSCALL;
	if (is_closed(g, GATE_LSM))
		return GATE_LSM;
	if (paranoid_refuses(g, r))
		return g->gate[GATE_USER_NS].verdict == GATE_OPEN ? GATE_PARANOID : GATE_USER_NS;
	if ((r->others || r->privileged) && g->gate[GATE_CAPABILITY].verdict != GATE_OPEN)
		return GATE_CAPABILITY;
	return GATES;
}

static enum gate_id judge_open(const struct gates *g, const struct gate_refusal *r)
{
	switch (r->code) {
	case EMFILE:
	case ENFILE:
		return GATE_FILES;
	case EPERM:
	case EACCES:
		return judge_rights(g, r);
	case ENOSYS:
		return is_closed(g, GATE_SECCOMP) ? GATE_SECCOMP : GATE_SYSCALL;
	case ENOENT:
	case ENODEV:
	case EOPNOTSUPP:
		if (is_closed(g, GATE_SYSCALL))
			return GATE_SYSCALL;
		return r->hardware ? GATE_COUNTERS : r->tracepoint ? GATE_TRACEFS : GATES;
	default:
		return GATES;
	}
}

static enum gate_id judge_map(const struct gates *g, const struct gate_refusal *r)
{
	if (r->code == EMFILE || r->code == ENFILE)
		return GATE_FILES;
	if (r->code != EPERM)
		return GATES;
	if (is_closed(g, GATE_MEMLOCK))
		return GATE_MEMLOCK;
	return g->gate[GATE_MEMLOCK_USED].verdict == GATE_CLOSED ||
			       g->gate[GATE_MEMLOCK_USED].verdict == GATE_LIMITED ?
		       GATE_MEMLOCK_USED :
		       GATE_MEMLOCK;
}

static const char *cause_text(enum gate_id id, const struct gate_refusal *r)
{
	static const char *const cause[GATES] = {
		[GATE_SECCOMP] = "a filter stands before perf_event_open",
		[GATE_SYSCALL] = "there is no perf_event_open",
		[GATE_USER_NS] = "capabilities of a user namespace do not count for perf",
		[GATE_MEMLOCK] = "rings are locked memory, and no more is allowed",
		[GATE_MEMLOCK_USED] = "other profilers of this user have the locked memory",
		[GATE_FILES] = "more files are needed than this process may open",
		[GATE_COUNTERS] = "this machine shows no such counter",
		[GATE_TRACEFS] = "this kernel has no such tracepoint",
		[GATE_LSM] = "a security module refuses it",
	};

	if (cause[id])
		return cause[id];
	if (r->tracepoint)
		return "the kernel does not let this user sample tracepoints";
	if (r->system)
		return "the kernel does not let this user sample the whole system";
	if (r->privileged)
		return "the kernel does not let a program be sampled by its user that is setuid, "
		       "setgid, has file capabilities or is not readable";
	if (r->others)
		return "the kernel does not let this user sample another user's process";
	if (r->kernel)
		return "the kernel does not let this user sample the kernel";
	return "the kernel does not let this user sample anything";
}

/* remedy_paranoid's "...paranoid=N" of the general case, with the level that this needs */
static void put_remedy(const struct gate *gate, enum gate_id id, const struct gate_refusal *r,
		       char *text, size_t cap)
{
	static const char key[] = "kernel.perf_event_paranoid=";
	const char *at = strstr(gate->remedy, key);

	if (!gate->remedy[0])
		return;
	if (!at || (id != GATE_PARANOID && id != GATE_USER_NS)) {
		snprintf(text, cap, ": %s", gate->remedy);
		return;
	}
	at += sizeof(key) - 1;
	const char *rest = at + strspn(at, "-0123456789");
	snprintf(text, cap, ": %.*s%d%s", (int)(at - gate->remedy), gate->remedy,
		 refusing_level(r) - 1, rest);
}

static void put_values(const struct gates *g, enum gate_id id, const struct gate_refusal *r,
		       char *text, size_t cap)
{
	const struct gate *gate = &g->gate[id];

	switch (id) {
	case GATE_PARANOID:
	case GATE_USER_NS:
		snprintf(text, cap, "kernel.perf_event_paranoid is %s, no CAP_PERFMON%s",
			 g->gate[GATE_PARANOID].value,
			 id == GATE_USER_NS ? " of the first user namespace" : "");
		break;
	case GATE_MEMLOCK:
	case GATE_MEMLOCK_USED:
		snprintf(text, cap, "a ring of %zu KiB refused; %s", r->bytes >> 10,
			 g->gate[GATE_MEMLOCK].value);
		break;
	case GATE_SECCOMP:
		snprintf(text, cap, "seccomp: %s", gate->value);
		break;
	default:
		snprintf(text, cap, "%s: %s", gate_name(id), gate->value);
	}
}

enum gate_id gates_explain(const struct gates *g, const struct gate_refusal *refusal, char *text,
			   size_t cap)
{
	enum gate_id id = GATES;
	char values[192], remedy[360] = "";

	if (refusal->step == GATE_STEP_OPEN)
		id = judge_open(g, refusal);
	else if (refusal->step == GATE_STEP_MAP)
		id = judge_map(g, refusal);
	else if (refusal->code == EPERM || refusal->code == EACCES)
		id = judge_rights(g, refusal);
	if (!text)
		return id;
	if (id == GATES) {
		snprintf(text, cap, "%s",
			 refusal->code == ENOMEM ?
				 "the kernel has no memory for it" :
			 refusal->code == EINVAL ?
				 "this kernel does not know it" :
				 "no reason could be found; 'ddprof-record doctor' "
				 "shows what is allowed here");
		return id;
	}
	put_values(g, id, refusal, values, sizeof(values));
	if (id == GATE_CAPABILITY && refusal->others)
		snprintf(remedy, sizeof(remedy), ": %s", g->others);
	else
		put_remedy(&g->gate[id], id, refusal, remedy, sizeof(remedy));
	snprintf(text, cap, "%s (%s)%s", cause_text(id, refusal), values, remedy);
	return id;
}
