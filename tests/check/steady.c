/*
 * Runs for a stated time of the wall and uses a fifth of a CPU evenly, so that samples come all the
 * time and many recorders fit on a small machine. Then prints its end (CLOCK_MONOTONIC, seconds)
 * and ends with 7. With "noise" its stack is NOISE_BYTES of ever new random words: recorded as they
 * are they fill any disk. Arguments: milliseconds [noise]
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

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

int main(int argc, char **argv)
{
	uint64_t end = clock_ns(CLOCK_MONOTONIC) +
		       (argc > 1 ? strtoull(argv[1], NULL, 10) : 1000) * 1000000;

	while (clock_ns(CLOCK_MONOTONIC) < end) {
		(argc > 2 ? burn_noisily : burn_steadily)(BURN_NS);
		nanosleep(&(struct timespec){ .tv_nsec = REST_NS }, NULL);
	}
	printf("%.6f\n", (double)clock_ns(CLOCK_MONOTONIC) / 1e9);
	return 7;
}
