/*
 * deny ERRNO|kill|silent|silent:openat2 COMMAND...: runs it with perf_event_open refused by a
 * seccomp filter, or with a call that waits for a supervisor which never answers.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static uint32_t action_of(const char *how)
{
	if (!strcmp(how, "kill"))
		return SECCOMP_RET_KILL_PROCESS;
	if (!strncmp(how, "silent", 6))
		return SECCOMP_RET_USER_NOTIF;
	return SECCOMP_RET_ERRNO | (uint32_t)atoi(how);
}

static void put_filter(const char *how)
{
	uint32_t action = action_of(how);
	uint32_t call = strstr(how, ":openat2") ? SYS_openat2 : SYS_perf_event_open;
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { .len = sizeof(code) / sizeof(code[0]), .filter = code };
	unsigned int listen =
		action == SECCOMP_RET_USER_NOTIF ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, listen, &filter) < 0) {
		perror("seccomp");
		_exit(77);
	}
}

/* Shares its descriptors until it runs COMMAND, so the listener stays with the parent alone. */
static int run_silent(char **argv)
{
	int status;
	pid_t child = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);

	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		put_filter(argv[1]);
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return 77;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	if (!strncmp(argv[1], "silent", 6))
		return run_silent(argv);
	put_filter(argv[1]);
	execvp(argv[2], argv + 2);
	return 127;
}
