/* /proc/PID in numbers: what its stat, status and maps say. Private to the room. */
#ifndef RECORD_DOCTOR_STATUS_H
#define RECORD_DOCTOR_STATUS_H

#include <stdbool.h>
#include <sys/types.h>

struct err;

struct status {
	char name[64]; /* cleaned */
	char state;    /* 'R', 'S', 'D', 'Z', 'T', ... */
	bool kernel_thread;
	pid_t tgid; /* the process that it belongs to: itself unless it is a thread */
	unsigned int uid;
	int seccomp; /* 0, 1 strict, 2 filter; -1 not known */
	int n_threads;
	int ns_depth;	  /* pid namespaces it has a number in, 1: ours alone */
	bool other_ns[3]; /* mnt, pid, user: not ours */
	int ns_code;	  /* errno: whose one of them is, is not known; 0: they are known */
};

/* -ESRCH: there is no such process; -ENOENT: no /proc; others: what there is cannot be read. */
int status_read(pid_t pid, struct status *ret, struct err *err);

/* Texts of the two files; false: not understood. Zero-terminated. */
bool status_parse_stat(const char *text, struct status *ret);
void status_parse_status(const char *text, struct status *ret);

#endif
