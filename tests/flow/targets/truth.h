/*
 * Programs that print their own truth: lines "KEY NAME VALUE..." on stdout, which a flow test
 * compares with what the profile says. CPU time is the thread's own, as the kernel accounts it.
 */
#ifndef TESTS_FLOW_TRUTH_H
#define TESTS_FLOW_TRUTH_H

#include <stdint.h>
#include <stdio.h>
#include <time.h>

/* A function that stays itself: not inlined, not cloned, and not merged with one of equal code. */
#if defined(__clang__)
#define NOINLINE __attribute__((noinline))
#else
#define NOINLINE __attribute__((noinline, noclone, no_icf))
#endif

#define MS_NS 1000000ull

static inline uint64_t truth_cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static volatile uint64_t truth_sink;

/*
 * Burns CPU in the function that it stands in: always inlined, and the clock (a system call) is
 * asked only once in about 100 us, so that the kernel's share stays below a percent. Returns what
 * was really burnt.
 */
static inline __attribute__((always_inline)) uint64_t truth_burn(uint64_t want_ns)
{
	uint64_t start = truth_cpu_ns(), now;

	do {
		uint64_t x = truth_sink;
		for (int i = 0; i < 60000; i++)
			x = x * 6364136223846793005ull + 1442695040888963407ull;
		truth_sink = x;
		now = truth_cpu_ns();
	} while (now - start < want_ns);
	return now - start;
}

/* Keeps the call before it a call: the caller still has something to do. */
#define NOT_A_TAIL_CALL __asm__ volatile("" ::: "memory")

#endif
