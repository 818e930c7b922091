/* MiniDebugInfo: .gnu_debugdata of stripped programs, and what hostile ones may cost. */
#include "tests/unit/check.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <lzma.h>

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/elf/image.h"
#include "report/symbol/minidebug.h"
#include "report/symbol/symbol.h"

/* A stripped dynamic program whose only names stand in .gnu_debugdata. */
static const char program[] = "tests/fuzz/corpus/symbol/minidebug";

static void open_program(struct elf_image *ret)
{
	int fd = open(check_source_path(program), O_RDONLY | O_CLOEXEC);
	struct err err = { 0 };

	REQUIRE_TRUE(fd >= 0, "%s", program);
	REQUIRE_TRUE(elf_image_read(fd, ELF_TAKE_SYMBOLS | ELF_TAKE_UNWIND, ret, &err) == 0, "%s",
		     err.text);
	close(fd);
}

static void names(void)
{
	struct elf_image *image = mem_zalloc(sizeof(*image));
	struct symbol symbol = { 0 };
	uint64_t addr;
	struct intern strings;

	open_program(image);
	intern_init(&strings);
	addr = image->entry + 4;
	symbol_from_image(image,
			  &(struct symbol_batch){
				  .addr = &addr, .n = 1, .symbol = &symbol, .names = &strings });
	CHECK_STR(intern_text(&strings, symbol.name), "_start");
	intern_done(&strings);
	elf_image_done(image);
	free(image);
}

static void damaged(void)
{
	struct elf_image *image = mem_zalloc(sizeof(*image));
	const struct elf_part *part;
	uint8_t *copy;

	open_program(image);
	part = elf_image_part(image, ELF_PART_DEBUGDATA);
	REQUIRE_TRUE(part && part->data);
	copy = mem_alloc(part->size);
	for (size_t n = 0; n < part->size; n += 7) {
		struct elf_image *mini = minidebug_open(part->data, n);

		CHECK_TRUE(!mini, "cut at %zu of %zu bytes", n, (size_t)part->size);
		minidebug_close(mini);
		memcpy(copy, part->data, part->size);
		copy[n] ^= 0x10;
		minidebug_close(minidebug_open(copy, part->size)); /* anything but a crash */
	}
	free(copy);
	elf_image_done(image);
	free(image);
}

static void bomb(void)
{
	size_t n = SYMBOL_MINIDEBUG_MAX + (1 << 20), at = 0, room = 1 << 20;
	uint8_t *zeros = mem_zalloc(n), *packed = mem_alloc(room);

	REQUIRE_INT(lzma_easy_buffer_encode(0, LZMA_CHECK_CRC32, NULL, zeros, n, packed, &at, room),
		    LZMA_OK);
	CHECK_TRUE(at < 100000, "%zu bytes unpack to %zu", at, n);
	CHECK_TRUE(!minidebug_open(packed, at));
	free(zeros);
	free(packed);
}

SUITE(symbol_minidebug, { "a stripped program is named from its MiniDebugInfo", names },
      { "MiniDebugInfo that is cut or damaged names nothing", damaged },
      { "an xz bomb ends at the limit", bomb }, )
