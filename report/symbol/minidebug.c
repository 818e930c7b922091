/*
 * Unpacks in one piece, doubling the room up to a limit: an xz bomb ends at SYMBOL_MINIDEBUG_MAX.
 */
#include "report/symbol/minidebug.h"

#include <stdlib.h>

#include <lzma.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/log.h"
#include "common/elf/image.h"
#include "report/symbol/symbol.h"

enum { ROOM_START = 1 << 20, XZ_MEMORY_MAX = 128 << 20 };

/* NULL on failure; to be freed. */
static uint8_t *unpack(const uint8_t *packed, size_t n, size_t *ret_n)
{
	lzma_stream xz = LZMA_STREAM_INIT;
	size_t room = ROOM_START;
	uint8_t *out = NULL;
	lzma_ret status;

	if (lzma_stream_decoder(&xz, XZ_MEMORY_MAX, 0) != LZMA_OK)
		return NULL;
	xz.next_in = packed;
	xz.avail_in = n;
	do {
		if (xz.total_out == room && room == SYMBOL_MINIDEBUG_MAX)
			break;
		if (xz.total_out == room)
			room = MIN(room * 2, (size_t)SYMBOL_MINIDEBUG_MAX);
		out = mem_realloc(out, room);
		xz.next_out = out + xz.total_out;
		xz.avail_out = room - xz.total_out;
		status = lzma_code(&xz, LZMA_FINISH);
	} while (status == LZMA_OK && !xz.avail_out);
	*ret_n = xz.total_out;
	lzma_end(&xz);
	if (status == LZMA_STREAM_END)
		return out;
	log_debug("symbol", "MiniDebugInfo cannot be unpacked: status=%d bytes=%zu", (int)status,
		  n);
	free(out);
	return NULL;
}

struct elf_image *minidebug_open(const uint8_t *packed, size_t n)
{
	struct elf_image *image;
	struct err err = { 0 };
	size_t n_bytes = 0;
	uint8_t *bytes = unpack(packed, n, &n_bytes);

	if (!bytes)
		return NULL;
	image = mem_alloc(sizeof(*image));
	if (elf_image_parse(bytes, n_bytes, ELF_TAKE_SYMBOLS, image, &err) < 0) {
		log_debug("symbol", "MiniDebugInfo: %s", err.text);
		free(image);
		image = NULL;
	}
	free(bytes);
	return image;
}

void minidebug_close(struct elf_image *image)
{
	if (!image)
		return;
	elf_image_done(image);
	free(image);
}
