/*
 * The child ends itself by alarm; should it hang where no signal reaches, it is killed and left.
 */
#include "record/doctor/apart.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/auto.h"
#include "common/base/err.h"
#include "common/base/io.h"

static void run_child(void (*work)(void *data), void *data, size_t n, unsigned int seconds, int fd)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGALRM, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	alarm(seconds);
	work(data);
	io_write(fd, data, n, NULL);
	_exit(0);
}

static int explain(int status, unsigned int seconds, struct err *err)
{
	int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	if (signal == SIGSYS)
		return err_set(err, -EPERM, "a seccomp filter kills whoever calls perf_event_open");
	if (signal == SIGALRM || signal == SIGKILL)
		return err_set(err, -ETIMEDOUT, "no answer within %u s", seconds);
	return err_set(err, -EIO, "it ended early, with status %d", status);
}

/* 0: the answer began, or the other end is closed. */
static int wait_for_answer(int fd, unsigned int seconds, struct err *err)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	int r;

	do
		r = poll(&poll_fd, 1, (int)(seconds + 1) * 1000);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return err_set(err, -EIO, "cannot wait for an answer: %s", strerror(errno));
	return r ? 0 : explain(SIGALRM, seconds, err);
}

static int take_answer(pid_t child, int fd, void *data, size_t n, unsigned int seconds,
		       struct err *err)
{
	AUTO_FREE void *answer = malloc(n);
	int status = SIGKILL;

	int r = answer ? wait_for_answer(fd, seconds, err) :
			 err_set(err, -ENOMEM, "no memory for %zu bytes", n);
	if (r < 0) {
		kill(child, SIGKILL);
		waitpid(child, &status, WNOHANG);
		return r;
	}
	ssize_t got = io_read(fd, answer, n);
	/* It may wait for us to read on; where it cannot be killed, its own alarm ends it. */
	bool ends = got >= 0 || kill(child, SIGKILL) == 0;
	while (ends && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (got < 0)
		return err_set(err, -EIO, "cannot read the answer: %s", strerror((int)-got));
	if (got != (ssize_t)n)
		return explain(status, seconds, err);
	memcpy(data, answer, n);
	return 0;
}

int apart_run(void (*work)(void *data), void *data, size_t n, unsigned int seconds, struct err *err)
{
	int fds[2];

	if (pipe(fds) < 0)
		return err_set(err, -errno, "cannot make a pipe: %s", strerror(errno));
	AUTO_CLOSE int read_fd = fds[0];
	pid_t child = fork();
	if (child == 0) {
		close(fds[0]);
		run_child(work, data, n, seconds, fds[1]);
	}
	int code = errno;
	close(fds[1]);
	if (child < 0)
		return err_set(err, -code, "cannot fork: %s", strerror(code));
	return take_answer(child, read_fd, data, n, seconds, err);
}
