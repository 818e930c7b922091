#include "common/format/perfregs.h"

#include <stddef.h>

static const struct perf_regs x86_64_regs = {
	.machine = MACHINE_X86_64,
	.mask = 0xff01ff, /* AX..SP, IP, R8..R15 */
	.n = 17,
	/* perf: ax bx cx dx si di bp sp ip r8..r15 */
	.dwarf = { 0, 3, 2, 1, 4, 5, 6, 7, 16, 8, 9, 10, 11, 12, 13, 14, 15 },
};

static const struct perf_regs aarch64_regs = {
	.machine = MACHINE_AARCH64,
	.mask = (UINT64_C(1) << 33) - 1,
	.n = 33,
	/* perf: x0..x28 fp lr sp pc, the same numbers */
	.dwarf = { 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16,
		   17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32 },
};

const struct perf_regs *perf_regs_of(enum machine machine)
{
	switch (machine) {
	case MACHINE_X86_64:
		return &x86_64_regs;
	case MACHINE_AARCH64:
		return &aarch64_regs;
	default:
		return NULL;
	}
}

const struct perf_regs *perf_regs_native(void)
{
#ifdef __aarch64__
	return &aarch64_regs;
#else
	return &x86_64_regs;
#endif
}
