/*
 * Damaged debug information of every kind against the DWARF engine:
 *
 *	mutate COUNT FILE...
 *		COUNT copies of each file, 1 to 8 places of it changed: bytes, extremes of each
 *		width, runs from elsewhere, the file cut
 *	mutate extremes FILE...
 *		each byte of headers, tables and debug sections set to 0, 1, the largest, one
 *		below, both sides of the sign, in 1, 2, 4, 8 bytes and as LEB128: so every field
 *		is, whatever it is
 *
 * The engine answers addresses all over the code, in a child of its own for each batch. MAIN+FILE:
 * FILE is damaged and given to the sound MAIN as whatever further file (.dwo, .dwp, dwz) it asks
 * for. Prints what crashed or was slow as "FILE: number N", which `mutate -N FILE` (or
 * `mutate extremes:N FILE`) does again alone. DDPROF_SEED (a number, default 1) gives other damage
 * by chance. Exit status 1: something did.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/base/bits.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "report/dwarf/dwarf.h"
#include "report/symbol/answer.h"
#include "tests/check/damage.h"

enum {
	BATCH = 100,
	ADDRESSES = 200,
	SLOW_MS = 2000,
};

/* What is to be done to each file. */
struct task {
	bool extremes;
	bool alone; /* one number, in this process */
	uint64_t seed, number;
	uint64_t count; /* numbers from 0 on; of extremes: all there are */
};

/* Counted by all children together. */
struct shared {
	uint64_t at; /* number at hand */
	uint64_t n_named;
};

struct subject {
	const char *path;
	int main_fd; /* of MAIN+FILE; -1: the damaged file is itself the one asked */
	int fd;	     /* the damaged bytes */
	struct damage damage;
	uint64_t addr[ADDRESSES];
	struct shared *shared;
};

static int memory_of(const void *bytes, size_t n)
{
	int fd = memfd_create("mutated", MFD_CLOEXEC);

	if (fd < 0 || io_write(fd, bytes, n, NULL) < 0) {
		perror("mutate: memfd");
		exit(99);
	}
	return fd;
}

/* Whatever MAIN asks for is the damaged file. */
static int supply(void *ctx, const struct dwarf_want *want)
{
	const struct subject *s = ctx;

	(void)want;
	return s->main_fd < 0 ? -ENOENT : fcntl(s->fd, F_DUPFD_CLOEXEC, 0);
}

static void answer(struct subject *s, size_t n)
{
	struct dwarf_input in = {
		.name = s->path, .supply = supply, .supply_ctx = s, .n_threads = 1
	};
	struct answers_builder *out = answers_builder_new();
	struct answers answers;
	struct err err = { 0 };
	struct dwarf *d;
	struct buf bytes;

	s->fd = memory_of(s->damage.work, n);
	in.fd = s->main_fd < 0 ? s->fd : s->main_fd;
	if (dwarf_open(&in, &d, &err) == 0) {
		dwarf_answer(d, s->addr, ADDRESSES, out, &err);
		s->shared->n_named += dwarf_stats(d)->n_functions;
		dwarf_close(d);
	}
	close(s->fd);
	buf_init(&bytes);
	answers_finish(out, &bytes);
	if (answers_open(bytes.data, bytes.n, &answers, &err) < 0) {
		fprintf(stderr, "mutate: answers do not open: %s\n", err.text);
		abort();
	}
	buf_done(&bytes);
	answers_builder_free(out);
}

/* Not by the clock on the wall: others may have the machine for seconds. */
static uint64_t cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static bool one(struct subject *s, const struct task *task, uint64_t number)
{
	size_t n = task->extremes ? damage_by_extremes(&s->damage, number) :
				    damage_by_chance(&s->damage, task->seed, number);
	uint64_t ms = cpu_ms();

	answer(s, n);
	ms = cpu_ms() - ms;
	if (ms > SLOW_MS)
		printf("%s: number %" PRIu64 ": took %" PRIu64 " ms\n", s->path, number, ms);
	return ms <= SLOW_MS;
}

/* In a child. 0 well, 1 slow, 2 died at shared->at. */
static int batch(struct subject *s, const struct task *task, uint64_t from, uint64_t to)
{
	uint64_t *at = &s->shared->at;
	bool ok = true;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		for (*at = from; *at < to; (*at)++)
			ok &= one(s, task, *at);
		fflush(stdout);
		_exit(!ok);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		exit(99);
	if (WIFEXITED(status) && WEXITSTATUS(status) <= 1)
		return WEXITSTATUS(status);
	printf("%s: number %" PRIu64 ": status 0x%x\n", s->path, *at, status);
	return 2;
}

static bool subject_open(struct subject *s, char *path, struct shared *shared)
{
	char *plus = strchr(path, '+');
	bool ok;

	*s = (struct subject){ .path = path, .main_fd = -1, .shared = shared };
	if (plus) {
		struct damage sound;

		*plus = 0;
		s->main_fd = open(path, O_RDONLY | O_CLOEXEC);
		ok = s->main_fd >= 0 && damage_open(&sound, path);
		*plus = '+';
		if (!ok)
			return false;
		ok = damage_addresses(&sound, s->addr, ADDRESSES);
		damage_close(&sound);
		return ok && damage_open(&s->damage, plus + 1);
	}
	return damage_open(&s->damage, path) && damage_addresses(&s->damage, s->addr, ADDRESSES);
}

static void subject_close(struct subject *s)
{
	if (s->main_fd >= 0)
		close(s->main_fd);
	damage_close(&s->damage);
}

/* Returns the number of crashes and slow batches; *n: copies made. */
static uint64_t subject_run(struct subject *s, const struct task *task, uint64_t *n)
{
	uint64_t count = task->extremes ? damage_extremes(&s->damage) : task->count;
	uint64_t n_bad = 0;

	for (uint64_t from = 0; from < count;) {
		uint64_t to = MIN(from + BATCH, count);
		int rc = batch(s, task, from, to);

		if (rc == 2)
			to = s->shared->at + 1;
		n_bad += rc != 0;
		*n += to - from;
		from = to;
	}
	return n_bad;
}

/* "1000", "-17", "extremes", "extremes:17" */
static bool task_parse(struct task *task, const char *text)
{
	static const char extremes[] = "extremes";
	const char *seed = getenv("DDPROF_SEED");
	char *end;

	*task = (struct task){ .seed = seed ? strtoull(seed, NULL, 0) : 1 };
	task->extremes = strncmp(text, extremes, strlen(extremes)) == 0;
	if (task->extremes) {
		text += strlen(extremes);
		task->alone = *text == ':';
		task->number = task->alone ? strtoull(text + 1, &end, 0) : 0;
		return task->alone ? !*end : !*text;
	}
	task->alone = *text == '-';
	task->count = task->number = strtoull(text + task->alone, &end, 0);
	return !*end;
}

int main(int argc, char **argv)
{
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t n_bad = 0, n = 0;
	struct rusage usage;
	struct task task;

	if (argc < 3 || shared == MAP_FAILED || !task_parse(&task, argv[1]))
		return 2;
	for (int i = 2; i < argc; i++) {
		struct subject s;

		if (!subject_open(&s, argv[i], shared)) {
			fprintf(stderr, "mutate: cannot use %s\n", argv[i]);
			return 99;
		}
		if (task.alone)
			n_bad += !one(&s, &task, task.number);
		else
			n_bad += subject_run(&s, &task, &n);
		subject_close(&s);
	}
	getrusage(RUSAGE_CHILDREN, &usage);
	printf("%" PRIu64 " damaged files, %" PRIu64 " addresses named all the same, %" PRIu64
	       " crashes or slow batches, at most %ld MB\n",
	       n, shared->n_named, n_bad, usage.ru_maxrss / 1024);
	return n_bad > 0;
}
