/* Jailed children: what they give, and what they cannot do. Each exploit is planted in a body. */
#include "tests/unit/check.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "common/base/sanitized.h"
#include "report/jail/confine.h"
#include "report/jail/jail.h"

typedef int body_fn(void *ctx, struct jail_cell *cell, struct err *err);

struct outcome {
	int status, n_done;
	char text[ERR_TEXT_BYTES];
	char out[256];
	size_t n;
	const void *in; /* for the body */
};

static void note_done(void *ctx, int status, const struct err *err, const void *out, size_t n)
{
	struct outcome *o = ctx;

	o->status = status;
	o->n_done++;
	snprintf(o->text, sizeof(o->text), "%s", err->text);
	o->n = n;
	memcpy(o->out, out ? out : "", n < sizeof(o->out) ? n : sizeof(o->out));
}

static struct outcome run_limited(body_fn *body, struct jail_limits limits, const void *in)
{
	struct outcome o = { .in = in };
	struct jail_job job = {
		.what = "x.debug", .limits = limits, .ctx = &o, .body = body, .done = note_done
	};
	struct err err = { 0 };
	int status = jail_run(&job, &err);

	CHECK_INT(o.n_done, 1);
	CHECK_INT(status, o.status);
	CHECK_STR(err.text, o.text);
	return o;
}

static struct outcome run(body_fn *body)
{
	return run_limited(body, (struct jail_limits){ .wall_ms = 20000 }, NULL);
}

/* ---- what they are for ---- */

static int body_hello(void *ctx, struct jail_cell *cell, struct err *err)
{
	(void)ctx;
	if (jail_write(cell, "hello ", 6, err) < 0)
		return err->code;
	return jail_write(cell, "world", 5, err);
}

static void gives(void)
{
	struct outcome o = run(body_hello);

	CHECK_INT(o.status, 0);
	CHECK_UINT(o.n, 11);
	CHECK_MEM(o.out, "hello world", 11);
}

static int body_fails(void *ctx, struct jail_cell *cell, struct err *err)
{
	(void)ctx;
	jail_write(cell, "part", 4, err);
	return err_set(err, -EBADMSG, "unit at 0x10: version 77");
}

static void fails(void)
{
	struct outcome o = run(body_fails);

	CHECK_INT(o.status, -EBADMSG);
	CHECK_STR(o.text, "unit at 0x10: version 77");
	CHECK_UINT(o.n, 4);
}

static int body_file(void *ctx, struct jail_cell *cell, struct err *err)
{
	int fd = *(const int *)((struct outcome *)ctx)->in;
	char bytes[4];
	struct stat st;

	if (fstat(fd, &st) < 0 || io_pread(fd, bytes, 4, 0) != 4)
		return err_set(err, -EIO, "cannot read: %s", strerror(errno));
	return jail_write(cell, bytes, 4, err);
}

static void file(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), high = dup2(fd, 100);
	struct outcome o = { .in = &high };
	struct jail_job job = { .what = "x", .ctx = &o, .body = body_file, .done = note_done };

	jail_run(&job, NULL);
	CHECK_INT(o.status, -EIO); /* not handed over: not there */
	job.fd = &high;
	job.n_fds = 1;
	jail_run(&job, NULL);
	CHECK_INT(o.status, 0);
	CHECK_MEM(o.out, "\177ELF", 4);
	close(fd);
	close(high);
}

static int body_asks(void *ctx, struct jail_cell *cell, struct err *err)
{
	char answer[JAIL_ASK_MAX], byte;
	size_t n;
	int fd, status;

	(void)ctx;
	memset(answer, 'q', sizeof(answer));
	status = jail_ask(cell, answer, sizeof(answer), answer, sizeof(answer), &n, &fd, err);
	if (status < 0)
		return status;
	if (fd < 0 || read(fd, &byte, 1) != 1)
		return err_set(err, -EIO, "no file came");
	close(fd);
	jail_write(cell, answer, n, err);
	jail_write(cell, &byte, 1, err);
	status = jail_ask(cell, "", 0, answer, 1, &n, &fd, err);
	return status == -EFBIG ? 0 : err_set(err, -EIO, "an answer too long came: %d", status);
}

static void give_zero(void *ctx, const void *question, size_t n, void *answer, size_t *ret_n,
		      int *ret_fd)
{
	(void)ctx;
	memcpy(answer, "yes", 3);
	*ret_n = 3;
	if (n == JAIL_ASK_MAX && ((const char *)question)[n - 1] == 'q')
		*ret_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
}

static void asks(void)
{
	struct outcome o = { .n = 0 };
	struct jail_job job = { .what = "x",
				.ctx = &o,
				.body = body_asks,
				.answer = give_zero,
				.done = note_done };

	CHECK_INT(jail_run(&job, NULL), 0);
	CHECK_STR(o.text, "");
	CHECK_MEM(o.out, "yes\0", 4);
}

struct many {
	struct jails *j;
	unsigned int n_done, number, *order;
};

static int body_number(void *ctx, struct jail_cell *cell, struct err *err)
{
	struct many *m = ctx;

	return jail_write(cell, &m->number, sizeof(m->number), err);
}

static void note_number(void *ctx, int status, const struct err *err, const void *out, size_t n)
{
	struct many *m = ctx;

	(void)err;
	CHECK_INT(status, 0);
	REQUIRE_TRUE(n == sizeof(unsigned int));
	CHECK_MEM(out, &m->number, n);
	m->n_done++;
}

static void side_by_side(void)
{
	enum { N = 40 };
	struct jails *j = jails_new(4);
	struct many many[N] = { { .number = 0 } };

	for (unsigned int i = 0; i < N; i++) {
		struct jail_job job = {
			.what = "x", .ctx = &many[i], .body = body_number, .done = note_number
		};

		many[i].number = i;
		jails_add(j, &job);
	}
	jails_run(j);
	for (unsigned int i = 0; i < N; i++)
		CHECK_UINT(many[i].n_done, 1);
	jails_free(j);
}

static void *count(void *n)
{
	++*(int *)n;
	return NULL;
}

static int body_threads(void *ctx, struct jail_cell *cell, struct err *err)
{
	int n[4] = { 0 };
	pthread_t thread[4];

	(void)ctx;
	for (int i = 0; i < 4; i++)
		if (pthread_create(&thread[i], NULL, count, &n[i]) != 0)
			return err_set(err, -EAGAIN, "no thread");
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	return jail_write(cell, n, sizeof(n), err);
}

static void threads(void)
{
	struct outcome o = run(body_threads);

	CHECK_STR(o.text, "");
	CHECK_MEM(o.out, ((int[]){ 1, 1, 1, 1 }), 4 * sizeof(int));
}

/* ---- what they cannot do ---- */

static int body_open(void *ctx, struct jail_cell *cell, struct err *err)
{
	const char *path = ((struct outcome *)ctx)->in;
	int fd = open(path, O_RDONLY);

	(void)cell;
	return fd < 0 ? err_set(err, -EPERM, "refused") : 0;
}

static void opens(void)
{
	struct outcome o = run_limited(body_open, (struct jail_limits){ 0 }, "/etc/passwd");

	CHECK_STR(o.text, "refused");
}

static void beneath(void)
{
	static const char *const dirs[] = { "/etc" };
	struct outcome o = { .in = "/etc/passwd" };
	struct jail_job job = { .what = "x",
				.ctx = &o,
				.body = body_open,
				.done = note_done,
				.beneath = dirs,
				.n_beneath = 1 };
	long landlock;
	bool seccomp;

	CHECK_INT(jail_run(&job, NULL), 0);
	confine_describe(&landlock, &seccomp);
	if (!landlock)
		check_skip("no Landlock in this kernel");
	o.in = "/usr/../proc/version";
	CHECK_INT(jail_run(&job, NULL), -EPERM);
}

static void need_filters(void)
{
	long landlock;
	bool seccomp;

	confine_describe(&landlock, &seccomp);
	if (!seccomp)
		check_skip("no filters for system calls in this build or kernel");
}

static int body_socket(void *ctx, struct jail_cell *cell, struct err *err)
{
	(void)ctx, (void)cell;
	return socket(AF_INET, SOCK_STREAM, 0) < 0 ? err_set(err, -EPERM, "refused") : 0;
}

static int body_exec(void *ctx, struct jail_cell *cell, struct err *err)
{
	(void)ctx, (void)cell;
	execl("/bin/true", "true", NULL);
	return err_set(err, -EPERM, "refused");
}

static int body_kill(void *ctx, struct jail_cell *cell, struct err *err)
{
	(void)ctx, (void)cell;
	kill(getppid(), SIGTERM);
	syscall(SYS_tgkill, getppid(), getppid(), SIGTERM);
	return err_set(err, -EPERM, "refused");
}

static int body_child(void *ctx, struct jail_cell *cell, struct err *err)
{
	(void)ctx, (void)cell;
	return fork() < 0 ? err_set(err, -EPERM, "refused") : 0;
}

static int body_trace(void *ctx, struct jail_cell *cell, struct err *err)
{
	(void)ctx, (void)cell;
	return ptrace(PTRACE_SEIZE, getppid(), NULL, NULL) < 0 ? err_set(err, -EPERM, "refused") :
								 0;
}

static void forbidden(void)
{
	static body_fn *const bodies[] = { body_socket, body_exec, body_kill, body_child,
					   body_trace };

	need_filters();
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct outcome o = run(bodies[i]);

		CHECK_INT(o.status, -EPERM);
		if (strcmp(o.text, "refused") != 0)
			CHECK_STR(o.text, "parsing x.debug was ended at a forbidden system call "
					  "(SIGSYS)");
	}
}

static int body_code(void *ctx, struct jail_cell *cell, struct err *err)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	(void)ctx, (void)cell;
	return p == MAP_FAILED ? err_set(err, -EPERM, "refused") : 0;
}

static void no_code(void)
{
	need_filters();
	CHECK_STR(run(body_code).text, "refused");
}

static int body_allocates(void *ctx, struct jail_cell *cell, struct err *err)
{
	char *p = mem_alloc((size_t)10 << 30);

	(void)ctx;
	return jail_write(cell, p, 1, err);
}

/* By small pieces, so that the system would not refuse the first. */
static int __attribute__((noreturn)) body_leaks(void *ctx, struct jail_cell *cell, struct err *err)
{
	(void)ctx, (void)cell, (void)err;
	for (;;)
		memset(mem_alloc(1 << 20), 1, 1 << 20);
}

static void memory(void)
{
	struct jail_limits small = { .memory_bytes = 32 << 20 };

	if (SANITIZED)
		check_skip("sanitizers reserve address space without limit");
	CHECK_STR(run(body_allocates).text, "parsing x.debug needed more than 256 MiB");
	CHECK_STR(run_limited(body_leaks, small, NULL).text,
		  "parsing x.debug needed more than 32 MiB");
}

static int __attribute__((noreturn)) body_spins(void *ctx, struct jail_cell *cell, struct err *err)
{
	(void)ctx, (void)cell, (void)err;
	for (volatile unsigned int i = 0;; i++)
		;
}

static int __attribute__((noreturn)) body_sleeps(void *ctx, struct jail_cell *cell, struct err *err)
{
	(void)ctx, (void)cell, (void)err;
	for (;;)
		sleep(1000);
}

static void late(void)
{
	struct jail_limits cpu = { .cpu_ms = 1000, .wall_ms = 100000 }, wall = { .wall_ms = 100 };

	CHECK_STR(run_limited(body_spins, cpu, NULL).text,
		  "parsing x.debug took longer than 1.0 s of CPU time");
	CHECK_STR(run_limited(body_spins, wall, NULL).text,
		  "parsing x.debug took longer than 0.1 s");
	CHECK_STR(run_limited(body_sleeps, wall, NULL).text,
		  "parsing x.debug took longer than 0.1 s");
}

static int body_aborts(void *ctx, struct jail_cell *cell, struct err *err)
{
	(void)ctx, (void)cell, (void)err;
	abort();
}

static int body_segv(void *ctx, struct jail_cell *cell, struct err *err)
{
	volatile uintptr_t nowhere = 8;

	(void)ctx, (void)cell, (void)err;
	return *(volatile int *)nowhere;
}

static int body_exits(void *ctx, struct jail_cell *cell, struct err *err)
{
	(void)ctx, (void)cell, (void)err;
	_exit(0);
}

static void crashes(void)
{
	if (!SANITIZED) { /* they exit instead */
		CHECK_STR(run(body_aborts).text, "parsing x.debug crashed (SIGABRT)");
		CHECK_STR(run(body_segv).text, "parsing x.debug crashed (SIGSEGV)");
	}
	CHECK_STR(run(body_exits).text, "parsing x.debug ended without a result");
}

static int body_writes(void *ctx, struct jail_cell *cell, struct err *err)
{
	static char block[1 << 20];

	(void)ctx;
	while (jail_write(cell, block, sizeof(block), err) == 0)
		;
	return err->code;
}

/* Past jail_write, straight into every file it has. */
static int body_floods(void *ctx, struct jail_cell *cell, struct err *err)
{
	static char block[1 << 20];
	ssize_t n = 1;

	(void)ctx, (void)cell;
	for (int fd = 0; fd < 200; fd++)
		while (lseek(fd, 0, SEEK_CUR) >= 0 && (n = write(fd, block, sizeof(block))) > 0 &&
		       lseek(fd, 0, SEEK_CUR) > 0)
			;
	return err_set(err, -EFBIG, "enough");
}

static void output(void)
{
	struct jail_limits small = { .output_bytes = 3 << 20 };
	struct outcome o = run_limited(body_writes, small, NULL);

	CHECK_STR(o.text, "result is larger than 3.0 MiB");
	CHECK_UINT(o.n, 3 << 20);
	o = run_limited(body_floods, small, NULL);
	CHECK_STR(o.text, "enough");
	CHECK_TRUE(o.n <= 3 << 20);
}

static int body_chatters(void *ctx, struct jail_cell *cell, struct err *err)
{
	char answer[8];
	size_t n;
	int fd;

	(void)ctx;
	while (jail_ask(cell, "?", 1, answer, sizeof(answer), &n, &fd, err) == 0)
		;
	return err->code;
}

/* Garbage to the parent, on whatever is a socket. */
static int __attribute__((noreturn)) body_garbage(void *ctx, struct jail_cell *cell,
						  struct err *err)
{
	uint32_t garbage[5] = { 2, 77, 77, 77, 77 };
	struct iovec part = { .iov_base = garbage, .iov_len = sizeof(garbage) };
	struct msghdr h = { .msg_iov = &part, .msg_iovlen = 1 };

	(void)ctx, (void)cell, (void)err;
	for (int fd = 3; fd < 200; fd++)
		sendmsg(fd, &h, MSG_NOSIGNAL);
	for (;;)
		sleep(1000);
}

static void give_nothing(void *ctx, const void *question, size_t n, void *answer, size_t *ret_n,
			 int *ret_fd)
{
	(void)ctx, (void)question, (void)n, (void)answer, (void)ret_n, (void)ret_fd;
}

static void unruly(void)
{
	struct outcome o = { .n = 0 };
	struct jail_job job = { .what = "x",
				.limits = { .cpu_ms = 60000 },
				.ctx = &o,
				.body = body_chatters,
				.answer = give_nothing,
				.done = note_done };

	jail_run(&job, NULL);
	CHECK_STR(o.text, "parsing x went out of hand: it asks without end");
	job.answer = NULL;
	jail_run(&job, NULL);
	CHECK_STR(o.text, "nobody answers");
	job.body = body_garbage;
	jail_run(&job, NULL);
	CHECK_HAS(o.text, "parsing x went out of hand: it says what makes no sense");
}

/* Answers that take long do not count as the child's time. */
static void give_late(void *ctx, const void *question, size_t n, void *answer, size_t *ret_n,
		      int *ret_fd)
{
	static const struct timespec while_asked = { .tv_nsec = 300000000 };

	(void)ctx, (void)question, (void)n, (void)answer, (void)ret_n, (void)ret_fd;
	nanosleep(&while_asked, NULL);
}

static int body_asks_once(void *ctx, struct jail_cell *cell, struct err *err)
{
	size_t n;
	int fd;

	(void)ctx;
	return jail_ask(cell, "", 0, NULL, 0, &n, &fd, err);
}

static void patient(void)
{
	struct outcome o = { .n = 0 };
	struct jail_job job = { .what = "x",
				.limits = { .wall_ms = 200 },
				.ctx = &o,
				.body = body_asks_once,
				.answer = give_late,
				.done = note_done };

	CHECK_INT(jail_run(&job, NULL), 0);
	CHECK_STR(o.text, "");
}

/* A mapping of the result that outlives the child would let it change what was checked. */
static int body_mapped(void *ctx, struct jail_cell *cell, struct err *err)
{
	pid_t child;

	(void)ctx;
	jail_write(cell, "x", 1, err);
	for (int fd = 3; fd < 200; fd++)
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	child = fork(); /* without filters only */
	if (child == 0)
		for (int i = 0; i < 20; i++)
			usleep(100000);
	return 0;
}

static void sealed(void)
{
	struct outcome o = run(body_mapped);

	CHECK_TRUE(o.status < 0);
	CHECK_TRUE(strstr(o.text, "left its result open to others") ||
			   strstr(o.text, "was ended at a forbidden system call (SIGSYS)"),
		   "'%s'", o.text);
}

static void limits_grow(void)
{
	struct jail_limits small = jail_limits_for(50 << 10), large = jail_limits_for(156 << 20);

	CHECK_UINT(small.memory_bytes >> 20, 256);
	CHECK_UINT(small.cpu_ms, 2002);
	CHECK_TRUE(large.memory_bytes > UINT64_C(1) << 30 && large.cpu_ms >= 5000);
}

SUITE(jail_jail, { "a body's bytes come back", gives },
      { "a body's error comes back as it was said, beside what was written", fails },
      { "only files handed over are open", file },
      { "questions are answered, with files", asks },
      { "many jobs side by side each get their own result", side_by_side },
      { "threads work", threads },
      { "no file of the system opens", opens },
      { "below a named directory files open, elsewhere not", beneath },
      { "sockets, programs, signals, children and tracing are refused or deadly", forbidden },
      { "no memory becomes code", no_code },
      { "10 GiB at once, or piece by piece, end the job", memory },
      { "endless loops and sleeps end", late },
      { "crashes are named by their signal", crashes },
      { "output stops at its limit", output },
      { "questions without end and garbage end the job", unruly },
      { "time in which the parent answers is not the child's", patient },
      { "a result that somebody may still change is not used", sealed },
      { "limits grow with the file", limits_grow }, )
