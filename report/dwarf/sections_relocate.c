#include "report/dwarf/sections_relocate.h"

#include <elf.h>
#include <stdbool.h>
#include <string.h>

#include "common/base/bits.h"
#include "report/dwarf/sections_file.h"

struct symbols {
	const uint8_t *entry;
	uint64_t n;
	const uint8_t *index; /* SHT_SYMTAB_SHNDX: section of symbols with SHN_XINDEX */
	uint64_t n_index;
};

uint32_t sections_relocations_of(const struct sections_file *f, uint32_t index)
{
	for (uint32_t i = 1; i < f->n; i++)
		if (f->shdr[i].sh_type == SHT_RELA && f->shdr[i].sh_info == index)
			return i;
	return 0;
}

static bool symbols_open(const struct sections_file *f, uint32_t table, struct symbols *ret)
{
	uint64_t n;

	*ret = (struct symbols){ 0 };
	if (table >= f->n || f->shdr[table].sh_type != SHT_SYMTAB ||
	    sections_file_bytes(f, table, &ret->entry, &n, NULL) < 0)
		return false;
	ret->n = n / sizeof(Elf64_Sym);
	for (uint32_t i = 1; i < f->n; i++) {
		if (f->shdr[i].sh_type != SHT_SYMTAB_SHNDX || f->shdr[i].sh_link != table ||
		    sections_file_bytes(f, i, &ret->index, &n, NULL) < 0)
			continue;
		ret->n_index = n / sizeof(uint32_t);
		break;
	}
	return true;
}

static bool symbol_addr(const struct sections_file *f, const struct symbols *s, uint64_t i,
			uint64_t *ret)
{
	Elf64_Sym sym;
	uint32_t section;

	if (i >= s->n)
		return false;
	memcpy(&sym, s->entry + i * sizeof(sym), sizeof(sym));
	section = sym.st_shndx;
	*ret = sym.st_value;
	if (section == SHN_XINDEX)
		section = i < s->n_index ? load_le32(s->index + i * sizeof(uint32_t)) : SHN_UNDEF;
	else if (section >= SHN_LORESERVE)
		return true;
	if (section < f->n)
		*ret += sections_file_addr(f, section);
	return true;
}

/* Bytes that a relocation fills: 8, 4, or 0 when it is none of those that debug sections need. */
static unsigned int width_of(enum machine machine, uint32_t type)
{
	if (machine == MACHINE_AARCH64)
		return type == R_AARCH64_ABS64 ? 8 : type == R_AARCH64_ABS32 ? 4 : 0;
	return type == R_X86_64_64 ? 8 : type == R_X86_64_32 || type == R_X86_64_32S ? 4 : 0;
}

void sections_relocate(const struct sections_file *f, uint32_t rela, uint8_t *bytes, uint64_t n)
{
	const uint8_t *entry;
	uint64_t n_bytes;
	struct symbols symbols;

	if (!symbols_open(f, f->shdr[rela].sh_link, &symbols) ||
	    sections_file_bytes(f, rela, &entry, &n_bytes, NULL) < 0)
		return;
	for (; n_bytes >= sizeof(Elf64_Rela);
	     n_bytes -= sizeof(Elf64_Rela), entry += sizeof(Elf64_Rela)) {
		Elf64_Rela r;
		uint64_t addr;
		unsigned int width;

		memcpy(&r, entry, sizeof(r));
		width = width_of(f->machine, ELF64_R_TYPE(r.r_info));
		if (!width || r.r_offset > n || width > n - r.r_offset ||
		    !symbol_addr(f, &symbols, ELF64_R_SYM(r.r_info), &addr))
			continue;
		addr += (uint64_t)r.r_addend;
		if (width == 8)
			store_le64(bytes + r.r_offset, addr);
		else
			store_le32(bytes + r.r_offset, (uint32_t)addr);
	}
}
