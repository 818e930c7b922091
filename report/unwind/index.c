#include "report/unwind/index.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/auto.h"
#include "common/base/err.h"
#include "common/elf/image.h"

enum {
	SECTION_BYTES_MAX = 128 << 20,
	CIE_SLOTS = 16, /* recently parsed CIEs: objects have few, one follows the other */
	RADIX_BITS = 11,
	RADIX = 1 << RADIX_BITS,
};

struct cie_slot {
	bool used, valid;
	struct cfi_cie cie;
};

struct collect {
	struct index *x;
	const struct elf_image *image;
	size_t cap;
	struct cie_slot cies[CIE_SLOTS];
};

/* fde_count of .eh_frame_hdr, 0 when there is none or it is not as linkers write it. */
static uint64_t header_count(const struct elf_image *image)
{
	enum { PCREL_SDATA4 = 0x1b, UDATA4 = 0x03 };
	const struct elf_part *hdr = elf_image_part(image, ELF_PART_EH_FRAME_HDR);

	if (!hdr || hdr->size < 12 || hdr->data[0] != 1 || hdr->data[1] != PCREL_SDATA4 ||
	    hdr->data[2] != UDATA4)
		return 0;
	return load_le32(hdr->data + 8);
}

static const struct cfi_cie *find_cie(struct collect *c, const struct cfi_section *s, uint64_t off)
{
	struct cie_slot *slot = &c->cies[(off >> 3) % CIE_SLOTS];

	if (!slot->used || slot->cie.off != off) {
		slot->used = true;
		slot->valid = cfi_cie_at(s, off, &slot->cie);
		slot->cie.off = off;
	}
	return slot->valid ? &slot->cie : NULL;
}

/* Sections that the linker dropped leave FDEs at 0, or outside of all code. */
static bool is_code(const struct elf_image *image, uint64_t begin)
{
	bool any = false;

	for (uint32_t i = 0; i < image->n_loads; i++) {
		const struct elf_load *l = &image->load[i];

		if (!(l->flags & 1 /* PF_X */))
			continue;
		any = true;
		if (begin - l->addr < l->mem_size)
			return true;
	}
	return !any && begin != 0;
}

static int add_fde(struct collect *c, uint32_t section, uint64_t off, uint64_t cie_off,
		   struct err *err)
{
	struct index *x = c->x;
	const struct cfi_section *s = &x->section[section];
	const struct cfi_cie *cie = find_cie(c, s, cie_off);
	struct cfi_fde fde;

	if (!cie || !cfi_fde_at(s, off, cie, &fde)) {
		x->n_bad++;
		return 0;
	}
	if (!is_code(c->image, fde.begin))
		return 0;
	if (x->n == INDEX_FDES_MAX)
		return err_set(err, -EFBIG, "more than %d frame descriptions", INDEX_FDES_MAX);
	mem_grow(&x->fde, &c->cap, (size_t)x->n + 1, sizeof(x->fde[0]));
	x->fde[x->n++] = (struct index_fde){
		.begin = fde.begin,
		.off = (uint32_t)off,
		.section = (uint8_t)section,
	};
	return 0;
}

static int collect_section(struct collect *c, uint32_t section, uint64_t n_expected,
			   struct err *err)
{
	const struct cfi_section *s = &c->x->section[section];
	uint64_t off = 0, next, cie_off;
	uint32_t n_before = c->x->n;
	int r;

	memset(c->cies, 0, sizeof(c->cies));
	for (; off < s->n; off = next)
		switch (cfi_entry_at(s, off, &next, &cie_off)) {
		case CFI_ENTRY_FDE:
			if ((r = add_fde(c, section, off, cie_off, err)) < 0)
				return r;
			break;
		case CFI_ENTRY_ZERO:
			/*
			 * crtend.o ends the section with one; a linker script may leave one in
			 * the middle.
			 */
			if (c->x->n - n_before >= n_expected && !s->debug_frame)
				return 0;
			break;
		case CFI_ENTRY_BAD:
			c->x->n_bad++;
			break;
		case CFI_ENTRY_CIE:
		case CFI_ENTRY_END:
			break;
		}
	return 0;
}

static int add_section(struct collect *c, enum elf_part_kind kind, struct err *err)
{
	const struct elf_image *image = c->image;
	const struct elf_part *part = elf_image_part(image, kind);
	const struct elf_part *hdr = elf_image_part(image, ELF_PART_EH_FRAME_HDR);
	struct index *x = c->x;
	bool debug = kind == ELF_PART_DEBUG_FRAME;

	if (!part || part->size == 0)
		return 0;
	if (part->size > SECTION_BYTES_MAX)
		return err_set(err, -EFBIG, "%s has %" PRIu64 " bytes, limit is %d",
			       debug ? ".debug_frame" : ".eh_frame", part->size, SECTION_BYTES_MAX);
	x->section[x->n_sections++] = (struct cfi_section){
		.bytes = part->data,
		.n = part->size,
		.addr = part->addr,
		.debug_frame = debug,
		.machine = image->machine,
		.text_base = image->n_loads ? image->load[0].addr : 0,
		.data_base = hdr ? hdr->addr : 0,
		.image = image,
	};
	return 0;
}

/*
 * The search table of .eh_frame_hdr: pairs of (begin, FDE), as 32-bit distances from the
 * header, after 12 bytes. Only .eh_frame alone can be taken from it.
 */
static bool take_header(struct collect *c)
{
	enum { DATAREL_SDATA4 = 0x3b, HEAD_BYTES = 12, PAIR_BYTES = 8 };
	const struct elf_part *hdr = elf_image_part(c->image, ELF_PART_EH_FRAME_HDR);
	struct index *x = c->x;
	uint64_t n = header_count(c->image), before = 0;

	if (x->n_sections != 1 || x->section[0].debug_frame || n == 0 || n > INDEX_FDES_MAX ||
	    hdr->data[3] != DATAREL_SDATA4 || n > (hdr->size - HEAD_BYTES) / PAIR_BYTES)
		return false;
	x->fde = mem_alloc(n * sizeof(x->fde[0]));
	for (uint64_t i = 0; i < n; i++) {
		const uint8_t *pair = hdr->data + HEAD_BYTES + i * PAIR_BYTES;
		uint64_t begin = hdr->addr + (uint64_t)(int64_t)(int32_t)load_le32(pair);
		uint64_t off = hdr->addr + (uint64_t)(int64_t)(int32_t)load_le32(pair + 4) -
			       x->section[0].addr;

		if (begin < before || off >= x->section[0].n) {
			free(x->fde);
			x->fde = NULL;
			return false;
		}
		before = begin;
		x->fde[i] = (struct index_fde){ .begin = begin, .off = (uint32_t)off };
	}
	x->n = (uint32_t)n;
	return true;
}

static int collect_sections(struct collect *c, struct err *err)
{
	int r;

	for (uint32_t i = 0; i < c->x->n_sections; i++)
		if ((r = collect_section(c, i,
					 c->x->section[i].debug_frame ? 0 : header_count(c->image),
					 err)) < 0)
			return r;
	return 0;
}

static bool is_sorted(const struct index *x)
{
	for (uint32_t i = 1; i < x->n; i++)
		if (x->fde[i].begin < x->fde[i - 1].begin)
			return false;
	return true;
}

/* Stable, 11 bits at a time, and only over bits that differ: three passes for 50 MB of code. */
static void sort(struct index *x)
{
	uint64_t all = 0, base = UINT64_MAX;
	struct index_fde *from = x->fde, *to;
	AUTO_FREE uint32_t *count = NULL;

	if (x->n < 2 || is_sorted(x))
		return;
	for (uint32_t i = 0; i < x->n; i++)
		base = MIN(base, x->fde[i].begin);
	for (uint32_t i = 0; i < x->n; i++)
		all |= x->fde[i].begin - base;
	to = mem_alloc(x->n * sizeof(*to));
	count = mem_alloc(RADIX * sizeof(*count));
	for (unsigned int shift = 0; shift < 64 && all >> shift; shift += RADIX_BITS) {
		uint32_t at = 0;
		struct index_fde *swap = from;

		memset(count, 0, RADIX * sizeof(*count));
		for (uint32_t i = 0; i < x->n; i++)
			count[(from[i].begin - base) >> shift & (RADIX - 1)]++;
		for (uint32_t k = 0; k < RADIX; k++) {
			uint32_t n = count[k];

			count[k] = at;
			at += n;
		}
		for (uint32_t i = 0; i < x->n; i++)
			to[count[(from[i].begin - base) >> shift & (RADIX - 1)]++] = from[i];
		from = to;
		to = swap;
	}
	x->fde = from;
	free(to);
}

/* Of FDEs that begin together the first stays. */
static void drop_equal(struct index *x)
{
	uint32_t n = 1;

	for (uint32_t i = 1; i < x->n; i++)
		if (x->fde[i].begin != x->fde[n - 1].begin)
			x->fde[n++] = x->fde[i];
	x->n = n;
}

int index_init(struct index *x, const struct elf_image *image, bool use_header, struct err *err)
{
	struct collect c = { .x = x, .image = image };
	int r;

	*x = (struct index){ 0 };
	if ((r = add_section(&c, ELF_PART_EH_FRAME, err)) < 0 ||
	    (r = add_section(&c, ELF_PART_DEBUG_FRAME, err)) < 0)
		return r;
	if (x->n_sections == 0)
		return err_set(err, -ENODATA, "no call frame information");
	x->from_header = use_header && take_header(&c);
	if (!x->from_header && (r = collect_sections(&c, err)) < 0) {
		index_done(x);
		return r;
	}
	if (x->n == 0)
		return x->n_bad ?
			       err_set(err, -EBADMSG,
				       "%u entries of call frame information, none valid",
				       x->n_bad) :
			       err_set(err, -ENODATA, "call frame information describes no code");
	sort(x);
	x->n_all = x->n;
	drop_equal(x);
	return 0;
}

void index_done(struct index *x)
{
	free(x->fde);
	x->fde = NULL;
	x->n = 0;
}

uint32_t index_count(const struct cfi_section *s)
{
	uint64_t off = 0, next, cie_off;
	uint32_t n = 0;

	for (; off < s->n; off = next)
		n += cfi_entry_at(s, off, &next, &cie_off) == CFI_ENTRY_FDE;
	return n;
}

uint64_t index_next(const struct index *x, uint32_t i)
{
	return i + 1 < x->n ? x->fde[i + 1].begin : UINT64_MAX;
}

bool index_fde(const struct index *x, uint32_t i, struct cfi_cie *ret_cie, struct cfi_fde *ret_fde)
{
	const struct cfi_section *s = &x->section[x->fde[i].section];
	uint64_t next, cie_off;

	if (cfi_entry_at(s, x->fde[i].off, &next, &cie_off) != CFI_ENTRY_FDE ||
	    !cfi_cie_at(s, cie_off, ret_cie) || !cfi_fde_at(s, x->fde[i].off, ret_cie, ret_fde) ||
	    ret_fde->begin != x->fde[i].begin)
		return false;
	ret_fde->end = MIN(ret_fde->end, index_next(x, i));
	return true;
}

int64_t index_find(const struct index *x, uint64_t addr)
{
	uint32_t lo = 0, n = x->n;

	/* lo: FDEs known to begin at or before addr */
	while (n > 0) {
		uint32_t half = n / 2;

		if (x->fde[lo + half].begin <= addr) {
			lo += half + 1;
			n -= half + 1;
		} else {
			n = half;
		}
	}
	return (int64_t)lo - 1;
}
