/*
 * What is known of this process and its kernel: read from /proc and /sys, tried in a child. No
 * judgment here; that is gate.c's. Private to the room.
 */
#ifndef RECORD_GATE_FACTS_H
#define RECORD_GATE_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include "record/gate/gate.h"

enum { FACT_UNKNOWN = -1000 };

enum {
	GATE_RING_BYTES_MIN = 8 * 4096,
	GATE_RING_BYTES_MAX = 4 << 20,
};

/* Of linux/capability.h, which not every libc's headers come with. */
enum gate_capability {
	GATE_CAP_IPC_LOCK = 14,
	GATE_CAP_SYS_PTRACE = 19,
	GATE_CAP_SYS_ADMIN = 21,
	GATE_CAP_SYSLOG = 34,
	GATE_CAP_PERFMON = 38,
};

/* Results of system calls in the child: 0 or errno. */
struct gate_attempts {
	bool done;  /* the child came to the end */
	/* that ended it while it called perf_event_open; 0: none; GATE_SILENT: it hung */
	int signal;
	/*
	 * With flags that do not exist. The kernel says EINVAL before it asks who calls, so
	 * anything else comes from a filter, or from a kernel that has no such call.
	 */
	int reach;
	int own_user, own_kernel; /* of its own process */
	int system;		  /* everything on one CPU */
	int cycles;
	int ring;	   /* mapping the smallest */
	size_t ring_bytes; /* the largest of some sizes that could be mapped */
};

struct gate_facts {
	unsigned int uid;
	char release[80];
	char program[256]; /* path, for setcap; "" unknown */
	int paranoid, mlock_kb, kptr_restrict, ptrace_scope;
	bool caps_known;
	uint64_t caps; /* effective */
	int seccomp;   /* mode of /proc/self/status, or FACT_UNKNOWN */
	bool no_new_privs, traced;
	bool nested_user_ns;
	/* What is above and below says nothing: it could not be asked for. */
	bool user_ns_unread, limits_unread, yama_unread, place_unread;
	bool gvisor;
	struct rlimit memlock, files;
	unsigned int n_cpus;
	int tracefs;  /* 0: readable; errno */
	char lsm[64]; /* "selinux", "apparmor", ...; "" none or unknown */
	enum gate_place place;
	struct gate_attempts tried;
};

void facts_read(struct gate_facts *ret);

/* Lines of /proc/self/status; what is not there stays. */
void facts_parse_status(const char *text, struct gate_facts *ret);

/* "user:[4026531837]" is the first user namespace, any other number is a nested one. */
bool facts_is_nested(const char *link);

/* In a child, which may be killed for it. ret->done false: no child could be made. */
void attempts_make(struct gate_attempts *ret);

/* Files whose presence and words tell where a process runs; NULL or "": absent. */
struct place_signs {
	const char *cgroup, *init_cgroup; /* /proc/self/cgroup, /proc/1/cgroup */
	const char *mountinfo;
	const char *container; /* variable `container` */
	bool dockerenv, containerenv, kubernetes, invocation;
};
enum gate_place place_judge(const struct place_signs *signs);
/* ret_unread: some of it could not be looked at. */
enum gate_place place_look(bool *ret_unread);

/* Verdicts, values and remedies of all gates. */
void gates_judge(const struct gate_facts *facts, struct gates *ret);

#endif
