/* Built twice, as libswap_a.so (-DNAME=swap_a_work) and libswap_b.so: same size, other code. */
#include "truth.h"

uint64_t plugin_run(uint64_t ns);

NOINLINE uint64_t NAME(uint64_t ns)
{
	return truth_burn(ns);
}

uint64_t plugin_run(uint64_t ns)
{
	uint64_t r = NAME(ns);

	NOT_A_TAIL_CALL;
	return r;
}
