/*
 * Frames that are hard to walk: built with -fomit-frame-pointer. Each path is printed, each in
 * equal time. Argument: milliseconds a path.
 */
#include <alloca.h>
#include <stdlib.h>
#include <string.h>

#include "truth.h"

NOINLINE static uint64_t leaf_work(uint64_t ns)
{
	return truth_burn(ns);
}

/* the frame's size is known only at run time */
NOINLINE static uint64_t with_alloca(size_t n, uint64_t ns)
{
	char *p = alloca(n);

	memset(p, 1, n);
	uint64_t r = leaf_work(ns);
	truth_sink += p[n / 2];
	return r;
}

/* the stack pointer is rounded down: the caller's frame is found through a saved pointer only */
NOINLINE static uint64_t with_realign(size_t n, uint64_t ns)
{
	char wide[256] __attribute__((aligned(128)));

	memset(wide, (int)n, sizeof(wide));
	__asm__ volatile("" ::"r"(wide) : "memory");
	uint64_t r = leaf_work(ns);
	truth_sink += wide[n % sizeof(wide)];
	return r;
}

/* both at once */
NOINLINE static uint64_t with_both(size_t n, uint64_t ns)
{
	char wide[128] __attribute__((aligned(64)));
	char *p = alloca(n);

	memset(p, 2, n);
	memset(wide, 3, sizeof(wide));
	__asm__ volatile("" ::"r"(wide), "r"(p) : "memory");
	uint64_t r = leaf_work(ns);
	truth_sink += p[n / 3] + wide[n % sizeof(wide)];
	return r;
}

/* more memory than one page between two frames */
NOINLINE static uint64_t with_large(size_t n, uint64_t ns)
{
	char large[20000];

	/*
	 * pages never written are not there, and the kernel copies a stack only up to the first of
	 * these
	 */
	memset(large, (int)n, sizeof(large));
	__asm__ volatile("" ::"r"(large) : "memory");
	uint64_t r = leaf_work(ns);
	truth_sink += large[n];
	return r;
}

int main(int argc, char **argv)
{
	uint64_t ns = (argc > 1 ? strtoull(argv[1], NULL, 10) : 200) * MS_NS;

	for (int i = 0; i < 10; i++) {
		truth_sink += with_alloca(1000 + i * 333, ns / 10);
		truth_sink += with_realign(100 + i, ns / 10);
		truth_sink += with_both(500 + i * 77, ns / 10);
		truth_sink += with_large(5000 + i, ns / 10);
	}
	printf("path main;with_alloca;leaf_work\npath main;with_realign;leaf_work\n");
	printf("path main;with_both;leaf_work\npath main;with_large;leaf_work\n");
	return 0;
}
