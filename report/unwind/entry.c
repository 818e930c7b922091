/* Entries of .eh_frame and .debug_frame: lengths, CIEs, FDEs, encoded pointers. */
#include "report/unwind/cfi.h"

#include <dwarf.h>
#include <string.h>

#include "common/elf/image.h"

struct entry {
	struct cursor c; /* after the id */
	uint64_t id_off, id;
	bool is_cie, wide;
};

/* initial length, then id. False: cut or lying; *ret_next is then the section's end. */
static enum cfi_entry entry_open(const struct cfi_section *s, uint64_t off, struct entry *e,
				 uint64_t *ret_next)
{
	struct cursor c;
	uint64_t length;

	*ret_next = s->n;
	if (off >= s->n)
		return CFI_ENTRY_END;
	c = cursor_of(s->bytes + off, s->n - off);
	length = cursor_u32(&c);
	e->wide = length == 0xffffffff;
	if (e->wide)
		length = cursor_u64(&c);
	if (c.bad || length > cursor_left(&c))
		return CFI_ENTRY_BAD;
	*ret_next = (uint64_t)(c.at - s->bytes) + length;
	if (length == 0)
		return CFI_ENTRY_ZERO;
	c.end = c.at + length;
	e->id_off = (uint64_t)(c.at - s->bytes);
	e->id = e->wide ? cursor_u64(&c) : cursor_u32(&c);
	e->c = c;
	if (c.bad)
		return CFI_ENTRY_BAD;
	e->is_cie = s->debug_frame ? e->id == (e->wide ? UINT64_MAX : UINT32_MAX) : e->id == 0;
	return e->is_cie ? CFI_ENTRY_CIE : CFI_ENTRY_FDE;
}

enum cfi_entry cfi_entry_at(const struct cfi_section *s, uint64_t off, uint64_t *ret_next,
			    uint64_t *ret_cie_off)
{
	struct entry e;
	enum cfi_entry kind = entry_open(s, off, &e, ret_next);

	if (kind != CFI_ENTRY_FDE)
		return kind;
	*ret_cie_off = s->debug_frame ? e.id : e.id_off - e.id;
	if (!s->debug_frame && e.id > e.id_off)
		return CFI_ENTRY_BAD;
	return *ret_cie_off < s->n ? kind : CFI_ENTRY_BAD;
}

static bool pointer_value(struct cursor *c, uint8_t format, uint64_t *ret)
{
	switch (format) {
	case DW_EH_PE_absptr:
	case DW_EH_PE_udata8:
	case DW_EH_PE_sdata8:
		*ret = cursor_u64(c);
		break;
	case DW_EH_PE_udata4:
		*ret = cursor_u32(c);
		break;
	case DW_EH_PE_sdata4:
		*ret = (uint64_t)(int64_t)(int32_t)cursor_u32(c);
		break;
	case DW_EH_PE_udata2:
		*ret = cursor_u16(c);
		break;
	case DW_EH_PE_sdata2:
		*ret = (uint64_t)(int64_t)(int16_t)cursor_u16(c);
		break;
	case DW_EH_PE_uleb128:
		*ret = cursor_uleb(c);
		break;
	case DW_EH_PE_sleb128:
		*ret = (uint64_t)cursor_sleb(c);
		break;
	default:
		return false;
	}
	return !c->bad;
}

bool cfi_pointer(const struct cfi_section *s, struct cursor *c, uint8_t enc, uint64_t at,
		 uint64_t *ret)
{
	uint64_t v, base;

	if (enc == DW_EH_PE_aligned) {
		uint64_t skip = ALIGN_UP(at, (uint64_t)8) - at;
		const uint8_t *p;

		return cursor_take(c, skip, &p) && pointer_value(c, DW_EH_PE_absptr, ret);
	}
	switch (enc & 0x70) {
	case 0:
		base = 0;
		break;
	case DW_EH_PE_pcrel:
		base = at;
		break;
	case DW_EH_PE_textrel:
		base = s->text_base;
		break;
	case DW_EH_PE_datarel:
		base = s->data_base;
		break;
	default: /* funcrel has no meaning in an FDE's own range */
		return false;
	}
	if (!pointer_value(c, enc & 0x0f, &v))
		return false;
	v += base;
	if (enc & DW_EH_PE_indirect) {
		const uint8_t *p = s->image ? elf_image_bytes(s->image, v, 8) : NULL;

		if (!p)
			return false;
		v = load_le64(p);
	}
	*ret = v;
	return true;
}

static uint64_t cursor_addr(const struct cfi_section *s, const struct cursor *c)
{
	return s->addr + (uint64_t)(c->at - s->bytes);
}

/*
 * After 'z' each letter has its data in order; letters we do not know end the reading, 'z'
 * gives the size.
 */
static bool cie_augmentation(const struct cfi_section *s, struct cfi_cie *cie, const char *letters,
			     struct cursor *c)
{
	uint64_t size, skipped;
	struct cursor data;
	const uint8_t *p;

	cie->has_sizes = true;
	size = cursor_uleb(c);
	if (!cursor_take(c, size, &p))
		return false;
	data = cursor_of(p, size);
	for (; *letters; letters++)
		switch (*letters) {
		case 'L':
			cursor_u8(&data);
			break;
		case 'R':
			cie->fde_encoding = cursor_u8(&data);
			break;
		case 'P': {
			uint8_t enc = cursor_u8(&data);

			if (enc != DW_EH_PE_omit &&
			    !cfi_pointer(s, &data, enc & (uint8_t)~DW_EH_PE_indirect,
					 cursor_addr(s, &data), &skipped))
				return false;
			break;
		}
		case 'S':
			cie->signal = true;
			break;
		case 'B': /* return addresses are signed with key B: stripped like key A */
		case 'G': /* memory tagging of stack frames */
			break;
		default:
			return !data.bad;
		}
	return !data.bad;
}

bool cfi_cie_at(const struct cfi_section *s, uint64_t off, struct cfi_cie *ret)
{
	struct cfi_cie cie = { .off = off, .fde_encoding = DW_EH_PE_absptr, .address_bytes = 8 };
	struct entry e;
	uint64_t next, ra;
	const uint8_t *letters, *zero;
	struct cursor *c = &e.c;

	if (entry_open(s, off, &e, &next) != CFI_ENTRY_CIE)
		return false;
	cie.version = cursor_u8(c);
	if (cie.version != 1 && cie.version != 3 && cie.version != 4)
		return false;
	letters = c->at;
	zero = memchr(letters, 0, cursor_left(c));
	if (!zero)
		return false;
	c->at = zero + 1;
	if (strcmp((const char *)letters, "eh") == 0)
		cursor_u64(c); /* gcc 2: pointer to exception data */
	if (cie.version == 4) {
		cie.address_bytes = cursor_u8(c);
		cie.segment_bytes = cursor_u8(c);
		if (cie.address_bytes != 8 || cie.segment_bytes != 0)
			return false;
	}
	cie.code_align = cursor_uleb(c);
	cie.data_align = cursor_sleb(c);
	ra = cie.version == 1 ? cursor_u8(c) : cursor_uleb(c);
	cie.ra = (uint32_t)MIN(ra, (uint64_t)UINT32_MAX);
	if (*letters == 'z') {
		if (!cie_augmentation(s, &cie, (const char *)letters + 1, c))
			return false;
	} else if (*letters && strcmp((const char *)letters, "eh") != 0) {
		return false; /* unknown, and nothing says how long it is */
	}
	if (c->bad || cursor_left(c) > CFI_INITIAL_BYTES_MAX)
		return false;
	cie.program = c->at;
	cie.program_end = c->end;
	*ret = cie;
	return true;
}

bool cfi_fde_at(const struct cfi_section *s, uint64_t off, const struct cfi_cie *cie,
		struct cfi_fde *ret)
{
	struct cfi_fde fde = { .off = off, .cie_off = cie->off };
	struct entry e;
	struct cursor *c = &e.c;
	uint64_t next, size;
	const uint8_t *p;

	if (entry_open(s, off, &e, &next) != CFI_ENTRY_FDE)
		return false;
	if (!cfi_pointer(s, c, cie->fde_encoding, cursor_addr(s, c), &fde.begin) ||
	    !pointer_value(c, cie->fde_encoding & 0x0f, &size))
		return false;
	if (size == 0 || size > UINT32_MAX || __builtin_add_overflow(fde.begin, size, &fde.end))
		return false; /* no function has 4 GiB */
	if (cie->has_sizes && !cursor_take(c, cursor_uleb(c), &p))
		return false;
	if (c->bad)
		return false;
	fde.program = c->at;
	fde.program_end = c->end;
	*ret = fde;
	return true;
}
