/*
 * Runs for a stated time of the wall and uses a fifth of a CPU evenly, so that samples come all the
 * time and many recorders fit on a small machine. Then prints its end (CLOCK_MONOTONIC, seconds)
 * and ends with 7. Argument: milliseconds.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { BURN_NS = 3000000, REST_NS = 12000000 };

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

int main(int argc, char **argv)
{
	uint64_t end = clock_ns(CLOCK_MONOTONIC) +
		       (argc > 1 ? strtoull(argv[1], NULL, 10) : 1000) * 1000000;

	while (clock_ns(CLOCK_MONOTONIC) < end) {
		burn_steadily(BURN_NS);
		nanosleep(&(struct timespec){ .tv_nsec = REST_NS }, NULL);
	}
	printf("%.6f\n", (double)clock_ns(CLOCK_MONOTONIC) / 1e9);
	return 7;
}
