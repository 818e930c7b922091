/*
 * Runs for a stated time of the wall and uses a fifth of a CPU evenly, so that samples come all the
 * time and many recorders fit on a small machine. Then prints its end (CLOCK_MONOTONIC, seconds)
 * and ends with 7. With "noise" its stack is NOISE_BYTES of ever new random words: recorded as they
 * are they fill any disk. With "jit" it has memory for code of its own, a jitdump and a perf map of
 * it, which is replaced by another half way; with "open" everybody may write to that map. With
 * "threads" 100 more threads sleep. Arguments: milliseconds [noise|jit|open|threads]
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { BURN_NS = 3000000, REST_NS = 12000000, NOISE_BYTES = 8 << 10, THREADS = 100 };

static volatile uint64_t sink;

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static __attribute__((noinline)) void burn_steadily(uint64_t ns)
{
	uint64_t end = clock_ns(CLOCK_THREAD_CPUTIME_ID) + ns;

	while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < end)
		;
}

static __attribute__((noinline)) void burn_noisily(uint64_t ns)
{
	static uint64_t state = 88172645463325252;
	uint64_t end = clock_ns(CLOCK_THREAD_CPUTIME_ID) + ns;
	volatile uint64_t word[NOISE_BYTES / 8];

	while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < end)
		for (unsigned int i = 0; i < NOISE_BYTES / 8; i++) {
			state ^= state << 13, state ^= state >> 7, state ^= state << 17;
			word[i] = state;
		}
	sink = word[0];
}

struct jit {
	void *code;
	char map[64], dump[64];
};

static void write_map(const struct jit *j, const char *path, mode_t mode)
{
	FILE *out = fopen(path, "we");

	if (!out)
		return; /* one of another user who had this number and was killed */
	fprintf(out, "%lx 40 made_here\n", (unsigned long)(uintptr_t)j->code);
	fchmod(fileno(out), mode);
	fclose(out);
}

/* linux/tools/perf/Documentation/jitdump-specification.txt: a header and one JIT_CODE_LOAD. */
static void write_dump(const struct jit *j)
{
	struct {
		uint32_t magic, version, header_bytes, machine, pad, pid;
		uint64_t time_ns, flags;
		uint32_t id, record_bytes;
		uint64_t record_ns;
		uint32_t record_pid, tid;
		uint64_t vma, addr, code_bytes, index;
		char name[16], code[64];
	} d = { .magic = 0x4a695444,
		.version = 1,
		.header_bytes = 40,
		.machine = 62,
		.pid = (uint32_t)getpid(),
		.time_ns = clock_ns(CLOCK_MONOTONIC),
		.record_bytes = sizeof(d) - 40,
		.record_ns = clock_ns(CLOCK_MONOTONIC),
		.record_pid = (uint32_t)getpid(),
		.tid = (uint32_t)getpid(),
		.vma = (uintptr_t)j->code,
		.addr = (uintptr_t)j->code,
		.code_bytes = 64,
		.name = "made_in_a_dump" };
	int fd = open(j->dump, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		return;
	if (write(fd, &d, sizeof(d)) != (ssize_t)sizeof(d) ||
	    mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED)
		exit(3);
	close(fd);
}

static void make_jit(struct jit *j, mode_t mode)
{
	j->code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);
	snprintf(j->map, sizeof(j->map), "/tmp/perf-%d.map", (int)getpid());
	snprintf(j->dump, sizeof(j->dump), "/tmp/jit-%d.dump", (int)getpid());
	write_map(j, j->map, mode);
	write_dump(j);
}

/* Another file of the same name. */
static void replace_map(const struct jit *j)
{
	char next[72];

	snprintf(next, sizeof(next), "%s.next", j->map);
	write_map(j, next, 0600);
	rename(next, j->map);
}

static void *sleep_on(void *unused)
{
	pause();
	return unused;
}

static void start_threads(void)
{
	pthread_t thread;

	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&thread, NULL, sleep_on, NULL))
			exit(3);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 2 ? argv[2] : "";
	bool is_jit = strcmp(mode, "jit") == 0, is_open = strcmp(mode, "open") == 0;
	uint64_t now = clock_ns(CLOCK_MONOTONIC),
		 end = now + (argc > 1 ? strtoull(argv[1], NULL, 10) : 1000) * 1000000,
		 half = now + (end - now) / 2;
	struct jit jit = { .map = "" };

	if (is_jit || is_open)
		make_jit(&jit, is_open ? 0666 : 0600);
	if (strcmp(mode, "threads") == 0)
		start_threads();
	while (clock_ns(CLOCK_MONOTONIC) < end) {
		(strcmp(mode, "noise") == 0 ? burn_noisily : burn_steadily)(BURN_NS);
		nanosleep(&(struct timespec){ .tv_nsec = REST_NS }, NULL);
		if (is_jit && half && clock_ns(CLOCK_MONOTONIC) > half) {
			replace_map(&jit);
			half = 0;
		}
	}
	unlink(jit.map);
	unlink(jit.dump);
	printf("%.6f\n", (double)clock_ns(CLOCK_MONOTONIC) / 1e9);
	return 7;
}
