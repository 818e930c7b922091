/*
 * DWARF expressions as call frame information uses them: registers and memory of one frame ->
 * one value. Operations that have no meaning there (pieces, entry values, DW_OP_call_frame_cfa,
 * register names) are refused. Bounded: EXPR_STEPS_MAX operations, EXPR_STACK_MAX values.
 * Source: DWARF 5, 2.5 and 6.4.2.
 */
#ifndef REPORT_UNWIND_EXPR_H
#define REPORT_UNWIND_EXPR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct regs;

enum { EXPR_STEPS_MAX = 1000, EXPR_STACK_MAX = 64 };

enum expr_result {
	EXPR_OK,
	EXPR_BAD,	  /* not a valid expression */
	EXPR_NO_REGISTER, /* needs a register that is not known */
	EXPR_NO_MEMORY,	  /* needs memory that is not there: *ret is the address */
};

/* Reads 1 to 8 bytes, zero-extended. */
typedef bool expr_read(void *ctx, uint64_t addr, unsigned int n_bytes, uint64_t *ret);

/* `first` (may be NULL) is on the stack at the start. */
enum expr_result expr_run(const uint8_t *bytes, size_t n, const struct regs *regs,
			  const uint64_t *first, expr_read *read, void *ctx, uint64_t *ret);

#endif
