/*
 * What is asked for beside the events: embedded objects, names of the kernel, code made at run
 * time. Segments repeat what they need: each distinct chunk is read once.
 */
#include "report/read/chunks_state.h"

#include <errno.h>

#include "common/base/err.h"
#include "common/format/jit.h"
#include "common/format/object.h"

struct chunk_reader *chunks_side(void *chunks, uint32_t part)
{
	struct chunks *r = chunks;

	if (r->side && r->side_part == part)
		return r->side;
	struct chunk_reader *reader = r->side;

	r->side = NULL;
	r->side_part = part;
	chunk_reader_reopen(reader, r->part[part].fd, &r->side, NULL);
	return r->side;
}

const struct elf_image *chunks_image(struct recording *recording, const struct object_key *key,
				     unsigned int take, const char **ret_reason)
{
	return object_index_image(&((struct chunks *)recording)->objects, key, take, ret_reason);
}

void chunks_forget_image(struct recording *recording, const struct elf_image *image)
{
	object_index_forget(&((struct chunks *)recording)->objects, image);
}

static bool load(struct chunks *r, const struct chunk_place *at, struct chunk *ret)
{
	struct chunk_reader *reader = chunks_side(r, at->part);
	struct err err = { 0 };

	if (!reader)
		return false;
	chunk_reader_seek(reader, at->file_off);
	if (chunk_reader_next(reader, ret) != CHUNK_READ_OK)
		return false;
	if (chunk_reader_load(reader, ret, &err) == 0)
		return true;
	chunks_bad(r, at->part, ret, err.text);
	return false;
}

const char *chunks_each_kernel_symbol(struct recording *recording, kernel_got *got, void *ctx)
{
	struct chunks *r = (struct chunks *)recording;

	for (size_t i = 0; i < r->kernel.n; i++) {
		struct err err = { 0 };
		struct chunk chunk;

		if (load(r, &r->kernel.item[i], &chunk) &&
		    kernel_decode(chunk.raw, chunk.header.raw_bytes, got, ctx, &err) == -EBADMSG)
			chunks_bad(r, r->kernel.item[i].part, &chunk, err.text);
	}
	return NULL;
}

void chunks_each_jit(struct recording *recording, jit_got *got, void *ctx)
{
	struct chunks *r = (struct chunks *)recording;

	for (size_t i = 0; i < r->jit.n; i++) {
		struct err err = { 0 };
		struct chunk chunk;

		if (load(r, &r->jit.item[i], &chunk) &&
		    jit_decode(chunk.raw, chunk.header.raw_bytes, got, ctx, &err) == -EBADMSG)
			chunks_bad(r, r->jit.item[i].part, &chunk, err.text);
	}
}
