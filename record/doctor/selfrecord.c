/* A recording of ourselves, as anybody would start it, with its messages kept. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/auto.h"
#include "common/base/buf.h"
#include "common/base/io.h"
#include "record/doctor/collect.h"
#include "record/doctor/mask.h"

enum { LOG_BYTES_MAX = 256 << 10, DEADLINE_S = 20 };

static pid_t fork_busy(void)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(DEADLINE_S); /* should our parent have died before that */
	for (volatile unsigned long n = 0;; n++)
		;
}

static void become_recorder(pid_t target, int log)
{
	char pid[16];
	int sink = open("/dev/null", O_WRONLY | O_CLOEXEC);

	snprintf(pid, sizeof(pid), "%d", (int)target);
	if (sink >= 0)
		dup2(sink, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	alarm(DEADLINE_S);
	execl("/proc/self/exe", "ddprof-record", "-l", "debug", "-o", "-", "--duration=1", "-p",
	      pid, (char *)NULL);
	dprintf(STDERR_FILENO, "cannot execute /proc/self/exe: %s\n", strerror(errno));
	_exit(1);
}

static void put_log(int fd, struct buf *out)
{
	AUTO_FREE char *text = mem_alloc(LOG_BYTES_MAX);
	ssize_t n = io_pread(fd, text, LOG_BYTES_MAX, 0);

	if (n < 0)
		buf_printf(out, "the log cannot be read: %s\n", strerror((int)-n));
	else
		mask_log(text, (size_t)n, out);
}

void collect_log(struct buf *out)
{
	AUTO_CLOSE int log = memfd_create("ddprof-doctor-log", MFD_CLOEXEC);
	int status = 0;

	if (log < 0) {
		buf_printf(out, "no place for the log: %s\n", strerror(errno));
		return;
	}
	pid_t target = fork_busy();
	pid_t recorder = target > 0 ? fork() : -1;
	if (recorder == 0)
		become_recorder(target, log);
	while (recorder > 0 && waitpid(recorder, &status, 0) < 0 && errno == EINTR)
		;
	if (target > 0 && kill(target, SIGKILL) == 0) /* otherwise it dies with us */
		waitpid(target, NULL, 0);
	put_log(log, out);
	if (recorder < 0)
		buf_puts(out, "cannot fork\n");
	else
		buf_printf(out, "status %d\n", status);
}
