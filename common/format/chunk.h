/*
 * File and chunk headers <-> bytes. ddprof.data(5), "File header", "Chunk header". Private to the
 * room.
 */
#ifndef COMMON_FORMAT_CHUNK_H
#define COMMON_FORMAT_CHUNK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/format/file.h"

struct file_header {
	uint16_t major, minor;
	uint64_t file_id; /* random; second half of every sync marker of the file */
};

void file_header_put(const struct file_header *h, uint8_t bytes[FILE_HEADER_BYTES]);
/* False: not ours or damaged. */
bool file_header_get(const uint8_t bytes[FILE_HEADER_BYTES], struct file_header *ret);

extern const uint8_t chunk_marker[8];

void chunk_header_put(const struct chunk_header *h, uint64_t file_id,
		      uint8_t bytes[CHUNK_HEADER_BYTES]);
/* NULL, or what is wrong with it. *ret_file_id is that of its marker. */
const char *chunk_header_get(const uint8_t bytes[CHUNK_HEADER_BYTES], struct chunk_header *ret,
			     uint64_t *ret_file_id);

#endif
