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
	uint32_t next; /* index + 1 of the next chunk with this tag; 0: none */
};

struct embedded; /* one object that was asked for */

struct object_index {
	struct object_chunk *chunk; /* in file order */
	size_t n_chunks, cap;
	struct map first; /* tag -> index + 1 of its first chunk */
	bool linked;
	/* told of each chunk that does not check or makes no sense when its object is asked for */
	void (*bad)(void *ctx, const struct chunk *chunk, const char *reason);
	void *bad_ctx;
	struct embedded **embedded;
	size_t n_embedded, embedded_cap;
};

void object_index_done(struct object_index *x);
void object_index_add(struct object_index *x, const struct chunk *chunk);
/* As recording_image. */
const struct elf_image *object_index_image(struct object_index *x, struct chunk_reader *reader,
					   const struct object_key *key, unsigned int take,
					   const char **ret_reason);
void object_index_forget(struct object_index *x, const struct elf_image *image);

#endif
