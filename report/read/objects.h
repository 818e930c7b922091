/*
 * The embedded objects of a recording: where their pieces lie, and those that were asked for.
 * Private to the room.
 */
#ifndef REPORT_READ_OBJECTS_H
#define REPORT_READ_OBJECTS_H

#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/map.h"
#include "common/format/file.h"
#include "common/format/object.h"

struct object_chunk {
	uint64_t file_off, tag;
	uint32_t part; /* of the recording */
	uint32_t next; /* index + 1 of the next chunk with this tag; 0: none */
};

struct embedded; /* one object that was asked for */

struct object_index {
	struct object_chunk *chunk; /* in the order of parts, and of places in them */
	size_t n_chunks, cap;
	struct map first; /* tag -> index + 1 of its first chunk */
	bool linked;
	struct chunk_reader *(*reader)(void *ctx, uint32_t part); /* NULL: it cannot be read */
	/* told of each chunk that does not check or makes no sense when its object is asked for */
	void (*bad)(void *ctx, uint32_t part, const struct chunk *chunk, const char *reason);
	void *ctx; /* of both */
	struct embedded **embedded;
	size_t n_embedded, embedded_cap;
};

void object_index_done(struct object_index *x);
void object_index_add(struct object_index *x, uint32_t part, uint64_t file_off, uint64_t tag);
/* As recording_image. What stands in several parts is taken from the first that has it whole. */
const struct elf_image *object_index_image(struct object_index *x, const struct object_key *key,
					   unsigned int take, const char **ret_reason);
void object_index_forget(struct object_index *x, const struct elf_image *image);

#endif
