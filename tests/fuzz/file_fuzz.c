/*
 * A file of any bytes -> chunks -> events. The first byte of the input chooses: odd, and the
 * checksums of whatever stands behind a marker are made right first, so that chance gets past
 * them.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/bits.h"
#include "common/base/io.h"
#include "common/format/chunk.h"
#include "common/format/crc.h"
#include "common/format/file.h"
#include "common/format/object.h"
#include "common/format/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void mend_chunk(uint8_t *at, size_t left)
{
	uint32_t stored = load_le32(at + 24);

	if (stored <= left - CHUNK_HEADER_BYTES)
		store_le32(at + 64, crc32c(at + CHUNK_HEADER_BYTES, stored));
	store_le32(at + CHUNK_HEADER_BYTES - 4, crc32c(at, CHUNK_HEADER_BYTES - 4));
}

static void mend(uint8_t *bytes, size_t n)
{
	if (n >= FILE_HEADER_BYTES)
		store_le32(bytes + FILE_HEADER_BYTES - 4, crc32c(bytes, FILE_HEADER_BYTES - 4));
	for (size_t i = 0; i + CHUNK_HEADER_BYTES <= n; i++)
		if (!memcmp(bytes + i, chunk_marker, sizeof(chunk_marker)))
			mend_chunk(bytes + i, n - i);
}

static int ignore_pair(void *ctx, const char *key, const char *value)
{
	(void)ctx, (void)key, (void)value;
	return 0;
}

static void decode(struct record_decoder *d, const struct chunk *chunk)
{
	struct record r;

	if (chunk->header.type == CHUNK_MANIFEST) {
		manifest_decode(chunk->raw, chunk->header.raw_bytes, ignore_pair, NULL, NULL);
		return;
	}
	record_decoder_begin(d, &chunk->header, chunk->raw, chunk->header.raw_bytes);
	while (record_decoder_next(d, &r, NULL) > 0)
		;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct record_decoder *decoder;
	struct chunk_reader *r = NULL;
	struct chunk chunk;
	enum chunk_read read;
	uint64_t at = 0;
	uint8_t *bytes;
	int fd;

	if (n < 1)
		return 0;
	decoder = decoder ? decoder : record_decoder_new(MACHINE_X86_64);
	bytes = malloc(n);
	memcpy(bytes, data + 1, n - 1);
	if (data[0] & 1)
		mend(bytes, n - 1);
	fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (io_write(fd, bytes, n - 1, NULL) == 0 && chunk_reader_open(fd, &r, NULL) == 0)
		while ((read = chunk_reader_next(r, &chunk)) != CHUNK_READ_END) {
			if (chunk.file_off < at)
				abort(); /* it must go forward */
			at = chunk.file_off + 1;
			if (read == CHUNK_READ_OK && chunk_reader_load(r, &chunk, NULL) == 0)
				decode(decoder, &chunk);
		}
	chunk_reader_free(r);
	close(fd);
	free(bytes);
	return 0;
}
