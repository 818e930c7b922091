/*
 * Parts by program headers alone: files whose section headers were stripped, and images taken from
 * memory. PT_GNU_EH_FRAME points at .eh_frame_hdr, which points at .eh_frame; PT_DYNAMIC gives the
 * rest.
 */
#include "common/elf/scan.h"

#include <errno.h>
#include <string.h>

#include "common/base/bits.h"

enum {
	DYNAMIC_MAX = 1024, /* entries looked at */
	SCAN_CODE_MAX = 4 << 20,
	SCAN_BLOCK = 64 << 10,
	ENTRY_CODE_BYTES = 256,
	TRAMPOLINES_MAX = 4,
};

bool elf_scan_offset(const struct elf_scan *scan, uint64_t addr, uint64_t *ret_off,
		     uint64_t *ret_left)
{
	for (uint32_t i = 0; i < scan->image->n_loads; i++) {
		const struct elf_load *l = &scan->image->load[i];

		if (addr - l->addr >= l->file_size)
			continue;
		*ret_off = l->file_off + (addr - l->addr);
		*ret_left = l->file_size - (addr - l->addr);
		return *ret_off <= scan->source->size;
	}
	return false;
}

/*
 * .eh_frame_hdr: version 1, eh_frame_ptr_enc, fde_count_enc, table_enc, eh_frame_ptr. Only what
 * linkers write.
 */
static void want_frames(struct elf_scan *scan)
{
	enum { ENC_PCREL_SDATA4 = 0x1b };
	const Elf64_Phdr *ph = &scan->eh_frame_hdr;
	uint8_t head[8];
	uint64_t off, left, addr;

	if (ph->p_type != PT_GNU_EH_FRAME)
		return;
	elf_scan_want(scan, ELF_PART_EH_FRAME_HDR, ph->p_vaddr, ph->p_offset, ph->p_filesz);
	if (elf_source_read(scan->source, ph->p_offset, head, sizeof(head)) < 0 || head[0] != 1 ||
	    head[1] != ENC_PCREL_SDATA4)
		return;
	addr = ph->p_vaddr + 4 + (uint64_t)(int64_t)(int32_t)load_le32(head + 4);
	if (elf_scan_offset(scan, addr, &off, &left) && off < scan->source->size)
		elf_scan_want(scan, ELF_PART_EH_FRAME, addr, off,
			      MIN(left, scan->source->size - off));
}

static void want_at(struct elf_scan *scan, enum elf_part_kind kind, uint64_t addr, uint64_t size)
{
	uint64_t off, left;

	if (elf_scan_offset(scan, addr, &off, &left))
		elf_scan_want(scan, kind, addr, off, MIN(size, left));
}

/*
 * The dynamic symbol table has no length of its own: it ends before the next thing
 * that the dynamic section points at.
 */
static void want_dynamic(struct elf_scan *scan)
{
	static const int64_t pointers[] = { DT_STRTAB, DT_HASH, DT_GNU_HASH, DT_VERSYM, DT_VERNEED,
					    DT_VERDEF, DT_RELA, DT_JMPREL,   DT_INIT };
	uint64_t value[N_ELEMENTS(pointers)] = { 0 };
	uint64_t symtab = 0, strsz = 0, pltrelsz = 0, end = UINT64_MAX;
	uint64_t n = MIN(scan->dynamic.p_filesz / sizeof(Elf64_Dyn), (uint64_t)DYNAMIC_MAX);

	if (scan->dynamic.p_type != PT_DYNAMIC || !(scan->take & ELF_TAKE_SYMBOLS))
		return;
	for (uint64_t i = 0; i < n; i++) {
		Elf64_Dyn d;

		if (elf_source_read(scan->source, scan->dynamic.p_offset + i * sizeof(d), &d,
				    sizeof(d)) < 0 ||
		    d.d_tag == DT_NULL)
			break;
		if (d.d_tag == DT_SYMTAB)
			symtab = d.d_un.d_ptr;
		else if (d.d_tag == DT_STRSZ)
			strsz = d.d_un.d_val;
		else if (d.d_tag == DT_PLTRELSZ)
			pltrelsz = d.d_un.d_val;
		for (size_t k = 0; k < N_ELEMENTS(pointers); k++)
			if (d.d_tag == pointers[k])
				value[k] = d.d_un.d_ptr;
	}
	for (size_t k = 0; k < N_ELEMENTS(pointers); k++)
		if (value[k] > symtab)
			end = MIN(end, value[k]);
	if (!symtab || end == UINT64_MAX || !value[0])
		return;
	want_at(scan, ELF_PART_DYNSYM, symtab,
		(end - symtab) / sizeof(Elf64_Sym) * sizeof(Elf64_Sym));
	want_at(scan, ELF_PART_DYNSTR, value[0], strsz);
	if (pltrelsz)
		want_at(scan, ELF_PART_RELA_PLT, value[7], pltrelsz);
}

void elf_scan_segments(struct elf_scan *scan)
{
	if (scan->take & ELF_TAKE_UNWIND)
		want_frames(scan);
	want_dynamic(scan);
}

/* x86-64: mov $15,%rax; syscall. Where the C library has no CFI these bytes are all that tells. */
static const uint8_t sigreturn_x86[] = { 0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05 };
/* aarch64: mov x8,#139; svc #0 */
static const uint8_t sigreturn_a64[] = { 0x68, 0x11, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4 };

static void want_trampolines(struct elf_scan *scan, const struct elf_load *load)
{
	static _Thread_local uint8_t block[SCAN_BLOCK];
	bool a64 = scan->image->machine == MACHINE_AARCH64;
	const uint8_t *pattern = a64 ? sigreturn_a64 : sigreturn_x86;
	size_t n_pattern = a64 ? sizeof(sigreturn_a64) : sizeof(sigreturn_x86);
	uint64_t size = MIN(load->file_size, (uint64_t)SCAN_CODE_MAX);
	int n_found = 0;

	for (uint64_t at = 0; at + n_pattern <= size; at += SCAN_BLOCK - n_pattern + 1) {
		size_t n = (size_t)MIN(size - at, (uint64_t)SCAN_BLOCK);
		const uint8_t *p = block, *hit;

		if (elf_source_read(scan->source, load->file_off + at, block, n) < 0)
			return;
		while ((hit = memmem(p, n - (size_t)(p - block), pattern, n_pattern))) {
			uint64_t off = at + (uint64_t)(hit - block);

			elf_scan_want(scan, ELF_PART_CODE, load->addr + off, load->file_off + off,
				      n_pattern);
			if (++n_found == TRAMPOLINES_MAX)
				return;
			p = hit + 1;
		}
	}
}

void elf_scan_code(struct elf_scan *scan)
{
	uint64_t off, left, frames = 0;

	if (scan->image->entry && elf_scan_offset(scan, scan->image->entry, &off, &left))
		elf_scan_want(scan, ELF_PART_CODE, scan->image->entry, off,
			      MIN(MIN(left, (uint64_t)ENTRY_CODE_BYTES), scan->source->size - off));
	for (uint32_t i = 0; i < scan->n_wants; i++)
		if (scan->want[i].kind == ELF_PART_EH_FRAME ||
		    scan->want[i].kind == ELF_PART_DEBUG_FRAME)
			frames += scan->want[i].size;
	/*
	 * Compiled code has 5 to 20 % of its size in CFI; with less than 1 % most functions have
	 * none.
	 */
	for (uint32_t i = 0; i < scan->image->n_loads; i++) {
		const struct elf_load *l = &scan->image->load[i];

		if ((l->flags & PF_X) && frames < l->file_size / 100)
			want_trampolines(scan, l);
	}
}
