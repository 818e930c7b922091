/*
 * Parts by section headers. Names decide for code and frames, types for symbol tables; a section
 * without bytes (NOBITS: split debug files) or with compressed ones is not taken.
 */
#include "common/elf/scan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/auto.h"
#include "common/base/bits.h"

enum {
	SECTIONS_MAX = 1 << 16,
	NAMES_BYTES_MAX = 4 << 20,
};

struct sections {
	Elf64_Shdr *shdr;
	uint32_t n;
	char *names; /* zero-terminated, whatever the file says */
	uint64_t names_bytes;
};

static const struct {
	const char *name;
	enum elf_part_kind kind;
	unsigned int take;
} by_name[] = {
	{ ".eh_frame", ELF_PART_EH_FRAME, ELF_TAKE_UNWIND },
	{ ".eh_frame_hdr", ELF_PART_EH_FRAME_HDR, ELF_TAKE_UNWIND },
	{ ".debug_frame", ELF_PART_DEBUG_FRAME, ELF_TAKE_UNWIND },
	{ ".plt", ELF_PART_CODE, ELF_TAKE_UNWIND },
	{ ".plt.sec", ELF_PART_CODE, ELF_TAKE_UNWIND },
	{ ".plt.got", ELF_PART_CODE, ELF_TAKE_UNWIND },
	{ ".init", ELF_PART_CODE, ELF_TAKE_UNWIND },
	{ ".fini", ELF_PART_CODE, ELF_TAKE_UNWIND },
	{ ".rela.plt", ELF_PART_RELA_PLT, ELF_TAKE_SYMBOLS },
	{ ".gnu_debugdata", ELF_PART_DEBUGDATA, ELF_TAKE_SYMBOLS },
};

static int sections_read(struct elf_scan *scan, struct sections *s)
{
	const Elf64_Ehdr *eh = &scan->ehdr;
	uint64_t n = eh->e_shnum, names = eh->e_shstrndx;
	Elf64_Shdr first;

	if (eh->e_shoff == 0)
		return -ENODATA;
	if (eh->e_shentsize != sizeof(Elf64_Shdr))
		return err_set(&scan->reason, -EBADMSG, "e_shentsize is %u, expected %zu",
			       eh->e_shentsize, sizeof(Elf64_Shdr));
	if (elf_source_read(scan->source, eh->e_shoff, &first, sizeof(first)) < 0)
		return err_set(&scan->reason, -EBADMSG,
			       "e_shoff %#" PRIx64 " lies outside the file of %" PRIu64 " bytes",
			       (uint64_t)eh->e_shoff, scan->source->size);
	if (n == 0)
		n = first.sh_size;
	if (names == SHN_XINDEX)
		names = first.sh_link;
	if (n == 0)
		return -ENODATA;
	if (n > SECTIONS_MAX)
		return err_set(&scan->reason, -EFBIG, "%" PRIu64 " sections, limit is %d", n,
			       SECTIONS_MAX);
	if (!elf_source_has(scan->source, eh->e_shoff, n * sizeof(Elf64_Shdr)))
		return err_set(&scan->reason, -EBADMSG,
			       "%" PRIu64 " section headers at %#" PRIx64
			       " pass the end of the file of %" PRIu64 " bytes",
			       n, (uint64_t)eh->e_shoff, scan->source->size);
	s->shdr = malloc(n * sizeof(Elf64_Shdr));
	if (!s->shdr)
		return -ENOMEM;
	s->n = (uint32_t)n;
	if (elf_source_read(scan->source, eh->e_shoff, s->shdr, n * sizeof(Elf64_Shdr)) < 0)
		return -EBADMSG;
	if (names >= n)
		return 0; /* nameless: symbol tables are still found by type */
	s->names_bytes = MIN(s->shdr[names].sh_size, (uint64_t)NAMES_BYTES_MAX);
	s->names = calloc(1, s->names_bytes + 1);
	if (!s->names)
		return -ENOMEM;
	if (elf_source_read(scan->source, s->shdr[names].sh_offset, s->names, s->names_bytes) < 0)
		s->names_bytes = 0;
	return 0;
}

static void want_section(struct elf_scan *scan, enum elf_part_kind kind, const Elf64_Shdr *sh)
{
	if (sh->sh_type == SHT_NOBITS || (sh->sh_flags & SHF_COMPRESSED))
		return;
	elf_scan_want(scan, kind, sh->sh_flags & SHF_ALLOC ? sh->sh_addr : 0, sh->sh_offset,
		      sh->sh_size);
}

static void want_symbols(struct elf_scan *scan, const struct sections *s, const Elf64_Shdr *sh)
{
	bool dynamic = sh->sh_type == SHT_DYNSYM;

	if (sh->sh_link >= s->n || s->shdr[sh->sh_link].sh_type != SHT_STRTAB)
		return;
	want_section(scan, dynamic ? ELF_PART_DYNSYM : ELF_PART_SYMTAB, sh);
	want_section(scan, dynamic ? ELF_PART_DYNSTR : ELF_PART_STRTAB, &s->shdr[sh->sh_link]);
}

/* Wanted in order of use, so that a limit on the sum takes the least useful away. */
static void want_named(struct elf_scan *scan, const struct sections *s)
{
	for (size_t i = 0; i < N_ELEMENTS(by_name); i++) {
		if (!(scan->take & by_name[i].take))
			continue;
		for (uint32_t k = 1; k < s->n; k++)
			if (s->shdr[k].sh_name < s->names_bytes &&
			    strcmp(s->names + s->shdr[k].sh_name, by_name[i].name) == 0) {
				want_section(scan, by_name[i].kind, &s->shdr[k]);
				break;
			}
	}
}

bool elf_scan_sections(struct elf_scan *scan)
{
	AUTO_FREE Elf64_Shdr *shdr = NULL;
	AUTO_FREE char *names = NULL;
	struct sections s = { 0 };
	int r = sections_read(scan, &s);

	shdr = s.shdr;
	names = s.names;
	if (r < 0)
		return false;
	want_named(scan, &s);
	if (scan->take & ELF_TAKE_SYMBOLS) {
		bool seen[2] = { false, false };

		for (uint32_t k = 1; k < s.n; k++) {
			uint32_t type = s.shdr[k].sh_type;

			if ((type != SHT_SYMTAB && type != SHT_DYNSYM) || seen[type == SHT_DYNSYM])
				continue;
			seen[type == SHT_DYNSYM] = true;
			want_symbols(scan, &s, &s.shdr[k]);
		}
	}
	for (uint32_t k = 1; k < s.n && scan->image->build_id.n == 0; k++)
		if (s.shdr[k].sh_type == SHT_NOTE)
			elf_scan_notes(scan, s.shdr[k].sh_offset, s.shdr[k].sh_size);
	return true;
}
