/*
 * A known call path: DEPTH frames of recurse_direct, or of mutual_even and mutual_odd in turn, then
 * leaf_work. Arguments: direct|mutual, depth, milliseconds.
 */
#include <stdlib.h>
#include <string.h>

#include "truth.h"

NOINLINE static uint64_t leaf_work(uint64_t ns)
{
	return truth_burn(ns);
}

NOINLINE static uint64_t recurse_direct(int left, uint64_t ns)
{
	uint64_t r = left > 1 ? recurse_direct(left - 1, ns) : leaf_work(ns);

	NOT_A_TAIL_CALL;
	return r + 1;
}

static uint64_t mutual_odd(int left, uint64_t ns);

NOINLINE static uint64_t mutual_even(int left, uint64_t ns)
{
	uint64_t r = left > 1 ? mutual_odd(left - 1, ns) : leaf_work(ns);

	NOT_A_TAIL_CALL;
	return r + 1;
}

NOINLINE static uint64_t mutual_odd(int left, uint64_t ns)
{
	uint64_t r = left > 1 ? mutual_even(left - 1, ns) : leaf_work(ns);

	NOT_A_TAIL_CALL;
	return r + 2;
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "direct";
	int depth = argc > 2 ? atoi(argv[2]) : 200;
	uint64_t ns = (argc > 3 ? strtoull(argv[3], NULL, 10) : 500) * MS_NS;

	printf("path main");
	for (int i = 0; i < depth; i++)
		printf(";%s", strcmp(how, "direct") == 0 ? "recurse_direct" :
			      i % 2			 ? "mutual_odd" :
							   "mutual_even");
	printf(";leaf_work\n");
	truth_sink +=
		strcmp(how, "direct") == 0 ? recurse_direct(depth, ns) : mutual_even(depth, ns);
	return 0;
}
