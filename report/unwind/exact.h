/*
 * One frame up by the complete interpreter: every register's rule, expressions, memory.
 * For rows that table.h could not compile, and for walks that need registers the fast walk does
 * not carry.
 */
#ifndef REPORT_UNWIND_EXACT_H
#define REPORT_UNWIND_EXACT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/format/event.h"
#include "report/unwind/unwind.h"

struct table;

enum exact_result {
	EXACT_OK,
	EXACT_ROOT,
	EXACT_NEEDS_REGISTER, /* a register that is not known here */
	EXACT_NEEDS_MEMORY,   /* *ret_missing */
	EXACT_BAD,
};

struct exact {
	struct regs regs; /* in: of this frame, pc as in the return address; out: of the caller */
	bool signal;	  /* out: the caller was interrupted */
	uint64_t missing;
};

/*
 * elf_addr: where the row is looked up. `x` is changed only with EXACT_OK (missing: with
 * EXACT_NEEDS_MEMORY).
 */
enum exact_result exact_step(const struct table *t, uint64_t elf_addr, enum machine machine,
			     const struct stack_view *view, struct exact *x);

#endif
