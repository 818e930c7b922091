/*
 * Section headers say nearly everything. Names are read once, as one block; notes come from
 * section headers, or from program headers where there are no sections.
 */
#include "report/debug/probe.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/auto.h"
#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "report/debug/dwoid.h"
#include "report/debug/prefix.h"

enum {
	SECTIONS_AT_ONCE = 64, /* headers read with one call */
	SEGMENTS_MAX = 4096,
};

/* Read of .debug_info.dwo and .debug_abbrev.dwo: what mostly is enough, and what at most. */
static const struct {
	size_t info, abbrev;
} dwo_bytes[] = {
	{ 4 << 10, 4 << 10 },
	/* type units before the one with the id; the table of a large C++ unit: its root is last */
	{ 8 << 20, 1 << 20 },
};

struct scan {
	int fd;
	uint64_t size;
	Elf64_Ehdr eh;
	char *names; /* of sections, zero-terminated at the end */
	uint64_t n_names;
	Elf64_Shdr dwo_info, dwo_abbrev;
	struct probe *probe;
};

static bool has(const struct scan *s, uint64_t off, uint64_t n)
{
	return off <= s->size && n <= s->size - off;
}

static bool read_at(const struct scan *s, uint64_t off, void *bytes, size_t n)
{
	return has(s, off, n) && io_pread(s->fd, bytes, n, off) == (ssize_t)n;
}

static int read_header(struct scan *s, struct err *err)
{
	struct stat st;

	if (fstat(s->fd, &st) < 0)
		return err_set(err, -errno, "cannot examine the file: %s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(err, -ENOEXEC, "not a regular file");
	s->size = st.st_size > 0 ? (uint64_t)st.st_size : 0;
	if (!read_at(s, 0, &s->eh, sizeof(s->eh)) || memcmp(s->eh.e_ident, ELFMAG, SELFMAG) != 0)
		return err_set(err, -ENOEXEC, "not an ELF file");
	if (s->eh.e_ident[EI_CLASS] != ELFCLASS64 || s->eh.e_ident[EI_DATA] != ELFDATA2LSB)
		return err_set(err, -ENOEXEC,
			       "not a 64-bit little-endian ELF file: class %u, data %u",
			       s->eh.e_ident[EI_CLASS], s->eh.e_ident[EI_DATA]);
	return 0;
}

static void find_build_id(struct scan *s, uint64_t off, uint64_t size)
{
	struct build_id *id = &s->probe->build_id;
	uint8_t bytes[1024];
	uint64_t end;

	size = MIN(size, (uint64_t)PROBE_NOTES_MAX);
	if (id->n || !has(s, off, size))
		return;
	end = off + size;
	while (end - off >= sizeof(Elf64_Nhdr)) {
		size_t n = (size_t)MIN(end - off, (uint64_t)sizeof(bytes));
		uint64_t name, desc, next;
		Elf64_Nhdr note;

		if (!read_at(s, off, bytes, n))
			return;
		memcpy(&note, bytes, sizeof(note));
		name = ALIGN_UP((uint64_t)note.n_namesz, 4);
		desc = ALIGN_UP((uint64_t)note.n_descsz, 4);
		next = sizeof(note) + name + desc;
		if (next > end - off)
			return;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && note.n_descsz &&
		    next <= n && !memcmp(bytes + sizeof(note), "GNU", 4)) {
			id->n = (uint8_t)MIN(note.n_descsz, (Elf64_Word)BUILD_ID_MAX);
			memcpy(id->bytes, bytes + sizeof(note) + name, id->n);
			return;
		}
		off += next;
	}
}

/* .gnu_debuglink: a name, zero, up to 3 bytes of padding, a checksum that the build-id replaces */
static void take_link(struct scan *s, const Elf64_Shdr *sh)
{
	char *link = s->probe->link;
	size_t n = (size_t)MIN(sh->sh_size, (Elf64_Xword)PROBE_LINK_MAX);

	if (!read_at(s, sh->sh_offset, link, n) || !memchr(link, 0, n) || strchr(link, '/') ||
	    !strcmp(link, ".") || !strcmp(link, ".."))
		link[0] = 0;
}

/* .gnu_debugaltlink: a path, which is not used, zero, the build-id */
static void take_alt(struct scan *s, const Elf64_Shdr *sh)
{
	uint8_t bytes[PATH_MAX_BYTES + BUILD_ID_MAX];
	size_t n = (size_t)MIN(sh->sh_size, (Elf64_Xword)sizeof(bytes));
	const uint8_t *zero;

	if (!read_at(s, sh->sh_offset, bytes, n) || !(zero = memchr(bytes, 0, n)))
		return;
	n -= (size_t)(zero + 1 - bytes);
	s->probe->alt.n = (uint8_t)MIN(n, (size_t)BUILD_ID_MAX);
	memcpy(s->probe->alt.bytes, zero + 1, s->probe->alt.n);
}

static bool named(const char *name, const char *dwarf)
{
	return !strcmp(name, dwarf) ||
	       (name[0] == '.' && name[1] == 'z' && !strcmp(name + 2, dwarf + 1));
}

static void take_named(struct scan *s, const char *name, const Elf64_Shdr *sh)
{
	unsigned int *flags = &s->probe->flags;

	if (named(name, ".debug_info")) {
		*flags |= PROBE_DEBUG_INFO;
	} else if (named(name, ".debug_str")) {
		*flags |= PROBE_STRINGS;
	} else if (named(name, ".debug_info.dwo")) {
		*flags |= PROBE_DWO;
		s->dwo_info = *sh;
	} else if (named(name, ".debug_abbrev.dwo")) {
		s->dwo_abbrev = *sh;
	} else if (!strcmp(name, ".debug_cu_index")) {
		*flags |= PROBE_DWP;
	} else if (!strcmp(name, ".gnu_debugdata")) {
		*flags |= PROBE_DYNSYM;
	} else if (!strcmp(name, ".gnu_debuglink")) {
		take_link(s, sh);
	} else if (!strcmp(name, ".gnu_debugaltlink")) {
		take_alt(s, sh);
	}
}

static void take_section(struct scan *s, const Elf64_Shdr *sh)
{
	if (!sh->sh_size || sh->sh_type == SHT_NOBITS || !has(s, sh->sh_offset, sh->sh_size))
		return;
	switch (sh->sh_type) {
	case SHT_NOTE:
		find_build_id(s, sh->sh_offset, sh->sh_size);
		return;
	case SHT_SYMTAB:
		s->probe->flags |= PROBE_SYMTAB;
		return;
	case SHT_DYNSYM:
		s->probe->flags |= PROBE_DYNSYM;
		return;
	default:
		break;
	}
	if ((sh->sh_flags & SHF_ALLOC) && (sh->sh_flags & SHF_EXECINSTR))
		s->probe->flags |= PROBE_CODE;
	else if (sh->sh_name < s->n_names)
		take_named(s, s->names + sh->sh_name, sh);
}

static int read_names(struct scan *s, uint64_t n_sections, struct err *err)
{
	uint64_t index = s->eh.e_shstrndx;
	Elf64_Shdr sh;

	if (index == SHN_XINDEX && read_at(s, s->eh.e_shoff, &sh, sizeof(sh)))
		index = sh.sh_link;
	if (index == SHN_UNDEF || index >= n_sections)
		return 0;
	if (!read_at(s, s->eh.e_shoff + index * sizeof(sh), &sh, sizeof(sh)) ||
	    sh.sh_type == SHT_NOBITS || !has(s, sh.sh_offset, sh.sh_size))
		return err_set(err, -EBADMSG,
			       "section names lie outside the file of %" PRIu64 " bytes", s->size);
	s->n_names = MIN(sh.sh_size, (Elf64_Xword)PROBE_NAMES_MAX);
	s->names = malloc(s->n_names + 1);
	if (!s->names)
		return err_set(err, -ENOMEM, "no memory for %" PRIu64 " bytes", s->n_names);
	if (!read_at(s, sh.sh_offset, s->names, s->n_names))
		return err_set(err, -EBADMSG, "cannot read %" PRIu64 " bytes of section names",
			       s->n_names);
	s->names[s->n_names] = 0;
	return 0;
}

static int read_sections(struct scan *s, struct err *err)
{
	Elf64_Shdr sh[SECTIONS_AT_ONCE];
	uint64_t n = s->eh.e_shnum;
	int r;

	if (!s->eh.e_shoff)
		return 0;
	if (s->eh.e_shentsize != sizeof(sh[0]))
		return err_set(err, -EBADMSG, "e_shentsize is %u, expected %zu", s->eh.e_shentsize,
			       sizeof(sh[0]));
	/* more than 65279 sections: the count stands in the first one */
	if (!n && read_at(s, s->eh.e_shoff, sh, sizeof(sh[0])))
		n = sh[0].sh_size;
	if (n > PROBE_SECTIONS_MAX)
		return err_set(err, -EFBIG, "%" PRIu64 " sections, limit is %d", n,
			       PROBE_SECTIONS_MAX);
	if (!has(s, s->eh.e_shoff, n * sizeof(sh[0])))
		return err_set(err, -EBADMSG,
			       "%" PRIu64 " section headers at %#" PRIx64
			       " pass the end of the file of %" PRIu64 " bytes",
			       n, (uint64_t)s->eh.e_shoff, s->size);
	if ((r = read_names(s, n, err)) < 0)
		return r;
	for (uint64_t i = 0; i < n; i += SECTIONS_AT_ONCE) {
		uint64_t now = MIN(n - i, (uint64_t)SECTIONS_AT_ONCE);

		if (!read_at(s, s->eh.e_shoff + i * sizeof(sh[0]), sh, now * sizeof(sh[0])))
			return err_set(err, -EBADMSG, "cannot read section header %" PRIu64, i);
		for (uint64_t k = 0; k < now; k++)
			take_section(s, &sh[k]);
	}
	return 0;
}

/* A file without section headers: its notes, and whether it is an object with code. */
static void read_segments(struct scan *s)
{
	uint64_t n = MIN((uint64_t)s->eh.e_phnum, (uint64_t)SEGMENTS_MAX);

	if (s->eh.e_phentsize != sizeof(Elf64_Phdr))
		return;
	for (uint64_t i = 0; i < n; i++) {
		Elf64_Phdr ph;

		if (!read_at(s, s->eh.e_phoff + i * sizeof(ph), &ph, sizeof(ph)))
			return;
		if (ph.p_type == PT_NOTE)
			find_build_id(s, ph.p_offset, ph.p_filesz);
		if (!s->eh.e_shoff && ph.p_type == PT_LOAD && (ph.p_flags & PF_X) && ph.p_filesz &&
		    has(s, ph.p_offset, ph.p_filesz))
			s->probe->flags |= PROBE_CODE | PROBE_DYNSYM;
	}
}

static bool read_dwo_id(struct scan *s, size_t info_bytes, size_t abbrev_bytes)
{
	AUTO_FREE uint8_t *info = malloc(info_bytes), *abbrev = malloc(abbrev_bytes);
	size_t n_info, n_abbrev;

	if (!info || !abbrev)
		return false;
	n_info = prefix_read(s->fd, &s->dwo_info, info, info_bytes);
	n_abbrev = prefix_read(s->fd, &s->dwo_abbrev, abbrev, abbrev_bytes);
	return dwoid_find(info, n_info, abbrev, n_abbrev, &s->probe->dwo_id);
}

static void find_dwo_id(struct scan *s)
{
	s->probe->dwo_id = 0;
	for (unsigned int i = 0; i < N_ELEMENTS(dwo_bytes); i++)
		if (read_dwo_id(s, dwo_bytes[i].info, dwo_bytes[i].abbrev))
			return;
}

int probe_file(int fd, struct probe *ret, struct err *err)
{
	struct probe probe = { 0 };
	struct scan s = { .fd = fd, .probe = &probe };
	int r;

	if ((r = read_header(&s, err)) < 0)
		return r;
	r = read_sections(&s, err);
	free(s.names);
	if (r < 0)
		return r;
	if (!probe.build_id.n || !s.eh.e_shoff)
		read_segments(&s);
	if ((probe.flags & PROBE_DWO) && !(probe.flags & PROBE_DWP))
		find_dwo_id(&s);
	*ret = probe;
	return 0;
}
