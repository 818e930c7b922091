/*
 * What stands between a user and a recording: each gate with its value, what it means for a
 * recording, and the smallest thing that opens it where this runs (sysctl, setcap, docker or podman
 * flag, Kubernetes securityContext, systemd unit line). Gates are read and probed, never guessed;
 * whoever was refused asks which gate it was. Opens nothing that stays open. Door of the room.
 */
#ifndef RECORD_GATE_H
#define RECORD_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum gate_id {
	GATE_PARANOID,	   /* kernel.perf_event_paranoid */
	GATE_CAPABILITY,   /* CAP_PERFMON, or CAP_SYS_ADMIN; in the first user namespace only */
	GATE_SECCOMP,	   /* a filter refuses perf_event_open, or kills who calls it */
	GATE_SYSCALL,	   /* the kernel has no perf_event_open (gVisor, CONFIG_PERF_EVENTS=n) */
	GATE_USER_NS,	   /* capabilities of a user namespace do not count for perf */
	GATE_MEMLOCK,	   /* RLIMIT_MEMLOCK, CAP_IPC_LOCK, kernel.perf_event_mlock_kb */
	GATE_MEMLOCK_USED, /* the same, already spent by this user's other profilers */
	GATE_FILES,	   /* RLIMIT_NOFILE */
	GATE_COUNTERS,	   /* no hardware counters (virtual machine) */
	GATE_TRACEFS,	   /* not mounted, or not readable: tracepoints by name */
	GATE_KPTR,	   /* kernel.kptr_restrict: names of kernel functions */
	GATE_YAMA,	   /* kernel.yama.ptrace_scope: other processes' maps and files */
	GATE_LSM,	   /* SELinux or another security module refuses perf */
	GATES
};

enum gate_verdict { GATE_OPEN, GATE_LIMITED, GATE_CLOSED, GATE_NOT_KNOWN };

struct gate {
	enum gate_verdict verdict;
	char value[96];	  /* "2", "0x20 of 0x1ffffffffff", "64 KiB" */
	char means[160];  /* "user code of own processes only"; "" when open */
	char remedy[320]; /* one line; "" when none is known; to be shown unless open */
};

enum gate_place { GATE_HOST, GATE_DOCKER, GATE_PODMAN, GATE_KUBERNETES, GATE_SYSTEMD, GATE_NSPAWN };

struct gates {
	struct gate gate[GATES];
	char others[320]; /* what opens GATE_CAPABILITY for processes of other users */
	enum gate_place place;
	bool place_unsure; /* some of its signs could not be looked at */
};

const char *gate_name(enum gate_id id); /* "perf_event_paranoid", "seccomp", ... */
const char *gate_verdict_text(enum gate_verdict verdict);
const char *gate_place_text(enum gate_place place);

/*
 * Reads and probes all gates: files of /proc and /sys, and perf_event_open in a child of its own
 * (it may be killed for it). Some 5 ms. Works without /proc: what cannot be known says so.
 */
void gates_look(struct gates *ret);

/*
 * Whether perf_event_open can be called at all: a filter may end who calls it, or never answer.
 * Tried in a child. 0: it comes back, whatever it says; GATE_SILENT: it does not; otherwise the
 * signal that ended the child.
 */
enum { GATE_SILENT = -1 };
int gate_call_ends(void);

enum gate_step { GATE_STEP_OPEN, GATE_STEP_MAP, GATE_STEP_FINALIZE };

/* Something that was asked for and refused. */
struct gate_refusal {
	enum gate_step step;
	int code;    /* errno */
	bool kernel; /* the kernel's side was wanted */
	bool system; /* the whole system */
	bool others; /* a process of another user */
	/* one of this user, of a program that has more rights or that they may not read */
	bool privileged;
	bool tracepoint, hardware;
	size_t bytes; /* GATE_STEP_MAP: of the ring */
};

/*
 * Which gate it was: the one whose remedy would have let this pass. GATES: none of them.
 * text (if any): "cause (current values): remedy", one line.
 */
enum gate_id gates_explain(const struct gates *g, const struct gate_refusal *refusal, char *text,
			   size_t cap);

#endif
