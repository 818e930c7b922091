/* Any bytes as an ELF file: parts, addresses, build-id. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/elf/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static volatile uint64_t sink;

/* Every byte of every part must be there, and be a byte of the file. */
static void look_at(const struct elf_image *image, size_t n)
{
	for (uint32_t i = 0; i < image->n_parts; i++) {
		const struct elf_part *p = &image->part[i];

		if (p->size > n || !p->data)
			abort();
		for (uint64_t k = 0; k < p->size; k++)
			sink += p->data[k];
	}
	for (uint32_t i = 0; i < image->n_loads; i++) {
		const struct elf_load *l = &image->load[i];
		const uint8_t *bytes = elf_image_bytes(image, l->addr, 16);

		sink += elf_image_addr(image, 0x7f0000000000, l->file_off, 0x7f0000000010);
		if (bytes)
			sink += load_le64(bytes) + load_le64(bytes + 8);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const unsigned int takes[] = { ELF_TAKE_UNWIND, ELF_TAKE_UNWIND | ELF_TAKE_SYMBOLS,
					      7 };

	for (size_t i = 0; i < N_ELEMENTS(takes); i++) {
		struct elf_image image;
		struct err err = { 0 };
		int r = elf_image_parse(data, n, takes[i], &image, &err);

		if (r < 0) {
			if (!err.text[0])
				abort(); /* a refusal says why */
			return 0;
		}
		look_at(&image, n);
		elf_image_done(&image);
	}
	return 0;
}
