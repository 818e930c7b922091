/*
 * Processes with known shares. Arguments:
 *	chain MS	parent_work 1 part; a fork's child_work 2 parts; that child execs this
 *			program again for exec_work, 3 parts
 *	brief N MS	N children one after the other, each MS of brief_work
 *	vfork N MS	the same, with vfork and exec
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "truth.h"

#define WORK(name)                                                                             \
	NOINLINE static uint64_t name##_work(uint64_t ns)                                      \
	{                                                                                      \
		return truth_burn(ns);                                                         \
	}

WORK(parent)
WORK(child)
WORK(exec)
WORK(brief)

static char *self;

static void run_again(const char *what, const char *ms)
{
	execl("/proc/self/exe", self, what, "1", ms, (char *)NULL);
	_exit(127);
}

static int wait_for(pid_t pid)
{
	int status;

	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0 ? 0 : 1;
}

static int chain(uint64_t ns, const char *ms)
{
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		truth_sink += child_work(2 * ns);
		run_again("execed", ms);
	}
	truth_sink += parent_work(ns);
	printf("share parent_work 0.1667\nshare child_work 0.3333\nshare exec_work 0.5000\n");
	return wait_for(pid);
}

static int brief(int n, uint64_t ns)
{
	int failed = 0;

	for (int i = 0; i < n; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			truth_sink += brief_work(ns);
			_exit(0);
		}
		failed += wait_for(pid);
	}
	printf("processes brief %d\n", n);
	return failed;
}

/* a function of its own: nothing of the loop lives in registers that the child could change */
NOINLINE static int vfork_one(const char *ms)
{
	pid_t pid = vfork();

	if (pid == 0)
		run_again("leaf", ms);
	return wait_for(pid);
}

static int by_vfork(int n, const char *ms)
{
	int failed = 0;

	for (int i = 0; i < n; i++)
		failed += vfork_one(ms);
	printf("processes leaf %d\n", n);
	return failed;
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	self = argv[0];
	const char *ms = argc > 3 ? argv[3] : argv[2];
	uint64_t ns = strtoull(ms, NULL, 10) * MS_NS;

	if (strcmp(argv[1], "chain") == 0)
		return chain(ns, ms);
	if (strcmp(argv[1], "brief") == 0)
		return brief(atoi(argv[2]), ns);
	if (strcmp(argv[1], "vfork") == 0)
		return by_vfork(atoi(argv[2]), ms);
	if (strcmp(argv[1], "execed") == 0)
		truth_sink += exec_work(3 * ns);
	if (strcmp(argv[1], "leaf") == 0)
		truth_sink += brief_work(ns);
	return 0;
}
