/*
 * perf's user registers and the DWARF numbers they have here. Whoever takes records of the kernel
 * apart needs it: the recorder and the reader of perf.data.
 * Source: arch/x86/include/uapi/asm/perf_regs.h, arch/arm64/include/uapi/asm/perf_regs.h; System V
 * psABI x86-64, figure 3.36; AArch64 DWARF (aadwarf64), 4.1.
 */
#ifndef COMMON_FORMAT_PERFREGS_H
#define COMMON_FORMAT_PERFREGS_H

#include <stdint.h>

#include "common/format/event.h"

/* perf's registers of one machine: asked with `mask`, delivered in bit order, dwarf[i] each. */
struct perf_regs {
	enum machine machine;
	uint64_t mask;
	uint8_t n;
	uint8_t dwarf[REGS_MAX];
};

const struct perf_regs *perf_regs_of(enum machine machine); /* NULL: not known */
const struct perf_regs *perf_regs_native(void);		    /* of this machine */

#endif
