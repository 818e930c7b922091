/*
 * Call frame information, complete: entries of .eh_frame and .debug_frame, and their programs.
 * This is the truth that table.h's compiled rows are a cache of. Any bytes are taken: every
 * read is bounded, every program runs at most once over its bytes.
 * Source: DWARF 5, 6.4; LSB Core 5.0, 10.6 (.eh_frame, pointer encodings).
 */
#ifndef REPORT_UNWIND_CFI_H
#define REPORT_UNWIND_CFI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/cursor.h"
#include "common/format/event.h"

struct elf_image;

enum {
	CFI_REMEMBER_MAX = 32, /* nested DW_CFA_remember_state; compilers use 1 */
	CFI_INITIAL_BYTES_MAX =
		4096, /* initial instructions of a CIE: they run once for each FDE */
};

struct cfi_section {
	const uint8_t *bytes;
	size_t n;
	uint64_t addr;	  /* linked address of bytes[0], for pc-relative pointers */
	bool debug_frame; /* .debug_frame: other ids, absolute pointers */
	enum machine machine;
	uint64_t text_base, data_base; /* of DW_EH_PE_textrel and datarel */
	const struct elf_image *image; /* where indirect pointers are read; may be NULL */
};

struct cfi_cie {
	uint64_t off;
	uint64_t code_align;
	int64_t data_align;
	uint32_t ra; /* return address column */
	uint8_t version, fde_encoding, address_bytes, segment_bytes;
	bool signal;	/* 'S': the next frame was interrupted, not called */
	bool has_sizes; /* 'z': FDEs have augmentation data */
	const uint8_t *program, *program_end;
};

struct cfi_fde {
	uint64_t off, cie_off;
	uint64_t begin, end; /* linked addresses */
	const uint8_t *program, *program_end;
};

enum cfi_entry { CFI_ENTRY_END, CFI_ENTRY_CIE, CFI_ENTRY_FDE, CFI_ENTRY_ZERO, CFI_ENTRY_BAD };

/*
 * Kind of the entry at off, and where the next one begins (never behind off; the section's end
 * at last).
 */
enum cfi_entry cfi_entry_at(const struct cfi_section *s, uint64_t off, uint64_t *ret_next,
			    uint64_t *ret_cie_off);
bool cfi_cie_at(const struct cfi_section *s, uint64_t off, struct cfi_cie *ret);
/*
 * `cie` must be the one that cfi_entry_at named. False: invalid, an empty range, or one of 4
 * GiB.
 */
bool cfi_fde_at(const struct cfi_section *s, uint64_t off, const struct cfi_cie *cie,
		struct cfi_fde *ret);

/* One pointer in encoding `enc` at c; `at` is the linked address of the pointer itself. */
bool cfi_pointer(const struct cfi_section *s, struct cursor *c, uint8_t enc, uint64_t at,
		 uint64_t *ret);

enum cfi_how {
	CFI_UNSPECIFIED, /* no rule: callee-saved registers keep their value by the ABI */
	CFI_UNDEFINED,
	CFI_SAME,
	CFI_OFFSET,	/* saved at CFA + off */
	CFI_VAL_OFFSET, /* is CFA + off */
	CFI_REGISTER,	/* is in register off */
	CFI_EXPR,	/* saved where the expression says */
	CFI_VAL_EXPR,	/* is what the expression says */
};

/* Where a register of the caller is. Expressions: section offset and size. */
struct cfi_rule {
	uint8_t how;
	uint32_t expr_bytes;
	int64_t off; /* or the expression's offset in the section */
};

enum cfi_cfa { CFI_CFA_NONE, CFI_CFA_OFFSET, CFI_CFA_EXPR };

struct cfi_state {
	uint8_t cfa; /* enum cfi_cfa */
	uint32_t cfa_reg;
	int64_t cfa_off;  /* kept beside an expression: DW_CFA_def_cfa_register uses it again */
	int64_t cfa_expr; /* offset in the section */
	uint32_t cfa_expr_bytes;
	struct cfi_rule rule[REGS_MAX]; /* by slot, see cfi_run_begin */
};

/*
 * A program being run, row by row. Only registers that have a slot are followed: all of them for
 * exact unwinding, three for compiling rows.
 */
struct cfi_slots {
	uint8_t n;
	uint8_t slot[REGS_MAX]; /* by register; UINT8_MAX: not followed */
};

struct cfi_run {
	const struct cfi_section *section;
	const struct cfi_cie *cie;
	const struct cfi_slots *slots;
	struct cursor at;
	uint64_t loc, end;
	struct cfi_state state, initial;
	uint32_t n_remembered;
	struct cfi_state remembered[CFI_REMEMBER_MAX];
};

extern const struct cfi_slots cfi_all_slots;

/*
 * Runs the CIE's instructions into run->initial. False: invalid. The run can then serve many
 * FDEs of the CIE.
 */
bool cfi_run_cie(struct cfi_run *run, const struct cfi_section *s, const struct cfi_cie *cie,
		 const struct cfi_slots *slots);
void cfi_run_fde(struct cfi_run *run, const struct cfi_fde *fde);

enum cfi_next { CFI_NEXT_ROW, CFI_NEXT_END, CFI_NEXT_BAD };
/*
 * Next row: run->state holds in [*ret_begin, *ret_end), which is not empty. CFI_NEXT_BAD: from
 * *ret_begin up to *ret_end (of the FDE) nothing is known.
 */
enum cfi_next cfi_run_next(struct cfi_run *run, uint64_t *ret_begin, uint64_t *ret_end);

#endif
