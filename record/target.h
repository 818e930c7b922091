/* Whom to record: a command that waits at its start, or processes that run already. */
#ifndef RECORD_TARGET_H
#define RECORD_TARGET_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct err;
struct user;

enum { TARGET_PIDS_MAX = 256 };

enum { EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127 };

struct target {
	pid_t command; /* 0: attached, or the whole system */
	int go_fd;     /* writing end: a byte lets the command go; -1: gone already */
	int exec_fd;   /* reading end: errno of a failed exec, or its end */
	int status;    /* of waitpid, once `ended` */
	bool ended;
	pid_t pid[TARGET_PIDS_MAX];
	int pidfd[TARGET_PIDS_MAX]; /* -1: not supported or gone */
	size_t n_pids;
};

/* 0, 127 (not found) or 126 (may not be executed) as a shell says it; err has the reason. */
int target_check_command(const char *name, struct err *err);

/*
 * Forks; the child waits for target_release, becomes `user` unless NULL, and then execs argv with
 * `mask` as its signal mask. `stdout_is_taken`: the recording goes there, so the command writes to
 * standard error.
 */
int target_fork(struct target *t, char **argv, const struct user *user, bool stdout_is_taken,
		const sigset_t *mask, struct err *err);
/* Before an exec: standard output is the recording's, COMMAND writes to standard error. */
void target_leave_stdout(void);

void target_release(struct target *t);
/*
 * After the release: waits until exec happened. 0, the errno of its failure, or a negative errno
 * when the child could not become the user.
 */
int target_exec_result(struct target *t);
/* Reaps without waiting; true: the command has ended. */
bool target_reap(struct target *t);
void target_wait(struct target *t);
/* As a shell's $?. */
int target_exit_status(const struct target *t);

/* Processes of "PID,PID"; each must exist. */
int target_attach(struct target *t, const pid_t *pids, size_t n, struct err *err);
/* Whether all attached processes have ended. */
bool target_all_gone(const struct target *t);
size_t target_n_gone(const struct target *t);
/* Threads of a process: *ret_tids is to be freed. */
int target_threads(pid_t pid, pid_t **ret_tids, size_t *ret_n, struct err *err);

void target_done(struct target *t);

#endif
