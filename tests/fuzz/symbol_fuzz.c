/*
 * Any ELF file's symbols against addresses taken from the input: naming, PLT, MiniDebugInfo,
 * demangling.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/elf/image.h"
#include "report/symbol/symbol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ADDRESSES_MAX = 64 };

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Where symbols begin and code parts lie: random addresses would name nothing. */
static uint32_t choose_addresses(const struct elf_image *image, uint64_t *addr)
{
	const struct elf_part *symbols = elf_image_part(image, ELF_PART_SYMTAB);
	uint32_t n = 0, kept = 0;

	if (!symbols || !symbols->data)
		symbols = elf_image_part(image, ELF_PART_DYNSYM);
	for (uint64_t off = 8;
	     symbols && symbols->data && off + 16 <= symbols->size && n < ADDRESSES_MAX / 2;
	     off += 24)
		addr[n++] = load_le64(symbols->data + off);
	for (uint32_t i = 0; i < image->n_parts && n < ADDRESSES_MAX; i++)
		addr[n++] = image->part[i].addr + i * 16;
	qsort(addr, n, sizeof(*addr), compare);
	for (uint32_t i = 0; i < n; i++)
		if (!kept || addr[i] != addr[kept - 1])
			addr[kept++] = addr[i];
	return kept;
}

static void demangle(const uint8_t *data, size_t size)
{
	size_t n = MIN(size, 512);
	char *name = mem_alloc(n + 3);
	struct buf b;

	memcpy(name, data[0] & 1 ? "_Z" : "_R", 2);
	memcpy(name + 2, data, n);
	name[n + 2] = 0;
	buf_init(&b);
	symbol_demangle(name, &b);
	if (b.n > SYMBOL_DEMANGLED_MAX + 4)
		abort();
	buf_done(&b);
	free(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct symbol symbol[ADDRESSES_MAX] = { 0 };
	uint64_t addr[ADDRESSES_MAX];
	struct elf_image image;
	struct intern names;
	struct err err = { 0 };

	if (!size)
		return 0;
	demangle(data, size);
	if (elf_image_parse(data, size, ELF_TAKE_UNWIND | ELF_TAKE_SYMBOLS, &image, &err) < 0)
		return 0;
	intern_init(&names);
	struct symbol_batch batch = { .addr = addr, .symbol = symbol, .names = &names };

	batch.n = choose_addresses(&image, addr);
	symbol_from_image(&image, &batch);
	for (uint32_t i = 0; i < batch.n; i++)
		symbol_function_start(&image, addr[i]);
	intern_done(&names);
	elf_image_done(&image);
	return 0;
}
