/*
 * Compiled call frame rows of one object: for an address, how to reach the caller with
 * stack pointer, frame pointer and (aarch64) link register alone. A row whose CFI is not
 * provably that simple says TABLE_EXACT: the complete interpreter (cfi.h, exact.h) executes the
 * original.
 *
 * A function's rows are compiled when an address in it is looked up for the first time: a
 * profile meets 2 of 100 functions of a large library.
 *
 *	index (by address) -> function -> rows { begin, rule id } -> rule
 *
 * One thread at a time. The image must outlive the table.
 */
#ifndef REPORT_UNWIND_TABLE_H
#define REPORT_UNWIND_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "report/unwind/cfi.h"

struct elf_image;
struct err;

enum table_kind {
	TABLE_NONE,	/* no call frame information here */
	TABLE_SP,	/* CFA = sp + cfa_off */
	TABLE_FP,	/* CFA = fp + cfa_off */
	TABLE_FP_DEREF, /* CFA = word at fp + cfa_off (realigned stacks) */
	TABLE_PLT,	/* CFA = sp + cfa_off + ((pc & 15) >= plt_at ? 8 : 0) */
	TABLE_ROOT,	/* return address undefined: the outermost frame */
	TABLE_EXACT,
	TABLE_KINDS
};

enum table_flags {
	TABLE_FP_SAVED = 1, /* caller's fp is at CFA + fp_off */
	TABLE_FP_AT_FP = 2, /* with FP_SAVED: at fp + fp_off instead */
	TABLE_RA_IN_LR = 4, /* return address is in the link register; else at CFA + ra_off */
	TABLE_SIGNAL = 8,   /* the caller was interrupted: its pc is exact */
};

struct table_rule {
	int32_t cfa_off;
	int16_t fp_off, ra_off;
	uint8_t kind, flags;
	uint8_t plt_at;
};

struct table_counts {
	uint32_t n_fdes, n_fdes_bad;
	uint32_t n_rows, n_rules, n_exact; /* compiled so far; n_exact: rows */
};

struct table;

/*
 * NULL: no call frame information at all (-ENODATA), over a limit (-EFBIG), or nothing valid in
 * it (-EBADMSG). Owner: caller, table_free.
 */
struct table *table_new(const struct elf_image *image, struct err *err);
void table_free(struct table *t);

/*
 * Never NULL: outside of everything it is a rule of TABLE_NONE. addr as linked. Lent until the
 * next call. Up to 15 bytes between two functions are padding and have the rule before them.
 */
const struct table_rule *table_find(struct table *t, uint64_t addr);

/*
 * The complete row at addr; false when no valid CFI covers it. 15 bytes behind a function have
 * its last row.
 */
struct table_row {
	struct cfi_section section;
	struct cfi_cie cie;
	struct cfi_fde fde;
	uint64_t begin, end;	/* the state holds here */
	struct cfi_state state; /* rules by register number */
};
bool table_row(const struct table *t, uint64_t addr, struct table_row *ret);

/*
 * What one state compiles to (table.c uses it for each row; tests use it directly). Rules in
 * slots TABLE_SLOT_.
 */
enum { TABLE_SLOT_RA, TABLE_SLOT_FP, TABLE_SLOT_SP, TABLE_SLOTS };
struct table_rule table_compile(const struct cfi_section *s, const struct cfi_cie *cie,
				const struct cfi_state *state);

struct table_counts table_counts(const struct table *t);

/* Calls with each FDE that is used, by address. For tests that compare rows. */
void table_each_fde(const struct table *t, void (*f)(void *ctx, uint64_t begin, uint64_t end),
		    void *ctx);

#endif
