/*
 * Pieces of one object are gathered when it is asked for. All its chunks are decompressed then,
 * and every part is taken but the whole file (ELF_PART_FILE), which few want: names are asked for
 * right after unwinding, and a second decompression would cost more than holding the tables of
 * symbols a little earlier.
 */
#include "report/read/objects.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/bits.h"
#include "common/base/err.h"

struct embedded {
	struct object_key key;
	char path[PATH_MAX_BYTES];
	struct elf_image image;
	bool found, has_image;
	unsigned int take; /* already gathered: 0, or all but ELF_TAKE_FILE, or all */
	char reason[160];
	/* while gathering */
	unsigned int want;
	uint64_t budget; /* bytes that all chunks of the object can hold: no part can be larger */
	uint8_t *data[ELF_PARTS_MAX];
	uint64_t filled[ELF_PARTS_MAX];
	bool done[ELF_PARTS_MAX];
};

static void embedded_free(struct embedded *e)
{
	for (uint32_t i = 0; i < ELF_PARTS_MAX; i++)
		free(e->data[i]);
	free(e);
}

void object_index_done(struct object_index *x)
{
	for (size_t i = 0; i < x->n_embedded; i++)
		embedded_free(x->embedded[i]);
	free(x->embedded);
	free(x->chunk);
	map_done(&x->first);
}

void object_index_add(struct object_index *x, uint32_t part, uint64_t file_off, uint64_t tag)
{
	mem_grow(&x->chunk, &x->cap, x->n_chunks + 1, sizeof(*x->chunk));
	x->chunk[x->n_chunks++] =
		(struct object_chunk){ .file_off = file_off, .tag = tag, .part = part };
}

static int got_tag(void *ctx, const struct object_piece *piece)
{
	*(uint64_t *)ctx = object_tag(&piece->key);
	return -1; /* the first piece says it */
}

/* Loads the chunk and hands its pieces to `got`; false, and told, when it is damaged. */
static bool chunk_decode(struct object_index *x, const struct object_chunk *c, object_got *got,
			 void *ctx)
{
	struct chunk_reader *reader = x->reader(x->ctx, c->part);
	struct err err = { 0 };
	struct chunk chunk;

	if (!reader)
		return false;
	chunk_reader_seek(reader, c->file_off);
	if (chunk_reader_next(reader, &chunk) != CHUNK_READ_OK)
		return false;
	if (chunk_reader_load(reader, &chunk, &err) == 0 &&
	    object_decode(chunk.raw, chunk.header.raw_bytes, got, ctx, &err) != -EBADMSG)
		return true;
	x->bad(x->ctx, c->part, &chunk, err.text);
	return false;
}

/* Chains the chunks of each tag, in file order; chunks without a tag are read for it. */
static void object_index_link(struct object_index *x)
{
	if (x->linked)
		return;
	x->linked = true;
	for (size_t i = x->n_chunks; i-- > 0;) {
		struct object_chunk *c = &x->chunk[i];
		uint64_t *first;

		if (!c->tag)
			chunk_decode(x, c, got_tag, &c->tag);
		if (!c->tag)
			continue;
		first = map_put(&x->first, c->tag, NULL);
		c->next = (uint32_t)*first;
		*first = i + 1;
	}
}

static bool part_wanted(const struct embedded *e, uint32_t i)
{
	bool file = e->image.part[i].kind == ELF_PART_FILE;

	return !e->done[i] && (!file || e->want & ELF_TAKE_FILE);
}

static void got_header(struct embedded *e, const struct object_piece *piece)
{
	if (!piece->header) {
		memcpy(e->reason, piece->reason, sizeof(e->reason));
		return;
	}
	if (e->has_image)
		return; /* embedded twice: the first holds */
	e->image = *piece->header;
	e->image.build_id = piece->key.build_id;
	e->has_image = true;
	e->reason[0] = 0;
}

/* Pieces of a part come in order; one that is lost leaves its part unfinished. */
static void got_piece(struct embedded *e, const struct object_piece *piece)
{
	uint32_t i = piece->part_index;
	struct elf_part *part = &e->image.part[i];

	if (!e->has_image || i >= e->image.n_parts || !part_wanted(e, i) ||
	    piece->off != e->filled[i])
		return;
	if (part->size > e->budget || piece->n > part->size - piece->off)
		return;
	if (!e->data[i])
		e->data[i] = mem_alloc(part->size);
	memcpy(e->data[i] + piece->off, piece->bytes, piece->n);
	e->filled[i] += piece->n;
	if (e->filled[i] == part->size) {
		part->data = e->data[i];
		e->done[i] = true;
	}
}

static int got_record(void *ctx, const struct object_piece *piece)
{
	struct embedded *e = ctx;

	if (!object_key_equal(&piece->key, &e->key))
		return -1;
	e->found = true;
	if (piece->part_index == UINT32_MAX)
		got_header(e, piece);
	else
		got_piece(e, piece);
	return 0;
}

static bool is_whole(const struct embedded *e)
{
	for (uint32_t i = 0; i < e->image.n_parts; i++)
		if (part_wanted(e, i))
			return false;
	return e->has_image;
}

static void embedded_gather(struct embedded *e, struct object_index *x)
{
	uint64_t *first = map_find(&x->first, object_tag(&e->key));
	uint32_t n_missing = 0, part = 0;

	e->budget = 0;
	for (uint64_t i = first ? *first : 0; i; i = x->chunk[i - 1].next)
		e->budget += CHUNK_RAW_MAX;
	for (uint64_t i = first ? *first : 0; i; i = x->chunk[i - 1].next) {
		const struct object_chunk *c = &x->chunk[i - 1];

		if (c->part != part && is_whole(e))
			break;
		part = c->part;
		n_missing += !chunk_decode(x, c, got_record, e);
	}
	for (uint32_t i = 0; i < ELF_PARTS_MAX; i++)
		if (!e->done[i]) {
			free(e->data[i]);
			e->data[i] = NULL;
			e->filled[i] = 0;
		}
	if (n_missing && !e->has_image)
		strcpy(e->reason, "embedded, but damaged in the recording");
	e->take = e->want;
}

static struct embedded *embedded_get(struct object_index *x, const struct object_key *key)
{
	struct embedded *e;

	for (size_t i = 0; i < x->n_embedded; i++)
		if (object_key_equal(&x->embedded[i]->key, key))
			return x->embedded[i];
	e = mem_zalloc(sizeof(*e));
	e->key = *key;
	strncpy(e->path, key->path ? key->path : "", sizeof(e->path) - 1);
	e->key.path = e->path;
	mem_grow(&x->embedded, &x->embedded_cap, x->n_embedded + 1, sizeof(*x->embedded));
	x->embedded[x->n_embedded++] = e;
	return e;
}

const struct elf_image *object_index_image(struct object_index *x, const struct object_key *key,
					   unsigned int take, const char **ret_reason)
{
	struct embedded *e;

	object_index_link(x);
	e = embedded_get(x, key);
	e->want = ELF_TAKE_UNWIND | ELF_TAKE_SYMBOLS | (take & ELF_TAKE_FILE);
	if (e->want & ~e->take)
		embedded_gather(e, x);
	if (ret_reason)
		*ret_reason = e->reason[0] ? e->reason : NULL;
	return e->has_image ? &e->image : NULL;
}

void object_index_forget(struct object_index *x, const struct elf_image *image)
{
	for (size_t i = 0; i < x->n_embedded; i++)
		if (&x->embedded[i]->image == image) {
			embedded_free(x->embedded[i]);
			x->embedded[i] = x->embedded[--x->n_embedded];
			return;
		}
}
