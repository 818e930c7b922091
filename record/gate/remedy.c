/*
 * The smallest change first. In a container the kernel's settings are the host's, so flags of the
 * container come first there; file capabilities do not count where no_new_privs is set.
 */
#include "record/gate/remedy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { SETCAP_TEXT_BYTES = 192 };

static bool in_container(const struct gate_facts *f)
{
	return f->place == GATE_DOCKER || f->place == GATE_PODMAN || f->place == GATE_KUBERNETES ||
	       f->place == GATE_NSPAWN;
}

/* CAP_PERFMON is there since Linux 5.8. */
static const char *perf_capability(const struct gate_facts *f)
{
	unsigned int major, minor;

	if (sscanf(f->release, "%u.%u", &major, &minor) == 2 &&
	    (major < 5 || (major == 5 && minor < 8)))
		return "SYS_ADMIN";
	return "PERFMON";
}

/*
 * " or 'setcap ...'", or "" where that would not count. Both capabilities at once, since a second
 * setcap takes away what the first one gave.
 */
static const char *setcap_text(const struct gate_facts *f, char *text, size_t cap)
{
	bool known = f->program[0] && strlen(f->program) < 100;

	snprintf(text, cap, " or 'setcap cap_%s,cap_ipc_lock=ep %s'",
		 perf_capability(f)[0] == 'S' ? "sys_admin" : "perfmon",
		 known ? f->program : "ddprof-record");
	return f->no_new_privs || f->nested_user_ns ? "" : text;
}

void remedy_paranoid(const struct gate_facts *f, int paranoid, char *text, size_t cap)
{
	const char *name = perf_capability(f);
	char setcap[SETCAP_TEXT_BYTES];

	if (f->nested_user_ns) {
		remedy_user_ns(f, paranoid, text, cap);
		return;
	}
	switch (f->place) {
	case GATE_DOCKER:
	case GATE_PODMAN:
		snprintf(text, cap,
			 "run the container with '--cap-add %s', or on the host "
			 "'sysctl kernel.perf_event_paranoid=%d'",
			 name, paranoid);
		break;
	case GATE_KUBERNETES:
		snprintf(text, cap,
			 "'securityContext: {capabilities: {add: [%s]}}' in the pod's container, "
			 "or on the node 'sysctl kernel.perf_event_paranoid=%d'",
			 name, paranoid);
		break;
	case GATE_NSPAWN:
		snprintf(text, cap,
			 "start the container with '--capability=CAP_%s', or on the host "
			 "'sysctl kernel.perf_event_paranoid=%d'",
			 name, paranoid);
		break;
	case GATE_SYSTEMD:
		snprintf(text, cap,
			 "'AmbientCapabilities=CAP_%s' in the unit, or "
			 "'sysctl kernel.perf_event_paranoid=%d'",
			 name, paranoid);
		break;
	case GATE_HOST:
	default:
		snprintf(text, cap, "'sysctl kernel.perf_event_paranoid=%d'%s", paranoid,
			 setcap_text(f, setcap, sizeof(setcap)));
	}
}

void remedy_capability(const struct gate_facts *f, char *text, size_t cap)
{
	const char *name = perf_capability(f);
	char setcap[SETCAP_TEXT_BYTES];

	switch (f->place) {
	case GATE_DOCKER:
	case GATE_PODMAN:
		snprintf(text, cap, "run the container with '--cap-add %s'", name);
		break;
	case GATE_KUBERNETES:
		snprintf(text, cap,
			 "'securityContext: {capabilities: {add: [%s]}}' in the pod's container",
			 name);
		break;
	case GATE_NSPAWN:
		snprintf(text, cap, "start the container with '--capability=CAP_%s'", name);
		break;
	case GATE_SYSTEMD:
		snprintf(text, cap, "'AmbientCapabilities=CAP_%s' in the unit", name);
		break;
	case GATE_HOST:
	default:
		snprintf(text, cap, "run as root%s", setcap_text(f, setcap, sizeof(setcap)));
	}
}

/* One capability beside those that a recorder mostly has, by the words of the place. */
static void remedy_one(const struct gate_facts *f, const char *name, const char *lower, char *text,
		       size_t cap)
{
	switch (f->place) {
	case GATE_DOCKER:
	case GATE_PODMAN:
		snprintf(text, cap, "run the container with '--cap-add %s'", name);
		break;
	case GATE_KUBERNETES:
		snprintf(text, cap,
			 "'securityContext: {capabilities: {add: [%s]}}' in the pod's container",
			 name);
		break;
	case GATE_NSPAWN:
		snprintf(text, cap, "start the container with '--capability=CAP_%s'", name);
		break;
	case GATE_SYSTEMD:
		snprintf(text, cap, "'AmbientCapabilities=CAP_%s' in the unit", name);
		break;
	case GATE_HOST:
	default:
		snprintf(text, cap, "run as root");
		if (!f->no_new_privs && !f->nested_user_ns && f->program[0] &&
		    strlen(f->program) < 100)
			snprintf(text, cap,
				 "run as root or 'setcap cap_%s,cap_%s,cap_ipc_lock=ep %s'", lower,
				 perf_capability(f)[0] == 'S' ? "sys_admin" : "perfmon",
				 f->program);
	}
}

void remedy_others(const struct gate_facts *f, char *text, size_t cap)
{
	remedy_one(f, "SYS_PTRACE", "sys_ptrace", text, cap);
}

void remedy_kptr(const struct gate_facts *f, bool has_syslog, char *text, size_t cap)
{
	if (has_syslog)
		snprintf(text, cap, "on the host 'sysctl kernel.kptr_restrict=1'");
	else if (f->nested_user_ns || f->kptr_restrict > 1)
		snprintf(
			text, cap,
			"on the host 'sysctl kernel.kptr_restrict=0 kernel.perf_event_paranoid=1'");
	else
		remedy_one(f, "SYSLOG", "syslog", text, cap);
}

static bool has(const struct gate_facts *f, enum gate_capability cap)
{
	return f->caps_known && f->caps >> cap & 1;
}

/*
 * The capability that opens the usual profile. Docker's asks for CAP_PERFMON since 23, containerd's
 * since 1.7; Podman's and CRI-O's for CAP_SYS_ADMIN, then for a while for both, since the end of
 * 2025 for either. Which profile it is cannot be seen from inside. "": both are there already.
 */
static const char *profile_capability(const struct gate_facts *f)
{
	if (!has(f, GATE_CAP_PERFMON) && perf_capability(f)[0] == 'P')
		return "PERFMON";
	return has(f, GATE_CAP_SYS_ADMIN) ? "" : "SYS_ADMIN";
}

static const char *profile_flags(const struct gate_facts *f)
{
	const char *name = profile_capability(f);

	if (!*name)
		return "";
	if (*name == 'S')
		return ", or '--cap-add SYS_ADMIN'";
	return f->place == GATE_PODMAN ? ", or '--cap-add PERFMON --cap-add SYS_ADMIN'" :
					 ", or '--cap-add PERFMON' (since Docker 23)";
}

/* Of a pod: the capability if one can help, or a profile that lies on the node. */
static void remedy_seccomp_pod(const struct gate_facts *f, char *text, size_t cap)
{
	const char *name = profile_capability(f);
	char add[160] = "";

	if (*name)
		snprintf(add, sizeof(add),
			 "'securityContext: {capabilities: {add: [%s]}}' in the pod's container"
			 "%s, or ",
			 name, *name == 'P' ? " (containerd 1.7 and later)" : "");
	snprintf(text, cap,
		 "%s'securityContext: {seccompProfile: {type: Localhost, localhostProfile: FILE}}' "
		 "where FILE allows perf_event_open",
		 add);
}

void remedy_seccomp(const struct gate_facts *f, char *text, size_t cap)
{
	switch (f->place) {
	case GATE_DOCKER:
	case GATE_PODMAN:
		snprintf(text, cap,
			 "run the container with '--security-opt seccomp=FILE' where FILE allows "
			 "perf_event_open (ddprof(7) shows how), or '--security-opt "
			 "seccomp=unconfined'%s",
			 profile_flags(f));
		break;
	case GATE_KUBERNETES:
		remedy_seccomp_pod(f, text, cap);
		break;
	case GATE_NSPAWN:
		snprintf(text, cap,
			 "start the container with '--system-call-filter=perf_event_open'");
		break;
	case GATE_SYSTEMD:
		snprintf(text, cap, "'SystemCallFilter=perf_event_open' in the unit");
		break;
	case GATE_HOST:
	default:
		snprintf(text, cap, "start from a program whose filter allows perf_event_open");
	}
}

void remedy_tracefs(const struct gate_facts *f, char *text, size_t cap)
{
	if (f->nested_user_ns && in_container(f))
		snprintf(text, cap, "a container that is not rootless");
	else if (f->place == GATE_KUBERNETES)
		snprintf(text, cap, "a hostPath volume of /sys/kernel/tracing in the pod");
	else if (f->place == GATE_NSPAWN)
		snprintf(text, cap, "start the container with '--bind=/sys/kernel/tracing'");
	else if (in_container(f))
		snprintf(text, cap,
			 "run the container with '-v /sys/kernel/tracing:/sys/kernel/tracing'");
	else
		snprintf(text, cap, "%s",
			 f->tracefs == ENOENT ?
				 "'mount -t tracefs tracefs /sys/kernel/tracing'" :
				 "run as root, or 'mount -o remount,mode=755 /sys/kernel/tracing'");
}

void remedy_user_ns(const struct gate_facts *f, int paranoid, char *text, size_t cap)
{
	snprintf(text, cap, "on the host 'sysctl kernel.perf_event_paranoid=%d'%s", paranoid,
		 in_container(f) ? ", or a container that is not rootless" : "");
}

void remedy_memlock(const struct gate_facts *f, size_t bytes, char *text, size_t cap)
{
	size_t kb = bytes >> 10;
	char setcap[SETCAP_TEXT_BYTES];

	switch (f->place) {
	case GATE_DOCKER:
	case GATE_PODMAN:
		snprintf(text, cap, "run the container with '--ulimit memlock=%zu'%s", kb << 10,
			 f->nested_user_ns ? " (not above the user's own limit on the host)" :
					     " or '--cap-add IPC_LOCK'");
		break;
	case GATE_KUBERNETES:
		snprintf(text, cap,
			 "'securityContext: {capabilities: {add: [IPC_LOCK]}}' in the pod's "
			 "container, "
			 "or on the node 'sysctl kernel.perf_event_mlock_kb=%zu'",
			 kb);
		break;
	case GATE_NSPAWN:
		snprintf(text, cap, "start the container with '--rlimit=MEMLOCK=%zu'", kb << 10);
		break;
	case GATE_SYSTEMD:
		snprintf(text, cap, "'LimitMEMLOCK=%zuK' in the unit", kb);
		break;
	case GATE_HOST:
	default:
		snprintf(text, cap, "'ulimit -l %zu' or 'sysctl kernel.perf_event_mlock_kb=%zu'%s",
			 kb, kb / (f->n_cpus ? f->n_cpus : 1) + 4,
			 setcap_text(f, setcap, sizeof(setcap)));
	}
}

void remedy_files(const struct gate_facts *f, char *text, size_t cap)
{
	switch (f->place) {
	case GATE_DOCKER:
	case GATE_PODMAN:
		snprintf(text, cap, "run the container with '--ulimit nofile=1024'");
		break;
	case GATE_NSPAWN:
		snprintf(text, cap, "start the container with '--rlimit=NOFILE=1024'");
		break;
	case GATE_SYSTEMD:
		snprintf(text, cap, "'LimitNOFILE=1024' in the unit");
		break;
	case GATE_KUBERNETES:
	case GATE_HOST:
	default:
		snprintf(text, cap, "'ulimit -n 1024'");
	}
}
