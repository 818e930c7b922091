/* Call frame information made by hand for tests: .eh_frame entries appended to a buffer. */
#ifndef TESTS_UNIT_FRAMES_H
#define TESTS_UNIT_FRAMES_H

#include <dwarf.h>
#include <string.h>

#include "common/base/bits.h"
#include "common/base/buf.h"
#include "common/elf/image.h"

#define PROGRAM(...) (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ })

enum { FRAMES_ADDR = 0x100000, PCREL_SDATA4 = DW_EH_PE_pcrel | DW_EH_PE_sdata4 };

/* What every x86-64 CIE begins with: CFA = rsp + 8, return address at CFA - 8. */
#define X86_INITIAL DW_CFA_def_cfa, 7, 8, DW_CFA_offset | 16, 1

static inline void frames_u32(struct buf *b, uint32_t v)
{
	uint8_t bytes[4];

	store_le32(bytes, v);
	buf_put(b, bytes, sizeof(bytes));
}

static inline void frames_u64(struct buf *b, uint64_t v)
{
	uint8_t bytes[8];

	store_le64(bytes, v);
	buf_put(b, bytes, sizeof(bytes));
}

/* Pads to 8 bytes with nops and writes the length of the entry that began at `at`. */
static inline void frames_close(struct buf *b, size_t at)
{
	while ((b->n - at) % 8 != 4)
		buf_putc(b, DW_CFA_nop);
	store_le32(b->data + at, (uint32_t)(b->n - at - 4));
}

/*
 * Version 1, code alignment 1, data alignment -8; "zR" (and 'S') with pcrel sdata4. Returns its
 * offset.
 */
static inline size_t frames_cie(struct buf *b, const char *letters, uint8_t ra,
				const uint8_t *program, size_t n)
{
	size_t at = b->n;

	frames_u32(b, 0);
	frames_u32(b, 0);
	buf_putc(b, 1);
	buf_put(b, letters, strlen(letters) + 1);
	buf_putc(b, 1);
	buf_putc(b, 0x78);
	buf_putc(b, (char)ra);
	buf_putc(b, 1);
	buf_putc(b, PCREL_SDATA4);
	buf_put(b, program, n);
	frames_close(b, at);
	return at;
}

static inline void frames_fde(struct buf *b, size_t cie, uint64_t begin, uint32_t size,
			      const uint8_t *program, size_t n)
{
	size_t at = b->n;

	frames_u32(b, 0);
	frames_u32(b, (uint32_t)(at + 4 - cie));
	frames_u32(b, (uint32_t)(begin - (FRAMES_ADDR + b->n)));
	frames_u32(b, size);
	buf_putc(b, 0);
	buf_put(b, program, n);
	frames_close(b, at);
}

/* An image with one executable load from 0 to FRAMES_ADDR and this .eh_frame. `b` must live on. */
static inline struct elf_image frames_image(enum machine machine, const struct buf *b)
{
	return (struct elf_image){
		.machine = machine,
		.elf_type = 3,
		.n_loads = 1,
		.load = { { .file_size = FRAMES_ADDR, .mem_size = FRAMES_ADDR, .flags = 5 } },
		.n_parts = 1,
		.part = { { .kind = ELF_PART_EH_FRAME,
			    .addr = FRAMES_ADDR,
			    .size = b->n,
			    .data = (const uint8_t *)b->data } },
	};
}

#endif
