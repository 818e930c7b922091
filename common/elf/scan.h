/*
 * Finding the parts of one ELF file. Private to common/elf/: image.c asks, sections.c looks through
 * section headers, segments.c through program headers where there are no section headers.
 */
#ifndef COMMON_ELF_SCAN_H
#define COMMON_ELF_SCAN_H

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/elf/image.h"
#include "common/elf/source.h"

struct elf_want {
	enum elf_part_kind kind;
	uint64_t addr, off, size;
};

struct elf_scan {
	const struct elf_source *source;
	struct elf_image *image;
	unsigned int take;
	Elf64_Ehdr ehdr;
	Elf64_Phdr dynamic, eh_frame_hdr; /* p_type PT_NULL: none */
	struct elf_want want[ELF_PARTS_MAX];
	uint32_t n_wants;
	uint64_t want_bytes;
	struct err reason; /* first lie met; shown only when nothing useful remains */
};

/*
 * Notes one part to be read. What lies outside the file or over a limit is left out, with a reason.
 */
void elf_scan_want(struct elf_scan *scan, enum elf_part_kind kind, uint64_t addr, uint64_t off,
		   uint64_t size);

/* Looks for the build-id in a range of notes. */
void elf_scan_notes(struct elf_scan *scan, uint64_t off, uint64_t size);

/* True when there is a section header table that can be used. */
bool elf_scan_sections(struct elf_scan *scan);
void elf_scan_segments(struct elf_scan *scan);

/*
 * Linked address -> file offset; false outside every PT_LOAD's file bytes. *ret_left: bytes up to
 * the load's end.
 */
bool elf_scan_offset(const struct elf_scan *scan, uint64_t addr, uint64_t *ret_off,
		     uint64_t *ret_left);

/*
 * Bytes of code that unwinding reads: the entry point, signal trampolines where there is hardly any
 * CFI.
 */
void elf_scan_code(struct elf_scan *scan);

#endif
