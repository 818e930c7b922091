/*
 * The smallest change first. In a container the kernel's settings are the host's, so flags of the
 * container come first there; file capabilities do not count where no_new_privs is set.
 */
#include "record/gate/remedy.h"

#include <stdio.h>
#include <string.h>

enum { SETCAP_TEXT_BYTES = 192 };

static bool in_container(const struct gate_facts *f)
{
	return f->place == GATE_DOCKER || f->place == GATE_PODMAN || f->place == GATE_KUBERNETES;
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
	case GATE_SYSTEMD:
		snprintf(text, cap, "'AmbientCapabilities=CAP_%s' in the unit", name);
		break;
	case GATE_HOST:
	default:
		snprintf(text, cap, "run as root%s", setcap_text(f, setcap, sizeof(setcap)));
	}
}

void remedy_seccomp(const struct gate_facts *f, char *text, size_t cap)
{
	const char *name = perf_capability(f);

	switch (f->place) {
	case GATE_DOCKER:
	case GATE_PODMAN:
		snprintf(
			text, cap,
			"run the container with '--cap-add %s' (the usual profile then allows it), "
			"or "
			"'--security-opt seccomp=FILE' with perf_event_open in FILE's list",
			name);
		break;
	case GATE_KUBERNETES:
		snprintf(
			text, cap,
			"'securityContext: {capabilities: {add: [%s]}}' in the pod's container "
			"(the "
			"usual profile then allows it), or a seccompProfile of type Localhost with "
			"perf_event_open",
			name);
		break;
	case GATE_SYSTEMD:
		snprintf(text, cap, "'SystemCallFilter=perf_event_open' in the unit");
		break;
	case GATE_HOST:
	default:
		snprintf(text, cap, "start from a program whose filter allows perf_event_open");
	}
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
		snprintf(text, cap,
			 "run the container with '--ulimit memlock=%zu' or '--cap-add IPC_LOCK'",
			 kb << 10);
		break;
	case GATE_KUBERNETES:
		snprintf(text, cap,
			 "'securityContext: {capabilities: {add: [IPC_LOCK]}}' in the pod's "
			 "container, "
			 "or on the node 'sysctl kernel.perf_event_mlock_kb=%zu'",
			 kb);
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
	case GATE_SYSTEMD:
		snprintf(text, cap, "'LimitNOFILE=1024' in the unit");
		break;
	case GATE_KUBERNETES:
	case GATE_HOST:
	default:
		snprintf(text, cap, "'ulimit -n 1024'");
	}
}
