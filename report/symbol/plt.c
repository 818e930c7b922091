/*
 * PLT entries have no symbols: the jump through the GOT in an entry's code names the slot, and
 * .rela.plt names the function of that slot. Reading the code works for .plt, .plt.sec and every
 * linker's order. Source: System V psABI x86-64, 5.2 and A.2 (IBT); AAELF64, "Dynamic linking".
 */
#include "report/symbol/symbol.h"

#include <elf.h>
#include <string.h>

#include "common/base/bits.h"
#include "common/elf/image.h"
#include "report/symbol/table.h"

enum { PLT_ENTRY_BYTES = 16 };

static const struct elf_part *code_part(const struct elf_image *image, uint64_t addr)
{
	for (uint32_t i = 0; i < image->n_parts; i++) {
		const struct elf_part *p = &image->part[i];

		if (p->kind == ELF_PART_CODE && p->data && addr - p->addr < p->size)
			return p;
	}
	return NULL;
}

/* jmp *disp(%rip), perhaps behind endbr64 and bnd. */
static bool x86_got_slot(const uint8_t *code, uint64_t addr, uint64_t *ret)
{
	for (unsigned int i = 0; i + 6 <= PLT_ENTRY_BYTES; i++) {
		if (code[i] != 0xff || code[i + 1] != 0x25)
			continue;
		*ret = addr + i + 6 + (uint64_t)(int64_t)(int32_t)load_le32(code + i + 2);
		return true;
	}
	return false;
}

/* endbr64; push $index; jmp PLT0: the first half of a lazily bound IBT entry. */
static bool x86_index(const uint8_t *code, uint64_t *ret)
{
	static const uint8_t endbr64[] = { 0xf3, 0x0f, 0x1e, 0xfa, 0x68 };

	if (memcmp(code, endbr64, sizeof(endbr64)) != 0)
		return false;
	*ret = load_le32(code + sizeof(endbr64));
	return true;
}

/* adrp x16, page; ldr x17, [x16, #off], perhaps behind bti c. */
static bool a64_got_slot(const uint8_t *code, uint64_t addr, uint64_t *ret)
{
	for (unsigned int i = 0; i + 8 <= PLT_ENTRY_BYTES; i += 4) {
		uint32_t adrp = load_le32(code + i), ldr = load_le32(code + i + 4);
		int64_t page;

		if ((adrp & 0x9f00001f) != 0x90000010 || (ldr & 0xffc003ff) != 0xf9400211)
			continue;
		page = (int64_t)((uint64_t)((adrp >> 5 & 0x7ffff) << 2 | (adrp >> 29 & 3)) << 43) >>
		       43;
		*ret = ((addr + i) & ~(uint64_t)0xfff) + ((uint64_t)page << 12) +
		       (uint64_t)(ldr >> 10 & 0xfff) * 8;
		return true;
	}
	return false;
}

/*
 * Linkers write .rela.plt in rising order of the slots; one that is not sorted leaves entries
 * unnamed.
 */
static bool find_slot(const struct elf_part *rela, uint64_t slot, uint64_t *ret)
{
	uint64_t lo = 0, hi = rela->size / sizeof(Elf64_Rela);

	while (lo < hi) {
		uint64_t mid = lo + (hi - lo) / 2;
		uint64_t off = load_le64(rela->data + mid * sizeof(Elf64_Rela));

		if (off == slot) {
			*ret = mid;
			return true;
		}
		if (off < slot)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

static bool entry_index(const struct elf_image *image, const struct elf_part *rela,
			const uint8_t *code, uint64_t addr, uint64_t *ret)
{
	uint64_t slot;

	if (image->machine == MACHINE_AARCH64)
		return a64_got_slot(code, addr, &slot) && find_slot(rela, slot, ret);
	if (x86_got_slot(code, addr, &slot))
		return find_slot(rela, slot, ret);
	return x86_index(code, ret);
}

bool symbol_plt(const struct elf_image *image, uint64_t addr, struct buf *ret)
{
	const struct elf_part *code = code_part(image, addr);
	const struct elf_part *rela = elf_image_part(image, ELF_PART_RELA_PLT);
	const struct elf_part *symbols = elf_image_part(image, ELF_PART_DYNSYM);
	const struct elf_part *strings = elf_image_part(image, ELF_PART_DYNSTR);
	uint64_t off, index, symbol;
	const char *text;
	uint32_t n;

	if (!code || !rela || !rela->data || !symbols || !symbols->data || !strings ||
	    !strings->data)
		return false;
	off = (addr - code->addr) / PLT_ENTRY_BYTES * PLT_ENTRY_BYTES;
	if (code->size - off < PLT_ENTRY_BYTES ||
	    !entry_index(image, rela, code->data + off, code->addr + off, &index) ||
	    index >= rela->size / sizeof(Elf64_Rela))
		return false;
	symbol =
		load_le64(rela->data + index * sizeof(Elf64_Rela) + offsetof(Elf64_Rela, r_info)) >>
		32;
	if (!symbol || symbol >= symbols->size / sizeof(Elf64_Sym) ||
	    !table_string(strings->data, strings->size,
			  load_le32(symbols->data + symbol * sizeof(Elf64_Sym)), &text, &n) ||
	    !n)
		return false;
	buf_put(ret, text, n);
	return true;
}
