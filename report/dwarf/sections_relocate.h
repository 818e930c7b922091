/*
 * Relocations of debug sections in objects (.o, .ko). Private to report/dwarf/.
 * Source: System V psABI x86-64, 4.4; ELF for the Arm 64-bit Architecture, 5.7.
 */
#ifndef REPORT_DWARF_SECTIONS_RELOCATE_H
#define REPORT_DWARF_SECTIONS_RELOCATE_H

#include <stdint.h>

struct sections_file;

/* The section with the relocations of section `index`; 0: none. */
uint32_t sections_relocations_of(const struct sections_file *f, uint32_t index);

/*
 * Applies them to the section's bytes. What is damaged or of another kind than absolute addresses
 * of 4 or 8 bytes is left as it is: its address is then a wrong one, as in the file.
 */
void sections_relocate(const struct sections_file *f, uint32_t rela, uint8_t *bytes, uint64_t n);

#endif
