/*
 * Maps the file whole and copies the section headers. All sections of an object (ET_REL) have
 * address 0, so functions of .text and .text.unlikely would lie on each other: they are placed one
 * after the other here, code first, so that the first one with code keeps 0.
 */
#include "report/dwarf/sections_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "common/base/err.h"
#include "report/dwarf/sections.h"

static bool file_has(const struct sections_file *f, uint64_t off, uint64_t n)
{
	return off <= f->size && n <= f->size - off;
}

static int map_file(struct sections_file *f, int fd, struct err *err)
{
	struct stat st;
	void *map;

	if (fstat(fd, &st) < 0)
		return err_set(err, -errno, "cannot examine the file: %s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(err, -ENOEXEC, "not a regular file");
	if (st.st_size < (off_t)sizeof(Elf64_Ehdr))
		return err_set(err, -ENOEXEC,
			       "not an ELF file: %" PRIu64 " bytes, a header has %zu",
			       (uint64_t)st.st_size, sizeof(Elf64_Ehdr));
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return err_set(err, -errno, "cannot map the file of %" PRIu64 " bytes: %s",
			       (uint64_t)st.st_size, strerror(errno));
	f->map = map;
	f->size = (uint64_t)st.st_size;
	return 0;
}

static int check_header(struct sections_file *f, const Elf64_Ehdr *eh, struct err *err)
{
	if (memcmp(eh->e_ident, ELFMAG, SELFMAG) != 0)
		return err_set(err, -ENOEXEC, "not an ELF file: it starts with %02x %02x %02x %02x",
			       eh->e_ident[0], eh->e_ident[1], eh->e_ident[2], eh->e_ident[3]);
	if (eh->e_ident[EI_CLASS] != ELFCLASS64 || eh->e_ident[EI_DATA] != ELFDATA2LSB)
		return err_set(err, -ENOEXEC,
			       "a %s-bit %s-endian ELF file, only 64-bit "
			       "little-endian ones are read",
			       eh->e_ident[EI_CLASS] == ELFCLASS32 ? "32" : "64",
			       eh->e_ident[EI_DATA] == ELFDATA2MSB ? "big" : "little");
	if (eh->e_machine == EM_X86_64)
		f->machine = MACHINE_X86_64;
	else if (eh->e_machine == EM_AARCH64)
		f->machine = MACHINE_AARCH64;
	else
		return err_set(err, -ENOEXEC, "ELF machine %u is neither x86-64 nor aarch64",
			       eh->e_machine);
	f->relocatable = eh->e_type == ET_REL;
	return 0;
}

static int read_headers(struct sections_file *f, const Elf64_Ehdr *eh, struct err *err)
{
	uint64_t n = eh->e_shnum, names = eh->e_shstrndx;
	Elf64_Shdr first;

	if (eh->e_shoff == 0)
		return 0;
	if (eh->e_shentsize != sizeof(Elf64_Shdr))
		return err_set(err, -EBADMSG, "e_shentsize is %u, expected %zu", eh->e_shentsize,
			       sizeof(Elf64_Shdr));
	if (!file_has(f, eh->e_shoff, sizeof(first)))
		return err_set(err, -EBADMSG,
			       "e_shoff %#" PRIx64 " lies outside the file of %" PRIu64 " bytes",
			       (uint64_t)eh->e_shoff, f->size);
	memcpy(&first, f->map + eh->e_shoff, sizeof(first));
	if (n == 0)
		n = first.sh_size;
	if (names == SHN_XINDEX)
		names = first.sh_link;
	if (n > SECTIONS_MAX)
		return err_set(err, -EFBIG, "%" PRIu64 " sections, limit is %d", n, SECTIONS_MAX);
	if (!file_has(f, eh->e_shoff, n * sizeof(Elf64_Shdr)))
		return err_set(err, -EBADMSG,
			       "%" PRIu64 " section headers at %#" PRIx64
			       " pass the end of the file of %" PRIu64 " bytes",
			       n, (uint64_t)eh->e_shoff, f->size);
	f->n = (uint32_t)n;
	f->shdr = mem_alloc(MAX(n, 1) * sizeof(Elf64_Shdr));
	memcpy(f->shdr, f->map + eh->e_shoff, n * sizeof(Elf64_Shdr));
	if (names == SHN_UNDEF || names >= n || f->shdr[names].sh_type == SHT_NOBITS)
		return 0;
	if (file_has(f, f->shdr[names].sh_offset, f->shdr[names].sh_size)) {
		f->names = (const char *)f->map + f->shdr[names].sh_offset;
		f->names_bytes = f->shdr[names].sh_size;
	}
	return 0;
}

/* Places the sections of one sort; false when they pass the end of the address space. */
static bool place(struct sections_file *f, bool code, uint64_t *at)
{
	for (uint32_t i = 1; i < f->n; i++) {
		const Elf64_Shdr *sh = &f->shdr[i];
		uint64_t align = sh->sh_addralign ? sh->sh_addralign : 1;

		if (!(sh->sh_flags & SHF_ALLOC) || sections_file_is_code(sh) != code)
			continue;
		if ((align & (align - 1)) || __builtin_add_overflow(*at, align - 1, at))
			return false;
		*at &= ~(align - 1);
		f->base[i] = *at;
		if (__builtin_add_overflow(*at, sh->sh_size, at))
			return false;
	}
	return true;
}

static int place_sections(struct sections_file *f, struct err *err)
{
	uint64_t at = 0;

	if (!f->relocatable || !f->n)
		return 0;
	f->base = mem_zalloc(f->n * sizeof(*f->base));
	if (place(f, true, &at) && place(f, false, &at))
		return 0;
	return err_set(err, -EBADMSG, "sections of the object pass the end of the address space");
}

int sections_file_open(struct sections_file *f, int fd, struct err *err)
{
	Elf64_Ehdr eh;
	int status;

	*f = (struct sections_file){ 0 };
	status = map_file(f, fd, err);
	if (status < 0)
		return status;
	memcpy(&eh, f->map, sizeof(eh));
	status = check_header(f, &eh, err);
	if (status == 0)
		status = read_headers(f, &eh, err);
	if (status == 0)
		status = place_sections(f, err);
	if (status < 0)
		sections_file_close(f);
	return status;
}

void sections_file_close(struct sections_file *f)
{
	free(f->shdr);
	free(f->base);
	if (f->map)
		munmap((void *)(uintptr_t)f->map, f->size);
	*f = (struct sections_file){ 0 };
}

const char *sections_file_name(const struct sections_file *f, uint32_t index)
{
	uint64_t off = f->shdr[index].sh_name;

	if (off >= f->names_bytes || !memchr(f->names + off, 0, f->names_bytes - off))
		return "";
	return f->names + off;
}

bool sections_file_begins(const struct sections_file *f, uint32_t index, const char *prefix)
{
	uint64_t off = f->shdr[index].sh_name, n = strlen(prefix);

	return off < f->names_bytes && n <= f->names_bytes - off &&
	       memcmp(f->names + off, prefix, n) == 0;
}

void sections_file_give_back(const uint8_t *data, uint64_t n)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), start = (uintptr_t)data & ~(page - 1);

	if (n)
		madvise((void *)start, (uintptr_t)data + n - start, MADV_DONTNEED);
}

int sections_file_bytes(const struct sections_file *f, uint32_t index, const uint8_t **ret,
			uint64_t *ret_n, struct err *err)
{
	const Elf64_Shdr *sh = &f->shdr[index];

	if (sh->sh_type == SHT_NOBITS)
		return err_set(err, -ENODATA, "section '%s' has no bytes in this file",
			       sections_file_name(f, index));
	if (!file_has(f, sh->sh_offset, sh->sh_size))
		return err_set(err, -EBADMSG,
			       "section '%s' at %#" PRIx64 " with %" PRIu64
			       " bytes passes the end of the file of %" PRIu64 " bytes",
			       sections_file_name(f, index), (uint64_t)sh->sh_offset,
			       (uint64_t)sh->sh_size, f->size);
	*ret = f->map + sh->sh_offset;
	*ret_n = sh->sh_size;
	return 0;
}
