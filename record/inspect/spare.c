/*
 * A request is one byte with a descriptor, the answer a pid. CLONE_PARENT makes the inspector a
 * child of the recorder, which so keeps its pid from being given to another process.
 */
#include "record/inspect/spare.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/base/io.h"

union control {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

struct recorder {
	pid_t pid;
	char name[16]; /* as ps shows it; inspectors bear it too */
};

static struct msghdr message_of(struct iovec *iov, union control *control)
{
	return (struct msghdr){
		.msg_iov = iov,
		.msg_iovlen = 1,
		.msg_control = control->bytes,
		.msg_controllen = sizeof(control->bytes),
	};
}

/* -1: the recorder is gone. */
static int receive_fd(int from)
{
	union control control;
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = message_of(&iov, &control);
	ssize_t n;
	int fd = -1;

	do
		n = recvmsg(from, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	struct cmsghdr *part = n == 1 ? CMSG_FIRSTHDR(&message) : NULL;
	if (part && part->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(part), sizeof(fd));
	return fd;
}

static void wait_for_requests(int from, const struct recorder *recorder, spare_work *work, int arg)
{
	int fd;

	while ((fd = receive_fd(from)) >= 0) {
		int32_t pid = (int32_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);

		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			prctl(PR_SET_NAME, recorder->name);
			if (getppid() == recorder->pid)
				work(fd, arg);
			_exit(0);
		}
		if (pid < 0)
			pid = -errno;
		close(fd);
		io_write(from, &pid, sizeof(pid), NULL);
	}
}

/* Rings and files end with the recorder alone. */
static void let_go(int fd)
{
	if (fd > 3)
		syscall(SYS_close_range, 3u, (unsigned int)fd - 1, 0u);
	syscall(SYS_close_range, (unsigned int)fd + 1, ~0u, 0u);
}

int spare_start(struct spare *s, spare_work *work, int arg, struct err *err)
{
	struct recorder recorder = { .pid = getpid() };
	int pair[2];

	*s = (struct spare){ .fd = -1 };
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_set(err, -errno, "cannot make a socket: %s", strerror(errno));
	s->pid = fork();
	if (s->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_GET_NAME, recorder.name);
		prctl(PR_SET_NAME, "ddprof-spare");
		let_go(pair[1]);
		if (getppid() == recorder.pid)
			wait_for_requests(pair[1], &recorder, work, arg);
		_exit(0);
	}
	int code = -errno;
	close(pair[1]);
	s->fd = pair[0];
	if (s->pid < 0) {
		spare_stop(s);
		return err_set(err, code, "cannot fork: %s", strerror(-code));
	}
	return 0;
}

bool spare_ask(struct spare *s, int fd)
{
	union control control = { .bytes = { 0 } };
	struct iovec iov = { .iov_base = "", .iov_len = 1 };
	struct msghdr message = message_of(&iov, &control);
	struct cmsghdr *part = CMSG_FIRSTHDR(&message);

	part->cmsg_level = SOL_SOCKET;
	part->cmsg_type = SCM_RIGHTS;
	part->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(part), &fd, sizeof(fd));
	if (s->fd < 0 || sendmsg(s->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) != 1)
		return false;
	s->n_asked++;
	return true;
}

pid_t spare_take_pid(struct spare *s)
{
	int32_t pid;

	while (recv(s->fd, &pid, sizeof(pid), MSG_DONTWAIT) == (ssize_t)sizeof(pid))
		if (++s->n_told == s->n_asked)
			return pid;
	return 0;
}

void spare_stop(struct spare *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	if (s->pid > 0) {
		kill(s->pid, SIGKILL);
		while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	s->pid = 0;
}
