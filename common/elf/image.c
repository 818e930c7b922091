/*
 * One pass over headers decides which byte ranges are wanted; then one allocation, one pread a
 * range. Nothing is allocated in a size that the file has not got.
 */
#include "common/elf/image.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/bits.h"
#include "common/elf/scan.h"

enum {
	PHDRS_MAX = 4096,
	NOTES_BYTES_MAX = 64 << 10,
	PAGE = 4096,
};

/* Room after the last part, so that decoders may load 8 bytes at the end of it. */
enum { MEMORY_SLACK = 16 };

void elf_scan_want(struct elf_scan *scan, enum elf_part_kind kind, uint64_t addr, uint64_t off,
		   uint64_t size)
{
	if (size == 0)
		return;
	if (!elf_source_has(scan->source, off, size)) {
		if (!scan->reason.code)
			err_set(&scan->reason, -EBADMSG,
				"part of kind %d at %#" PRIx64 " with %" PRIu64
				" bytes passes the end of the file of %" PRIu64 " bytes",
				kind, off, size, scan->source->size);
		return;
	}
	if (size > ELF_PART_BYTES_MAX || scan->want_bytes + size > ELF_PART_BYTES_MAX ||
	    scan->n_wants == ELF_PARTS_MAX) {
		if (!scan->reason.code)
			err_set(&scan->reason, -EFBIG,
				"part of kind %d with %" PRIu64
				" bytes, limit for all parts is %d bytes",
				kind, size, ELF_PART_BYTES_MAX);
		return;
	}
	scan->want[scan->n_wants++] = (struct elf_want){ kind, addr, off, size };
	scan->want_bytes += ALIGN_UP(size, (uint64_t)8);
}

void elf_scan_notes(struct elf_scan *scan, uint64_t off, uint64_t size)
{
	struct build_id *id = &scan->image->build_id;
	uint64_t end;

	size = MIN(size, (uint64_t)NOTES_BYTES_MAX);
	if (!elf_source_has(scan->source, off, size))
		return;
	end = off + size;
	while (end - off >= sizeof(Elf64_Nhdr) && id->n == 0) {
		Elf64_Nhdr note;
		char name[4];
		uint64_t name_bytes, desc_bytes;

		if (elf_source_read(scan->source, off, &note, sizeof(note)) < 0)
			return;
		off += sizeof(note);
		name_bytes = ALIGN_UP((uint64_t)note.n_namesz, 4);
		desc_bytes = ALIGN_UP((uint64_t)note.n_descsz, 4);
		if (name_bytes > end - off || desc_bytes > end - off - name_bytes)
			return;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && note.n_descsz > 0 &&
		    elf_source_read(scan->source, off, name, sizeof(name)) == 0 &&
		    memcmp(name, "GNU", 4) == 0) {
			uint8_t n = (uint8_t)MIN(note.n_descsz, (Elf64_Word)BUILD_ID_MAX);

			if (elf_source_read(scan->source, off + name_bytes, id->bytes, n) == 0)
				id->n = n;
		}
		off += name_bytes + desc_bytes;
	}
}

static int read_header(struct elf_scan *scan, struct err *err)
{
	Elf64_Ehdr *eh = &scan->ehdr;
	struct elf_image *image = scan->image;

	if (elf_source_read(scan->source, 0, eh, sizeof(*eh)) < 0)
		return err_set(err, -ENOEXEC,
			       "not an ELF file: %" PRIu64 " bytes, a header has %zu",
			       scan->source->size, sizeof(*eh));
	if (memcmp(eh->e_ident, ELFMAG, SELFMAG) != 0)
		return err_set(err, -ENOEXEC, "not an ELF file: it starts with %02x %02x %02x %02x",
			       eh->e_ident[0], eh->e_ident[1], eh->e_ident[2], eh->e_ident[3]);
	if (eh->e_ident[EI_CLASS] != ELFCLASS64 || eh->e_ident[EI_DATA] != ELFDATA2LSB)
		return err_set(err, -ENOEXEC,
			       "not a 64-bit little-endian ELF file: class %u, data %u",
			       eh->e_ident[EI_CLASS], eh->e_ident[EI_DATA]);
	if (eh->e_machine == EM_X86_64)
		image->machine = MACHINE_X86_64;
	else if (eh->e_machine == EM_AARCH64)
		image->machine = MACHINE_AARCH64;
	else
		return err_set(err, -ENOEXEC, "ELF machine %u is neither x86-64 nor aarch64",
			       eh->e_machine);
	if (eh->e_type != ET_EXEC && eh->e_type != ET_DYN)
		return err_set(err, -ENOEXEC, "ELF type %u is neither a program nor a library",
			       eh->e_type);
	image->elf_type = eh->e_type;
	image->entry = eh->e_entry;
	return 0;
}

static int add_load(struct elf_scan *scan, const Elf64_Phdr *ph, struct err *err)
{
	struct elf_image *image = scan->image;
	uint64_t end;

	if (__builtin_add_overflow(ph->p_offset, ph->p_filesz, &end) ||
	    __builtin_add_overflow(ph->p_vaddr, ph->p_memsz, &end) ||
	    __builtin_add_overflow(ph->p_vaddr, ph->p_filesz, &end))
		return err_set(err, -EBADMSG,
			       "load at address %#" PRIx64 ", offset %#" PRIx64 ", %#" PRIx64
			       " bytes (%#" PRIx64 " in the file) wraps around",
			       (uint64_t)ph->p_vaddr, (uint64_t)ph->p_offset, (uint64_t)ph->p_memsz,
			       (uint64_t)ph->p_filesz);
	if (image->n_loads == ELF_LOADS_MAX)
		return err_set(err, -EFBIG, "more than %d loads", ELF_LOADS_MAX);
	image->load[image->n_loads++] = (struct elf_load){
		.file_off = ph->p_offset,
		.file_size = ph->p_filesz,
		.addr = ph->p_vaddr,
		.mem_size = ph->p_memsz,
		.flags = ph->p_flags,
	};
	return 0;
}

static int read_segments(struct elf_scan *scan, struct err *err)
{
	const Elf64_Ehdr *eh = &scan->ehdr;
	uint64_t n = eh->e_phnum;

	if (n == 0)
		return 0;
	if (eh->e_phentsize != sizeof(Elf64_Phdr))
		return err_set(err, -EBADMSG, "e_phentsize is %u, expected %zu", eh->e_phentsize,
			       sizeof(Elf64_Phdr));
	if (n > PHDRS_MAX)
		return err_set(err, -EFBIG, "%" PRIu64 " program headers, limit is %d", n,
			       PHDRS_MAX);
	if (!elf_source_has(scan->source, eh->e_phoff, n * sizeof(Elf64_Phdr)))
		return err_set(err, -EBADMSG,
			       "%" PRIu64 " program headers at %#" PRIx64
			       " pass the end of the file of %" PRIu64 " bytes",
			       n, (uint64_t)eh->e_phoff, scan->source->size);
	for (uint64_t i = 0; i < n; i++) {
		Elf64_Phdr ph;
		int r = elf_source_read(scan->source, eh->e_phoff + i * sizeof(ph), &ph,
					sizeof(ph));

		if (r < 0)
			return err_set(err, r, "cannot read program header %" PRIu64, i);
		if (ph.p_type == PT_LOAD && (r = add_load(scan, &ph, err)) < 0)
			return r;
		if (ph.p_type == PT_NOTE && scan->image->build_id.n == 0)
			elf_scan_notes(scan, ph.p_offset, ph.p_filesz);
		if (ph.p_type == PT_DYNAMIC)
			scan->dynamic = ph;
		if (ph.p_type == PT_GNU_EH_FRAME)
			scan->eh_frame_hdr = ph;
	}
	return 0;
}

/* One block for all parts, each starting at a multiple of 8. */
static int read_parts(struct elf_scan *scan, struct err *err)
{
	struct elf_image *image = scan->image;
	uint8_t *at;
	int r;

	if (scan->n_wants == 0)
		return scan->reason.code ?
			       err_set(err, scan->reason.code, "%s", scan->reason.text) :
			       0;
	image->memory = malloc(scan->want_bytes + MEMORY_SLACK);
	if (!image->memory)
		return err_set(err, -ENOMEM, "no memory for %" PRIu64 " bytes", scan->want_bytes);
	at = image->memory;
	for (uint32_t i = 0; i < scan->n_wants; i++) {
		const struct elf_want *w = &scan->want[i];

		r = elf_source_read(scan->source, w->off, at, w->size);
		if (r < 0) {
			elf_image_done(image);
			return err_set(err, r, "cannot read %" PRIu64 " bytes at %#" PRIx64,
				       w->size, w->off);
		}
		image->part[image->n_parts++] = (struct elf_part){
			.kind = w->kind, .addr = w->addr, .size = w->size, .data = at
		};
		at += ALIGN_UP(w->size, (uint64_t)8);
	}
	memset(at, 0, MEMORY_SLACK);
	return 0;
}

static int image_take(const struct elf_source *source, unsigned int take, struct elf_image *ret,
		      struct err *err)
{
	struct elf_image image = { 0 };
	struct elf_scan scan = { .source = source, .image = &image, .take = take };
	int r;

	if ((r = read_header(&scan, err)) < 0 || (r = read_segments(&scan, err)) < 0)
		return r;
	if (!elf_scan_sections(&scan))
		elf_scan_segments(&scan);
	if (take & ELF_TAKE_UNWIND)
		elf_scan_code(&scan);
	if (take & ELF_TAKE_FILE)
		elf_scan_want(&scan, ELF_PART_FILE, 0, 0, source->size);
	if ((r = read_parts(&scan, err)) < 0)
		return r;
	*ret = image;
	return 0;
}

int elf_image_read(int fd, unsigned int take, struct elf_image *ret, struct err *err)
{
	struct elf_source source;
	int r = elf_source_open(&source, fd, err);

	return r < 0 ? r : image_take(&source, take, ret, err);
}

int elf_image_parse(const void *bytes, size_t n, unsigned int take, struct elf_image *ret,
		    struct err *err)
{
	struct elf_source source = { .fd = -1, .bytes = bytes, .size = n };

	return image_take(&source, take, ret, err);
}

void elf_image_done(struct elf_image *image)
{
	free(image->memory);
	image->memory = NULL;
	image->n_parts = 0;
}

int elf_build_id(int fd, struct build_id *ret, struct err *err)
{
	struct elf_source source;
	struct elf_image image = { 0 };
	struct elf_scan scan = { .source = &source, .image = &image };
	int r;

	if ((r = elf_source_open(&source, fd, err)) < 0 || (r = read_header(&scan, err)) < 0 ||
	    (r = read_segments(&scan, err)) < 0)
		return r;
	if (image.build_id.n == 0)
		elf_scan_sections(&scan);
	if (image.build_id.n == 0)
		return err_set(err, -ENODATA, "no build-id note");
	*ret = image.build_id;
	return 0;
}

const struct elf_part *elf_image_part(const struct elf_image *image, enum elf_part_kind kind)
{
	for (uint32_t i = 0; i < image->n_parts; i++)
		if (image->part[i].kind == kind && image->part[i].data)
			return &image->part[i];
	return NULL;
}

/*
 * Exact bytes decide before pages: neighbouring loads may share a page of the file (lld), and then
 * one file offset lies in two mappings. Code is what is asked for, so executable loads come first.
 */
uint64_t elf_image_addr(const struct elf_image *image, uint64_t map_start, uint64_t map_pgoff,
			uint64_t addr)
{
	uint64_t off = addr - map_start + map_pgoff;

	for (int pass = 0; pass < 3; pass++)
		for (uint32_t i = image->n_loads; i-- > 0;) {
			const struct elf_load *l = &image->load[i];
			uint64_t begin = l->file_off, end = l->file_off + l->file_size;

			if (pass == 0 && !(l->flags & PF_X))
				continue;
			if (pass == 2) {
				begin &= ~(uint64_t)(PAGE - 1);
				end = end > UINT64_MAX - PAGE ? end : ALIGN_UP(end, (uint64_t)PAGE);
			}
			if (off >= begin && off < end)
				return off - l->file_off + l->addr;
		}
	return UINT64_MAX;
}

const uint8_t *elf_image_bytes(const struct elf_image *image, uint64_t elf_addr, size_t n)
{
	const struct elf_part *file;

	for (uint32_t i = 0; i < image->n_parts; i++) {
		const struct elf_part *p = &image->part[i];

		if (p->data && p->addr && elf_addr >= p->addr && elf_addr - p->addr <= p->size &&
		    n <= p->size - (elf_addr - p->addr))
			return p->data + (elf_addr - p->addr);
	}
	file = elf_image_part(image, ELF_PART_FILE);
	for (uint32_t i = 0; file && i < image->n_loads; i++) {
		const struct elf_load *l = &image->load[i];
		uint64_t off = elf_addr - l->addr;

		if (elf_addr >= l->addr && off <= l->file_size && n <= l->file_size - off &&
		    l->file_off <= file->size && off <= file->size - l->file_off &&
		    n <= file->size - l->file_off - off)
			return file->data + l->file_off + off;
	}
	return NULL;
}
