/*
 * The parent's side: a queue, and a row of children that run. Each is known by its socket; a child
 * that has said END, or whose socket is closed, is killed and reaped at once, so nothing of it
 * runs when its result is looked at. The result's memfd is then sealed: if that fails, somebody
 * still has it mapped for writing, and nothing in it can be relied on.
 */
#include "report/jail/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "common/base/log.h"
#include "report/jail/cell.h"
#include "report/jail/confine.h"

enum {
	AT_ONCE_MAX = 16,
	AT_ONCE_BY_CPUS_MAX = 4,
	DEFAULT_CPU_MS = 2000,
	CPU_BYTES_PER_MS = 20 << 10, /* 20 MiB a second at least */
	MEMORY_PER_BYTE = 8,	     /* of a file: itself mapped, unpacked, and what it becomes */
};
#define DEFAULT_MEMORY_BYTES (UINT64_C(256) << 20)
#define DEFAULT_OUTPUT_BYTES (UINT64_C(256) << 20)

struct inmate {
	struct jail_job job;
	struct jail_cell cell; /* our ends: cell.sock and cell.out */
	pid_t pid;
	uint64_t deadline_ns;
	uint32_t n_questions;
	bool late, unruly; /* why we ended it */
	bool ended;	   /* it said END: */
	bool too_much;
	struct err err; /* code: status */
};

struct jails {
	unsigned int n_at_once;
	struct jail_job *queue; /* from next on */
	size_t next, n_queued, queue_cap;
	struct inmate *running[AT_ONCE_MAX];
	unsigned int n_running;
	int null;
	uint8_t *question, *answer; /* JAIL_ASK_MAX each */
};

struct jail_limits jail_limits_for(uint64_t n_bytes)
{
	return (struct jail_limits){
		.memory_bytes = DEFAULT_MEMORY_BYTES + n_bytes * MEMORY_PER_BYTE,
		.cpu_ms = DEFAULT_CPU_MS +
			  (uint32_t)MIN(n_bytes / CPU_BYTES_PER_MS, UINT64_C(3600000)),
	};
}

static void describe_once(void)
{
	static bool said;
	long landlock;
	bool seccomp;

	if (said)
		return;
	said = true;
	confine_describe(&landlock, &seccomp);
	log_debug("jail", "children are confined: landlock=%ld seccomp=%d", landlock, seccomp);
}

static unsigned int default_at_once(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : (unsigned int)MIN(n, (long)AT_ONCE_BY_CPUS_MAX);
}

struct jails *jails_new(unsigned int n_at_once)
{
	struct jails *j = mem_zalloc(sizeof(*j));

	j->n_at_once = MIN(n_at_once ? n_at_once : default_at_once(), (unsigned int)AT_ONCE_MAX);
	j->null = open("/dev/null", O_RDWR | O_CLOEXEC);
	describe_once();
	return j;
}

/* ---- one child's life ---- */

static void inmate_kill(struct inmate *in, int *ret_status)
{
	kill(in->pid, SIGKILL);
	while (waitpid(in->pid, ret_status, 0) < 0 && errno == EINTR)
		;
	in->pid = 0;
}

static void inmate_free(struct inmate *in)
{
	int status;

	if (in->pid > 0)
		inmate_kill(in, &status);
	if (in->cell.sock >= 0)
		close(in->cell.sock);
	if (in->cell.out >= 0)
		close(in->cell.out);
	free(in);
}

static void set_defaults(struct jail_limits *l)
{
	if (!l->memory_bytes)
		l->memory_bytes = DEFAULT_MEMORY_BYTES;
	if (!l->output_bytes)
		l->output_bytes = DEFAULT_OUTPUT_BYTES;
	if (!l->cpu_ms)
		l->cpu_ms = DEFAULT_CPU_MS;
	if (!l->wall_ms)
		l->wall_ms = (uint32_t)MIN(UINT64_C(4) * l->cpu_ms, (uint64_t)UINT32_MAX);
}

static uint64_t ns_of(uint32_t ms)
{
	return ms * UINT64_C(1000000);
}

/* The child's ends are those of `in` until here; afterwards each side has its own. */
static int inmate_fork(struct inmate *in, int child_sock)
{
	in->pid = fork();
	if (in->pid < 0) {
		in->pid = 0;
		return -errno;
	}
	if (in->pid == 0) {
		in->cell.sock = child_sock;
		jail_cell_run(&in->cell);
	}
	in->deadline_ns = io_monotonic_ns() + ns_of(in->job.limits.wall_ms);
	return 0;
}

static struct inmate *inmate_new(const struct jail_job *job, int null)
{
	struct inmate *in = mem_zalloc(sizeof(*in));

	in->job = *job;
	set_defaults(&in->job.limits);
	in->cell = (struct jail_cell){
		.sock = -1, .out = -1, .null = null, .parent = getpid(), .job = &in->job
	};
	return in;
}

static int inmate_start(struct inmate *in, struct err *err)
{
	int pair[2], status = 0;

	in->cell.out = memfd_create("ddprof-result", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (in->cell.out < 0)
		return err_set(err, -errno, "cannot parse %s: no memory file: %s", in->job.what,
			       strerror(errno));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_set(err, -errno, "cannot parse %s: no socket: %s", in->job.what,
			       strerror(errno));
	in->cell.sock = pair[0];
	status = inmate_fork(in, pair[1]);
	close(pair[1]);
	if (status < 0)
		return err_set(err, status, "cannot parse %s: no process: %s", in->job.what,
			       strerror(-status));
	return 0;
}

/* ---- how it ended ---- */

static int say_signal(const struct inmate *in, int number, struct err *err)
{
	const char *name = sigabbrev_np(number);

	if (number == SIGXCPU)
		return err_set(err, -ETIME, "parsing %s took longer than %.1f s of CPU time",
			       in->job.what, in->job.limits.cpu_ms / 1e3);
	if (number == SIGSYS)
		return err_set(err, -EPERM,
			       "parsing %s was ended at a forbidden system call (SIGSYS)",
			       in->job.what);
	return err_set(err, -EBADMSG, "parsing %s crashed (SIG%s)", in->job.what,
		       name ? name : "?");
}

static int judge(const struct inmate *in, int wait_status, struct err *err)
{
	if (in->too_much)
		return err_set(err, -ENOMEM, "parsing %s needed more than %" PRIu64 " MiB",
			       in->job.what, in->job.limits.memory_bytes >> 20);
	if (in->ended) {
		if (in->err.code < 0)
			*err = in->err;
		return in->err.code;
	}
	if (in->late)
		return err_set(err, -ETIME, "parsing %s took longer than %.1f s", in->job.what,
			       in->job.limits.wall_ms / 1e3);
	if (in->unruly)
		return err_set(err, -EPROTO, "parsing %s went out of hand: %s", in->job.what,
			       in->err.text);
	/* SIGKILL is ours too, sent when its socket was closed without a word */
	if (WIFSIGNALED(wait_status) && WTERMSIG(wait_status) != SIGKILL)
		return say_signal(in, WTERMSIG(wait_status), err);
	return err_set(err, -EPROTO, "parsing %s ended without a result", in->job.what);
}

/* NULL: nothing was written, or it cannot be had; then err says why. */
static void *map_result(const struct inmate *in, size_t *ret_n, struct err *err)
{
	struct stat st;
	void *map;

	*ret_n = 0;
	if (fcntl(in->cell.out, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0) {
		err_set(err, -EPROTO, "parsing %s left its result open to others", in->job.what);
		return NULL;
	}
	if (fstat(in->cell.out, &st) < 0 || st.st_size == 0)
		return NULL;
	if ((uint64_t)st.st_size > in->job.limits.output_bytes) {
		err_set(err, -EFBIG, "parsing %s gave %" PRIu64 " MiB, limit is %" PRIu64,
			in->job.what, (uint64_t)st.st_size >> 20,
			in->job.limits.output_bytes >> 20);
		return NULL;
	}
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, in->cell.out, 0);
	if (map == MAP_FAILED) {
		err_set(err, -errno, "result of parsing %s: %s", in->job.what, strerror(errno));
		return NULL;
	}
	*ret_n = (size_t)st.st_size;
	return map;
}

static void inmate_finish(struct inmate *in)
{
	struct err err = { 0 }, trouble = { 0 };
	int wait_status = 0, status;
	size_t n;
	void *out;

	inmate_kill(in, &wait_status);
	status = judge(in, wait_status, &err);
	out = map_result(in, &n, &trouble);
	if (trouble.code < 0 && status == 0) {
		err = trouble;
		status = trouble.code;
	}
	if (status < 0)
		log_debug("jail", "job failed: what='%s' status=%d reason='%s'", in->job.what,
			  status, err.text);
	in->job.done(in->job.ctx, status, &err, out, n);
	if (out)
		munmap(out, n);
	inmate_free(in);
}

/* ---- what it says ---- */

/* True: it may go on. */
static bool be_unruly(struct inmate *in, const char *how)
{
	in->unruly = true;
	err_set(&in->err, -EPROTO, "%s", how);
	return false;
}

static bool send_answer(struct inmate *in, const void *answer, size_t n, int fd)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct jail_message m = { .kind = JAIL_ANSWER, .n = (uint32_t)n };
	struct iovec parts[2] = {
		{ .iov_base = &m, .iov_len = sizeof(m) },
		{ .iov_base = (void *)(uintptr_t)answer, .iov_len = n },
	};
	struct msghdr h = { .msg_iov = parts, .msg_iovlen = 2 };
	ssize_t sent;

	if (fd >= 0) {
		struct cmsghdr *c;

		h.msg_control = control;
		h.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&h);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	do
		sent = sendmsg(in->cell.sock, &h, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (sent < 0 && errno == EINTR);
	if (fd >= 0)
		close(fd);
	/* a child that is gone shows at its socket */
	return sent >= 0 || errno == EPIPE || be_unruly(in, "it takes no answers");
}

static void shift_deadlines(struct jails *j, uint64_t by_ns)
{
	for (unsigned int i = 0; i < j->n_running; i++)
		j->running[i]->deadline_ns += by_ns;
}

static bool take_question(struct jails *j, struct inmate *in, size_t n)
{
	uint64_t from_ns = io_monotonic_ns();
	size_t n_answer = 0;
	int fd = -1;

	if (!in->job.answer)
		return be_unruly(in, "it asks what nobody answers");
	if (++in->n_questions > JAIL_QUESTIONS_MAX && !in->job.limits.renewed)
		return be_unruly(in, "it asks without end");
	in->job.answer(in->job.ctx, j->question, n, j->answer, &n_answer, &fd);
	shift_deadlines(j, io_monotonic_ns() - from_ns);
	if (in->job.limits.renewed)
		in->deadline_ns = io_monotonic_ns() + ns_of(in->job.limits.wall_ms);
	return send_answer(in, j->answer, n_answer, fd);
}

static bool take_end(struct jails *j, struct inmate *in, const struct jail_message *m, size_t n)
{
	in->ended = true;
	in->too_much = m->too_much && m->status < 0;
	if (m->status < 0)
		err_set(&in->err, m->status, "%.*s", (int)MIN(n, (size_t)ERR_TEXT_BYTES - 1),
			(const char *)j->question);
	return false;
}

/* One message, or the end of the socket. True: it may go on. */
static bool hear(struct jails *j, struct inmate *in)
{
	struct jail_message m;
	struct iovec parts[2] = {
		{ .iov_base = &m, .iov_len = sizeof(m) },
		{ .iov_base = j->question, .iov_len = JAIL_ASK_MAX },
	};
	struct msghdr h = { .msg_iov = parts, .msg_iovlen = 2 };
	ssize_t n = recvmsg(in->cell.sock, &h, MSG_DONTWAIT);

	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	if (n == 0)
		return false;
	if ((size_t)n < sizeof(m) || h.msg_flags & MSG_TRUNC || m.n != (size_t)n - sizeof(m))
		return be_unruly(in, "it says what makes no sense");
	if (m.kind == JAIL_END)
		return take_end(j, in, &m, m.n);
	if (m.kind == JAIL_QUESTION)
		return take_question(j, in, m.n);
	return be_unruly(in, "it says what makes no sense");
}

/* ---- all of them ---- */

void jails_add(struct jails *j, const struct jail_job *job)
{
	mem_grow(&j->queue, &j->queue_cap, j->n_queued + 1, sizeof(*j->queue));
	j->queue[j->n_queued++] = *job;
}

static void start_next(struct jails *j)
{
	struct inmate *in = inmate_new(&j->queue[j->next++], j->null);
	struct err err = { 0 };
	int status = inmate_start(in, &err);

	if (status == 0) {
		j->running[j->n_running++] = in;
		return;
	}
	in->job.done(in->job.ctx, status, &err, NULL, 0);
	inmate_free(in);
}

static int poll_timeout_ms(const struct jails *j)
{
	uint64_t now = io_monotonic_ns(), first = UINT64_MAX;

	for (unsigned int i = 0; i < j->n_running; i++)
		first = MIN(first, j->running[i]->deadline_ns);
	if (first <= now)
		return 0;
	return (int)MIN((first - now) / 1000000 + 1, UINT64_C(3600000));
}

static void finish(struct jails *j, unsigned int i)
{
	struct inmate *in = j->running[i];
	uint64_t from_ns = io_monotonic_ns();

	j->running[i] = j->running[--j->n_running];
	inmate_finish(in); /* its `done` may add jobs */
	shift_deadlines(j, io_monotonic_ns() - from_ns);
}

/* From the back: what finish moves into a place was looked at. */
static void wait_once(struct jails *j)
{
	struct pollfd ready[AT_ONCE_MAX];
	unsigned int n = j->n_running;

	for (unsigned int i = 0; i < n; i++)
		ready[i] = (struct pollfd){ .fd = j->running[i]->cell.sock, .events = POLLIN };
	if (poll(ready, n, poll_timeout_ms(j)) < 0)
		return;
	for (unsigned int i = n; i-- > 0;) {
		struct inmate *in = j->running[i];

		if (ready[i].revents) {
			if (!hear(j, in))
				finish(j, i);
		} else if (io_monotonic_ns() >= in->deadline_ns) {
			in->late = true;
			finish(j, i);
		}
	}
}

void jails_run(struct jails *j)
{
	j->question = mem_alloc(JAIL_ASK_MAX);
	j->answer = mem_alloc(JAIL_ASK_MAX);
	while (j->n_running || j->next < j->n_queued) {
		while (j->n_running < j->n_at_once && j->next < j->n_queued)
			start_next(j);
		if (j->n_running)
			wait_once(j);
	}
	j->next = j->n_queued = 0;
	free(j->question);
	free(j->answer);
	j->question = j->answer = NULL;
}

void jails_free(struct jails *j)
{
	if (!j)
		return;
	for (unsigned int i = 0; i < j->n_running; i++)
		inmate_free(j->running[i]);
	if (j->null >= 0)
		close(j->null);
	free(j->queue);
	free(j);
}

/* ---- one alone ---- */

struct single {
	const struct jail_job *job;
	struct err *err;
	int status;
};

static int single_body(void *ctx, struct jail_cell *cell, struct err *err)
{
	const struct jail_job *job = ((struct single *)ctx)->job;

	return job->body(job->ctx, cell, err);
}

static void single_answer(void *ctx, const void *question, size_t n, void *answer, size_t *ret_n,
			  int *ret_fd)
{
	const struct jail_job *job = ((struct single *)ctx)->job;

	job->answer(job->ctx, question, n, answer, ret_n, ret_fd);
}

static void single_done(void *ctx, int status, const struct err *err, const void *out, size_t n)
{
	struct single *s = ctx;

	s->status = status;
	if (status < 0 && s->err)
		*s->err = *err;
	if (s->job->done)
		s->job->done(s->job->ctx, status, err, out, n);
}

int jail_run(const struct jail_job *job, struct err *err)
{
	struct jails *j = jails_new(1);
	struct single s = { .job = job, .err = err };
	struct jail_job wrapped = *job;

	wrapped.ctx = &s;
	wrapped.body = single_body;
	wrapped.answer = job->answer ? single_answer : NULL;
	wrapped.done = single_done;
	jails_add(j, &wrapped);
	jails_run(j);
	jails_free(j);
	return s.status;
}
