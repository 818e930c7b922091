/*
 * All FDEs of one object sorted by address, from .eh_frame and .debug_frame. Private to report/unwind/.
 * Of several that begin together the first in (.eh_frame, .debug_frame) order wins; an FDE ends where the next
 * begins: what a search in a linker's header finds.
 * .eh_frame_hdr is not trusted: it is rebuilt, only its count says whether a zero terminator was the end.
 */
#ifndef REPORT_UNWIND_INDEX_H
#define REPORT_UNWIND_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "report/unwind/cfi.h"

struct elf_image;
struct err;

enum { INDEX_FDES_MAX = 4 << 20, INDEX_SECTIONS = 2 };

struct index_fde {
	uint64_t begin;
	uint32_t size; /* bytes of code, cut at 4 GiB - 1 */
	uint32_t off;  /* in its section */
	uint8_t section;
};

struct index {
	struct cfi_section section[INDEX_SECTIONS];
	uint32_t n_sections;
	struct index_fde *fde;
	uint32_t n, n_bad;
};

int index_init(struct index *x, const struct elf_image *image, struct err *err);
void index_done(struct index *x);

/* FDE at x->fde[i] with its CIE. */
bool index_fde(const struct index *x, uint32_t i, struct cfi_cie *ret_cie, struct cfi_fde *ret_fde);

/*
 * The FDE that covers addr; -1: none. Up to `padding` bytes behind an FDE belong to it, when no other
 * begins there.
 */
int64_t index_find(const struct index *x, uint64_t addr, uint32_t padding);

#endif
