/* The first bytes of a section, unpacked where it is compressed. Private to report/debug/. */
#ifndef REPORT_DEBUG_PREFIX_H
#define REPORT_DEBUG_PREFIX_H

#include <elf.h>
#include <stddef.h>
#include <stdint.h>

/*
 * How many bytes came: fewer than cap at the section's end, or where it is damaged; 0 when sh is
 * of no section. Reads at most a little more than cap bytes whatever the section claims.
 */
size_t prefix_read(int fd, const Elf64_Shdr *sh, uint8_t *ret, size_t cap);

#endif
