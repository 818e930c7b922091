/*
 * Code without call frame information that is known by its bytes.
 * Source: Linux arch/x86/kernel/signal_64.c and arch/arm64/kernel/signal.c (frames), System V
 * psABI 3.4.1 (entry).
 */
#ifndef REPORT_UNWIND_PATTERN_H
#define REPORT_UNWIND_PATTERN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/format/event.h"

struct elf_image;

/* A signal trampoline begins at elf_addr. */
bool pattern_is_sigreturn(const struct elf_image *image, uint64_t elf_addr);

/*
 * elf_addr lies in the code at the entry point of a program (_start) or of the dynamic loader:
 * nobody called it.
 */
bool pattern_is_entry(const struct elf_image *image, uint64_t elf_addr);

/*
 * elf_addr lies in an entry of a procedure linkage table, or in _init or _fini; *ret_cfa_off:
 * the return address is below sp + this (x86-64), 0: in the link register (aarch64).
 */
bool pattern_is_stub(const struct elf_image *image, uint64_t elf_addr, int32_t *ret_cfa_off);

/*
 * Registers of the interrupted code, from the kernel's frame at sp. False: *ret_missing could
 * not be read.
 */
bool pattern_sigreturn(enum machine machine, const struct stack_view *view, uint64_t sp,
		       struct regs *ret, uint64_t *ret_missing);

#endif
