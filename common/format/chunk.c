#include "common/format/chunk.h"

#include <string.h>

#include "common/base/bits.h"
#include "common/format/crc.h"

/*
 * As PNG does it: a byte above 127, then a line end of each kind, catch transports that take the
 * file for text.
 */
static const uint8_t file_magic[8] = { 0x89, 'D', 'D', 'P', 'R', '\r', '\n', 0x1a };
/* No byte repeats, so that no shifted copy can overlap it; 0xff and 0x9e are in no UTF-8 text. */
const uint8_t chunk_marker[8] = { 0xff, 'd', 'd', 'C', 'h', 'n', 'k', 0x9e };

enum {
	FILE_CRC_AT = FILE_HEADER_BYTES - 4,
	CHUNK_CRC_AT = CHUNK_HEADER_BYTES - 4,
};

void file_header_put(const struct file_header *h, uint8_t bytes[FILE_HEADER_BYTES])
{
	memset(bytes, 0, FILE_HEADER_BYTES);
	memcpy(bytes, file_magic, sizeof(file_magic));
	store_le16(bytes + 8, h->major);
	store_le16(bytes + 10, h->minor);
	store_le32(bytes + 12, FILE_HEADER_BYTES);
	store_le64(bytes + 16, h->file_id);
	store_le32(bytes + FILE_CRC_AT, crc32c(bytes, FILE_CRC_AT));
}

bool file_header_get(const uint8_t bytes[FILE_HEADER_BYTES], struct file_header *ret)
{
	if (memcmp(bytes, file_magic, sizeof(file_magic)) ||
	    load_le32(bytes + FILE_CRC_AT) != crc32c(bytes, FILE_CRC_AT))
		return false;
	*ret = (struct file_header){
		.major = load_le16(bytes + 8),
		.minor = load_le16(bytes + 10),
		.file_id = load_le64(bytes + 16),
	};
	return true;
}

bool file_is_recording(const uint8_t bytes[FILE_HEADER_BYTES])
{
	return !memcmp(bytes, file_magic, sizeof(file_magic));
}

void chunk_header_put(const struct chunk_header *h, uint64_t file_id,
		      uint8_t bytes[CHUNK_HEADER_BYTES])
{
	memset(bytes, 0, CHUNK_HEADER_BYTES);
	memcpy(bytes, chunk_marker, sizeof(chunk_marker));
	store_le64(bytes + 8, file_id);
	store_le16(bytes + 16, h->type);
	store_le16(bytes + 18, h->flags);
	store_le32(bytes + 20, h->raw_bytes);
	store_le32(bytes + 24, h->stored_bytes);
	store_le32(bytes + 28, h->n_records);
	store_le64(bytes + 32, h->sequence);
	store_le64(bytes + 40, h->first_ns);
	store_le64(bytes + 48, h->last_ns);
	store_le64(bytes + 56, h->tag);
	store_le32(bytes + 64, h->stored_crc);
	store_le32(bytes + CHUNK_CRC_AT, crc32c(bytes, CHUNK_CRC_AT));
}

const char *chunk_header_get(const uint8_t bytes[CHUNK_HEADER_BYTES], struct chunk_header *ret,
			     uint64_t *ret_file_id)
{
	if (memcmp(bytes, chunk_marker, sizeof(chunk_marker)))
		return "no chunk begins here";
	if (load_le32(bytes + CHUNK_CRC_AT) != crc32c(bytes, CHUNK_CRC_AT))
		return "chunk header damaged";
	*ret_file_id = load_le64(bytes + 8);
	*ret = (struct chunk_header){
		.type = load_le16(bytes + 16),
		.flags = load_le16(bytes + 18),
		.raw_bytes = load_le32(bytes + 20),
		.stored_bytes = load_le32(bytes + 24),
		.n_records = load_le32(bytes + 28),
		.sequence = load_le64(bytes + 32),
		.first_ns = load_le64(bytes + 40),
		.last_ns = load_le64(bytes + 48),
		.tag = load_le64(bytes + 56),
		.stored_crc = load_le32(bytes + 64),
	};
	if (ret->raw_bytes > CHUNK_RAW_MAX)
		return "chunk header claims too many bytes";
	if (ret->stored_bytes == 0 || ret->stored_bytes > CHUNK_STORED_MAX)
		return "chunk header claims a stored size outside the limits";
	return NULL;
}
