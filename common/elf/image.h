/*
 * What unwinding and naming need of one ELF file, taken out of the file once: by the recorder's
 * inspector on the host, or by the report from a local file; carried through the recording
 * (common/format/object.h) unchanged. Reads hostile files: every offset, size and count is checked
 * against the file; limits below; errors name the field, its value and the limit. No libelf here:
 * the recorder links libc and libzstd only.
 */
#ifndef COMMON_ELF_IMAGE_H
#define COMMON_ELF_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "common/format/event.h"

struct err;

/* Values are in the file format: append only. */
enum elf_part_kind {
	ELF_PART_EH_FRAME = 1,
	ELF_PART_EH_FRAME_HDR = 2,
	ELF_PART_DEBUG_FRAME = 3,
	ELF_PART_CODE = 4, /* .plt*, .init, .fini, 256 bytes at the entry point: often several */
	ELF_PART_DYNSYM = 5,
	ELF_PART_DYNSTR = 6,
	ELF_PART_SYMTAB = 7,
	ELF_PART_STRTAB = 8,
	ELF_PART_DEBUGDATA = 9, /* .gnu_debugdata: xz of an ELF file with more symbols */
	ELF_PART_RELA_PLT = 10, /* names PLT entries */
	ELF_PART_FILE = 11,	/* the whole file (vDSO, --embed=full) */
	ELF_PART_KINDS
};

enum {
	ELF_LOADS_MAX = 64,
	ELF_PARTS_MAX = 64,
	ELF_PART_BYTES_MAX = 256 << 20,
};

struct elf_load {
	uint64_t file_off, file_size, addr, mem_size;
	uint32_t flags; /* PF_X ... */
};

struct elf_part {
	enum elf_part_kind kind;
	uint64_t addr; /* as linked; 0 when not loaded */
	uint64_t size;
	const uint8_t *data; /* NULL: not taken */
};

struct elf_image {
	enum machine machine;
	uint16_t elf_type; /* ET_EXEC, ET_DYN */
	uint64_t entry;
	struct build_id build_id;
	uint32_t n_loads, n_parts;
	struct elf_load load[ELF_LOADS_MAX];
	struct elf_part part[ELF_PARTS_MAX];
	void *memory; /* owns part data */
};

/* What to take. */
enum elf_take {
	ELF_TAKE_UNWIND = 1,  /* .eh_frame, .eh_frame_hdr, .debug_frame, code bytes */
	ELF_TAKE_SYMBOLS = 2, /* symbol and string tables, MiniDebugInfo, .rela.plt */
	ELF_TAKE_FILE = 4,
};

/*
 * Reads `fd` with pread. Works with section headers and, without them, from program headers
 * (PT_GNU_EH_FRAME, PT_DYNAMIC). 0, or negative: -ENOEXEC not ELF64 little-endian of a machine we
 * know, -EBADMSG lies about itself, -EFBIG over a limit, or what read said. A part that lies is
 * left out and said in err text only when nothing useful remains.
 * Owner: caller, elf_image_done.
 */
int elf_image_read(int fd, unsigned int take, struct elf_image *ret, struct err *err);

/* The same from memory (vDSO, tests, fuzz). `bytes` may go away afterwards. */
int elf_image_parse(const void *bytes, size_t n, unsigned int take, struct elf_image *ret,
		    struct err *err);
void elf_image_done(struct elf_image *image);

/* Only headers and the build-id note: cheap. -ENODATA: there is none. */
int elf_build_id(int fd, struct build_id *ret, struct err *err);

/* first, or NULL */
const struct elf_part *elf_image_part(const struct elf_image *image, enum elf_part_kind kind);

/*
 * Run-time address of a mapping -> address as linked: finds the PT_LOAD whose file range holds
 * the mapping's file offset. UINT64_MAX when none does.
 */
uint64_t elf_image_addr(const struct elf_image *image, uint64_t map_start, uint64_t map_pgoff,
			uint64_t addr);

/* Bytes of the image at a linked address if some part holds them; NULL otherwise. */
const uint8_t *elf_image_bytes(const struct elf_image *image, uint64_t elf_addr, size_t n);

#endif
