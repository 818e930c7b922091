/*
 * Nearly all time is spent in one line of a function that is inlined into another: both lines are
 * printed. Argument: milliseconds.
 */
#include <stdlib.h>

#include "truth.h"

/* clang-format off */
enum { SPIN_LINE = __LINE__ + 3 };
static inline __attribute__((always_inline)) uint64_t spin(uint64_t x)
{
	for (int i = 0; i < 200000; i++) x = x * 6364136223846793005ull + 1; /* the hot line */
	return x;
}
/* clang-format on */

enum { CALL_LINE = __LINE__ + 3 };
NOINLINE static uint64_t holder(uint64_t x)
{
	uint64_t y = spin(x); /* the line of the call */
	truth_sink += y;
	return y;
}

enum { MAIN_LINE = __LINE__ + 8 };
int main(int argc, char **argv)
{
	uint64_t ns = (argc > 1 ? strtoull(argv[1], NULL, 10) : 500) * MS_NS;
	uint64_t start = truth_cpu_ns();
	uint64_t x = 1;

	while (truth_cpu_ns() - start < ns)
		x += holder(x); /* the line in main */
	printf("line spin self %d\nline holder total %d\nline main total %d\n", SPIN_LINE,
	       CALL_LINE, MAIN_LINE);
	return (int)(x & 0);
}
