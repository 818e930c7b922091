/*
 * Where the FDEs of one object are, sorted by address, from .eh_frame and .debug_frame. Private
 * to report/unwind/. Of several that begin together the first in (.eh_frame, .debug_frame)
 * order wins; an FDE ends where the next begins: what a search in a linker's header finds. A
 * linker's header (.eh_frame_hdr) is taken when it is sorted and points at FDEs of .eh_frame;
 * each FDE is checked against it when it is used. One found wrong, and everything else, makes
 * the index from the sections.
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
	uint32_t off; /* in its section */
	uint8_t section;
};

struct index {
	struct cfi_section section[INDEX_SECTIONS];
	uint32_t n_sections;
	struct index_fde *fde;
	uint32_t n, n_bad;
	uint32_t n_all; /* with those that begin where another begins */
	bool from_header;
};

int index_init(struct index *x, const struct elf_image *image, bool use_header, struct err *err);
void index_done(struct index *x);

/* FDEs in a section, by their lengths alone. */
uint32_t index_count(const struct cfi_section *s);

/*
 * FDE at x->fde[i] with its CIE; its end is cut where a later one begins. False: it is not what
 * the index says.
 */
bool index_fde(const struct index *x, uint32_t i, struct cfi_cie *ret_cie, struct cfi_fde *ret_fde);

/* The last FDE that begins at or before addr; -1: none. It may end before addr. */
int64_t index_find(const struct index *x, uint64_t addr);

/* Where the next FDE that begins later begins; UINT64_MAX: nowhere. */
uint64_t index_next(const struct index *x, uint32_t i);

#endif
