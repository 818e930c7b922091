/*
 * The child's side. Everything it does before the body runs is ordered so that the last step takes
 * away the means of the ones before: descriptors, limits, files, system calls.
 */
#include "report/jail/cell.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "common/base/io.h"
#include "common/base/sanitized.h"
#include "report/jail/confine.h"

enum {
	FILES_MAX = 4096,      /* descriptors a child may have open */
	CLOSE_BY_HAND = 65536, /* without close_range: descriptors below this are closed */
};

static struct jail_cell *own_cell; /* of this process, once it is a child */

/* ---- talking ---- */

static int send_message(int sock, const struct jail_message *m, const void *bytes)
{
	struct iovec parts[2] = {
		{ .iov_base = (void *)(uintptr_t)m, .iov_len = sizeof(*m) },
		{ .iov_base = (void *)(uintptr_t)bytes, .iov_len = m->n },
	};
	struct msghdr h = { .msg_iov = parts, .msg_iovlen = m->n ? 2 : 1 };
	ssize_t n;

	do
		n = sendmsg(sock, &h, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

static int file_of(struct msghdr *h)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(h);
	int fd = -1;

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len >= CMSG_LEN(sizeof(fd)))
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

/* The parent is trusted; an answer that does not fit shows that it is gone or was never one. */
static int receive_answer(int sock, void *answer, size_t cap, size_t *ret_n, int *ret_fd)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	struct jail_message m;
	struct iovec parts[2] = {
		{ .iov_base = &m, .iov_len = sizeof(m) },
		{ .iov_base = answer, .iov_len = cap },
	};
	struct msghdr h = { .msg_iov = parts,
			    .msg_iovlen = 2,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	ssize_t n;

	do
		n = recvmsg(sock, &h, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < (ssize_t)sizeof(m) || m.kind != JAIL_ANSWER)
		return -EPIPE;
	*ret_fd = file_of(&h);
	if (h.msg_flags & MSG_TRUNC)
		return -EFBIG;
	*ret_n = (size_t)n - sizeof(m);
	return 0;
}

int jail_ask(struct jail_cell *cell, const void *question, size_t n, void *answer,
	     size_t answer_cap, size_t *ret_n, int *ret_fd, struct err *err)
{
	struct jail_message m = { .kind = JAIL_QUESTION, .n = (uint32_t)n };
	size_t n_answer = 0;
	int fd = -1, status;

	if (n > JAIL_ASK_MAX)
		return err_set(err, -EFBIG, "a question of %zu bytes is over the limit of %u", n,
			       JAIL_ASK_MAX);
	if (!cell->job->answer)
		return err_set(err, -EPIPE, "nobody answers");
	status = send_message(cell->sock, &m, question);
	if (status == 0)
		status = receive_answer(cell->sock, answer, answer_cap, &n_answer, &fd);
	if (status < 0) {
		if (fd >= 0)
			close(fd);
		return err_set(err, status == -EFBIG ? -EFBIG : -EPIPE, "no answer: %s",
			       strerror(-status));
	}
	*ret_n = n_answer;
	*ret_fd = fd;
	return 0;
}

static int too_much_output(const struct jail_cell *cell, struct err *err)
{
	return err_set(err, -EFBIG, "result is larger than %.1f MiB",
		       (double)cell->job->limits.output_bytes / (1 << 20));
}

int jail_write(struct jail_cell *cell, const void *bytes, size_t n, struct err *err)
{
	int status;

	if (n > cell->job->limits.output_bytes - cell->n_written)
		return too_much_output(cell, err);
	status = io_write(cell->out, bytes, n, NULL);
	if (status == -EFBIG)
		return too_much_output(cell, err);
	if (status < 0)
		return err_set(err, status, "cannot write the result: %s", strerror(-status));
	cell->n_written += n;
	return 0;
}

/* ---- the end ---- */

static void __attribute__((noreturn))
say_end(struct jail_cell *cell, int status, const struct err *err)
{
	struct jail_message m = { .kind = JAIL_END, .status = status };

	if (err)
		m.n = (uint32_t)strnlen(err->text, sizeof(err->text) - 1);
	send_message(cell->sock, &m, err ? err->text : "");
	_exit(0);
}

static void say_no_memory(size_t size_bytes)
{
	struct jail_message m = { .kind = JAIL_END, .status = -ENOMEM, .too_much = 1 };

	(void)size_bytes;
	send_message(own_cell->sock, &m, NULL);
	_exit(0);
}

/* ---- shutting in ---- */

unsigned int jail_cell_fds(const struct jail_cell *cell, int *ret)
{
	unsigned int n = 0;

	for (int fd = 0; fd <= 2; fd++)
		ret[n++] = fd;
	ret[n++] = cell->sock;
	ret[n++] = cell->out;
	for (unsigned int i = 0; i < cell->job->n_fds; i++)
		ret[n++] = cell->job->fd[i];
	for (unsigned int i = 1; i < n; i++) /* few: by insertion */
		for (unsigned int k = i; k > 0 && ret[k] < ret[k - 1]; k--) {
			int swap = ret[k];

			ret[k] = ret[k - 1];
			ret[k - 1] = swap;
		}
	for (unsigned int i = 1, from = n, to = 1; i < from; i++) {
		if (ret[i] != ret[to - 1])
			ret[to++] = ret[i];
		n = to;
	}
	return n;
}

static void close_between(unsigned int first, unsigned int last)
{
	if (first > last || syscall(SYS_close_range, first, last, 0) == 0)
		return;
	for (unsigned int fd = first; fd <= MIN(last, (unsigned int)CLOSE_BY_HAND); fd++)
		close((int)fd);
}

static bool is_wanted(const struct jail_job *job, int fd)
{
	for (unsigned int i = 0; i < job->n_fds; i++)
		if (job->fd[i] == fd)
			return true;
	return false;
}

/* Nothing the parent has open is there any more; 0, 1 and 2 lead nowhere. */
static void keep_own_files(struct jail_cell *cell)
{
	int *keep = mem_alloc((cell->job->n_fds + 5) * sizeof(*keep));
	unsigned int n = jail_cell_fds(cell, keep), first = 0;

	for (int fd = 0; fd <= 2; fd++)
		if (!is_wanted(cell->job, fd) && !(SANITIZED && fd == STDERR_FILENO))
			dup2(cell->null, fd);
	for (unsigned int i = 0; i < n; i++) {
		if (keep[i] < 0)
			continue;
		if ((unsigned int)keep[i] > first)
			close_between(first, (unsigned int)keep[i] - 1);
		first = (unsigned int)keep[i] + 1;
	}
	close_between(first, UINT32_MAX);
	free(keep);
}

/* A handler of the parent has no business here; SIGXFSZ would hide what was wrong. */
static void reset_signals(void)
{
	struct sigaction plain = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int number = 1; number < NSIG && !SANITIZED; number++)
		sigaction(number, &plain, NULL);
	plain.sa_handler = SIG_IGN;
	sigaction(SIGXFSZ, &plain, NULL);
	sigaction(SIGPIPE, &plain, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void limit(int what, uint64_t soft, uint64_t hard)
{
	struct rlimit had, l = { .rlim_cur = soft, .rlim_max = hard };

	if (getrlimit(what, &had) == 0) { /* what is stricter already stays */
		l.rlim_cur = MIN(l.rlim_cur, had.rlim_max);
		l.rlim_max = MIN(l.rlim_max, had.rlim_max);
	}
	setrlimit(what, &l);
}

/* Address space that is there already: the parent reserves much that it never touches. */
static uint64_t mapped_bytes(void)
{
	char text[64] = "";
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return UINT64_C(1) << 32;
	io_read(fd, text, sizeof(text) - 1);
	close(fd);
	return strtoull(text, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void limit_all(const struct jail_limits *l)
{
	uint64_t cpu_s = (l->cpu_ms + UINT64_C(999)) / 1000;

	limit(RLIMIT_CORE, 0, 0);
	limit(RLIMIT_FSIZE, l->output_bytes, l->output_bytes);
	limit(RLIMIT_NOFILE, FILES_MAX, FILES_MAX);
	if (!l->renewed)
		limit(RLIMIT_CPU, cpu_s, cpu_s + 1);
	if (!SANITIZED) {
		uint64_t bytes = mapped_bytes() + l->memory_bytes;

		limit(RLIMIT_AS, bytes, bytes);
	}
}

static void shut_in(struct jail_cell *cell)
{
	const struct jail_job *job = cell->job;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != cell->parent)
		_exit(1);
	reset_signals();
	/* Not traceable by others, and no core file of hostile bytes whatever takes cores here. */
	prctl(PR_SET_DUMPABLE, SANITIZED);
	keep_own_files(cell);
	limit_all(&job->limits);
	mallopt(M_ARENA_MAX, 1); /* each further one reserves 64 MiB of address space */
	mem_on_exhaustion(say_no_memory);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	confine_files(job->beneath, job->n_beneath);
	confine_calls(job->n_beneath > 0);
}

void jail_cell_run(struct jail_cell *cell)
{
	struct err err = { 0 };
	int status;

	own_cell = cell;
	shut_in(cell);
	status = cell->job->body(cell->job->ctx, cell, &err);
	say_end(cell, status, status < 0 ? &err : NULL);
}
