/*
 * Embedded objects: each chunk names its object first, so that it is of use without its neighbours.
 *
 *	| key | header: loads, parts | piece | piece |      | key | piece of the same part |
 */
#include "common/format/object.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/format/wire.h"

enum object_record { OBJECT_HEADER = 1, OBJECT_PIECE = 2, OBJECT_REASON = 3 };

enum {
	KEY_BYTES_MAX = 1 + BUILD_ID_MAX + 4 * VARINT_BYTES_MAX + PATH_MAX_BYTES,
	HEADER_BYTES_MAX = (4 + 5 * ELF_LOADS_MAX + 4 * ELF_PARTS_MAX) * VARINT_BYTES_MAX,
	PIECE_BYTES_FIXED = 1 + 4 * VARINT_BYTES_MAX,
	PIECE_BYTES_MIN = 512, /* a chunk with less room left is closed */
	REASON_BYTES_MAX = sizeof(((struct object_piece *)0)->reason),
};

uint64_t object_tag(const struct object_key *key)
{
	uint64_t tag = 0xcbf29ce484222325u; /* FNV-1a of the path */

	if (key->build_id.n >= 8)
		tag = load_le64(key->build_id.bytes);
	else
		for (const char *p = key->path; p && *p; p++)
			tag = (tag ^ (uint8_t)*p) * 0x100000001b3u;
	return tag ? tag : 1;
}

bool object_key_equal(const struct object_key *a, const struct object_key *b)
{
	if (a->build_id.n || b->build_id.n)
		return a->build_id.n == b->build_id.n &&
		       !memcmp(a->build_id.bytes, b->build_id.bytes, a->build_id.n);
	return a->maj == b->maj && a->min == b->min && a->ino == b->ino &&
	       !strcmp(a->path, b->path);
}

/* ---- encoder ---- */

struct object_encoder {
	const struct object_key *key;
	uint8_t *begin, *at, *end;
	uint32_t n_records;
	object_put *put;
	void *ctx;
};

static uint8_t *put_key(const struct object_key *key, uint8_t *at)
{
	size_t n = key->path ? strnlen(key->path, PATH_MAX_BYTES - 1) : 0;

	*at++ = key->build_id.n;
	at = put_bytes(at, key->build_id.bytes, key->build_id.n);
	at = put_varint(at, key->maj);
	at = put_varint(at, key->min);
	at = put_varint(at, key->ino);
	at = put_varint(at, n);
	return put_bytes(at, key->path, n);
}

static void encoder_begin(struct object_encoder *e)
{
	e->at = put_key(e->key, e->begin);
	e->n_records = 0;
}

static int encoder_flush(struct object_encoder *e)
{
	int r = e->n_records ? e->put(e->ctx, e->begin, (size_t)(e->at - e->begin), e->n_records) :
			       0;

	encoder_begin(e);
	return r;
}

static void encoder_record(struct object_encoder *e, enum object_record type, const uint8_t *body,
			   size_t n)
{
	*e->at++ = (uint8_t)type;
	e->at = put_varint(e->at, n);
	e->at = put_bytes(e->at, body, n);
	e->n_records++;
}

static void encode_header(struct object_encoder *e, const struct elf_image *image)
{
	uint8_t body[HEADER_BYTES_MAX], *at = body;

	at = put_varint(at, image->machine);
	at = put_varint(at, image->elf_type);
	at = put_varint(at, image->entry);
	at = put_varint(at, image->n_loads);
	for (uint32_t i = 0; i < image->n_loads; i++) {
		const struct elf_load *l = &image->load[i];

		at = put_varint(at, l->file_off);
		at = put_varint(at, l->file_size);
		at = put_varint(at, l->addr);
		at = put_varint(at, l->mem_size);
		at = put_varint(at, l->flags);
	}
	at = put_varint(at, image->n_parts);
	for (uint32_t i = 0; i < image->n_parts; i++) {
		const struct elf_part *p = &image->part[i];

		at = put_varint(at, p->kind);
		at = put_varint(at, p->addr);
		at = put_varint(at, p->size);
		*at++ = p->data != NULL;
	}
	encoder_record(e, OBJECT_HEADER, body, (size_t)(at - body));
}

static int encode_part(struct object_encoder *e, uint32_t index, const struct elf_part *part)
{
	for (uint64_t off = 0; off < part->size;) {
		size_t room = (size_t)(e->end - e->at);
		uint64_t n;
		uint8_t head[3 * VARINT_BYTES_MAX], *at = head;

		if (room < PIECE_BYTES_FIXED + PIECE_BYTES_MIN) {
			int r = encoder_flush(e);

			if (r < 0)
				return r;
			continue;
		}
		n = MIN(part->size - off, room - PIECE_BYTES_FIXED);
		at = put_varint(at, index);
		at = put_varint(at, off);
		*e->at++ = OBJECT_PIECE;
		e->at = put_varint(e->at, (size_t)(at - head) + n);
		e->at = put_bytes(e->at, head, (size_t)(at - head));
		e->at = put_bytes(e->at, part->data + off, n);
		e->n_records++;
		off += n;
	}
	return 0;
}

int object_encode(const struct object_key *key, const struct elf_image *image, const char *reason,
		  void *scratch, object_put *put, void *ctx)
{
	struct object_encoder e = {
		.key = key,
		.begin = scratch,
		.end = (uint8_t *)scratch + CHUNK_RAW_MAX,
		.put = put,
		.ctx = ctx,
	};

	assert(key->build_id.n <= BUILD_ID_MAX);
	encoder_begin(&e);
	if (!image) {
		const char *text = reason && *reason ? reason : "not said";

		encoder_record(&e, OBJECT_REASON, (const uint8_t *)text,
			       strnlen(text, REASON_BYTES_MAX - 1));
		return encoder_flush(&e);
	}
	encode_header(&e, image);
	for (uint32_t i = 0; i < image->n_parts; i++)
		if (image->part[i].data) {
			int r = encode_part(&e, i, &image->part[i]);

			if (r < 0)
				return r;
		}
	return encoder_flush(&e);
}

/* ---- decoder ---- */

static void get_key(struct cursor *c, struct object_key *ret, char path[PATH_MAX_BYTES])
{
	const uint8_t *bytes;
	uint64_t n;

	ret->build_id.n = get_u8(c);
	bytes = ret->build_id.n <= BUILD_ID_MAX ? get_bytes(c, ret->build_id.n) : NULL;
	if (!bytes) {
		cursor_fail(c);
		return;
	}
	memcpy(ret->build_id.bytes, bytes, ret->build_id.n);
	ret->maj = (uint32_t)get_varint_max(c, UINT32_MAX);
	ret->min = (uint32_t)get_varint_max(c, UINT32_MAX);
	ret->ino = get_varint(c);
	n = get_varint_max(c, PATH_MAX_BYTES - 1);
	bytes = get_bytes(c, n);
	if (!bytes || memchr(bytes, 0, n)) {
		cursor_fail(c);
		return;
	}
	memcpy(path, bytes, n);
	path[n] = 0;
	ret->path = path;
}

static void get_header(struct cursor *c, struct elf_image *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->machine = (enum machine)get_varint_max(c, MACHINE_AARCH64);
	ret->elf_type = (uint16_t)get_varint_max(c, UINT16_MAX);
	ret->entry = get_varint(c);
	ret->n_loads = (uint32_t)get_varint_max(c, ELF_LOADS_MAX);
	for (uint32_t i = 0; i < ret->n_loads; i++) {
		struct elf_load *l = &ret->load[i];

		l->file_off = get_varint(c);
		l->file_size = get_varint(c);
		l->addr = get_varint(c);
		l->mem_size = get_varint(c);
		l->flags = (uint32_t)get_varint_max(c, UINT32_MAX);
	}
	ret->n_parts = (uint32_t)get_varint_max(c, ELF_PARTS_MAX);
	for (uint32_t i = 0; i < ret->n_parts; i++) {
		struct elf_part *p = &ret->part[i];

		p->kind = (enum elf_part_kind)get_varint_max(c, UINT32_MAX >> 1);
		p->addr = get_varint(c);
		p->size = get_varint(c);
		get_u8(c); /* taken or not: pieces follow or they do not */
	}
}

static void get_piece(struct cursor *c, struct object_piece *ret)
{
	ret->part_index = (uint32_t)get_varint_max(c, ELF_PARTS_MAX - 1);
	ret->off = get_varint(c);
	ret->n = cursor_left(c);
	ret->bytes = get_bytes(c, ret->n);
}

static void get_reason(struct cursor *c, struct object_piece *ret)
{
	size_t n = MIN(cursor_left(c), REASON_BYTES_MAX - 1u);

	memcpy(ret->reason, get_bytes(c, n), n);
	ret->reason[n] = 0;
	ret->part_index = UINT32_MAX;
}

int object_decode(const uint8_t *raw, size_t n, object_got *got, void *ctx, struct err *err)
{
	struct cursor c = cursor_of(raw, n);
	struct object_key key = { 0 };
	struct elf_image image;
	char path[PATH_MAX_BYTES];

	get_key(&c, &key, path);
	while (!c.bad && c.at < c.end) {
		struct object_piece piece = { .key = key };
		unsigned int type = get_u8(&c);
		uint64_t size = get_varint(&c);
		const uint8_t *bytes = get_bytes(&c, size);
		struct cursor body = cursor_of(bytes, bytes ? size : 0);
		int r;

		if (!bytes)
			break;
		if (type == OBJECT_HEADER) {
			get_header(&body, &image);
			image.build_id = key.build_id;
			piece.part_index = UINT32_MAX;
			piece.header = &image;
		} else if (type == OBJECT_PIECE) {
			get_piece(&body, &piece);
		} else if (type == OBJECT_REASON) {
			get_reason(&body, &piece);
		} else {
			continue; /* of a newer writer */
		}
		if (body.bad) {
			cursor_fail(&c);
			break;
		}
		r = got(ctx, &piece);
		if (r < 0)
			return r;
	}
	if (c.bad)
		return err_set(err, -EBADMSG, "pieces of an object make no sense");
	return 0;
}
