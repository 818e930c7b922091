/*
 * Runs for a stated time of the wall and uses a fifth of a CPU evenly, so that samples come all the
 * time and many recorders fit on a small machine. Then prints its end (CLOCK_MONOTONIC, seconds)
 * and ends with 7. With "noise" its stack is NOISE_BYTES of ever new random words: recorded as they
 * are they fill any disk. With "jit" it has memory for code of its own and a perf map of it.
 * Arguments: milliseconds [noise|jit]
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { BURN_NS = 3000000, REST_NS = 12000000, NOISE_BYTES = 8 << 10 };

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

static void make_map(char *path, size_t cap)
{
	void *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	FILE *out;

	snprintf(path, cap, "/tmp/perf-%d.map", (int)getpid());
	out = fopen(path, "we");
	if (!out)
		exit(3);
	fprintf(out, "%lx 40 made_here\n", (unsigned long)(uintptr_t)code);
	fclose(out);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 2 ? argv[2] : "";
	char map[64] = "";

	if (strcmp(mode, "jit") == 0)
		make_map(map, sizeof(map));
	uint64_t end = clock_ns(CLOCK_MONOTONIC) +
		       (argc > 1 ? strtoull(argv[1], NULL, 10) : 1000) * 1000000;

	while (clock_ns(CLOCK_MONOTONIC) < end) {
		(strcmp(mode, "noise") == 0 ? burn_noisily : burn_steadily)(BURN_NS);
		nanosleep(&(struct timespec){ .tv_nsec = REST_NS }, NULL);
	}
	if (*map)
		unlink(map);
	printf("%.6f\n", (double)clock_ns(CLOCK_MONOTONIC) / 1e9);
	return 7;
}
