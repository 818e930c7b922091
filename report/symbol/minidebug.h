/* MiniDebugInfo (.gnu_debugdata): an xz-packed ELF file that holds only a symbol table. */
#ifndef REPORT_SYMBOL_MINIDEBUG_H
#define REPORT_SYMBOL_MINIDEBUG_H

#include <stddef.h>
#include <stdint.h>

struct elf_image;

/*
 * NULL: damaged, above SYMBOL_MINIDEBUG_MAX, or no ELF file inside. Owner: caller, minidebug_close.
 */
struct elf_image *minidebug_open(const uint8_t *packed, size_t n);
void minidebug_close(struct elf_image *image); /* takes NULL */

#endif
