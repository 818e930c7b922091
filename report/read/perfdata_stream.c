/*
 * Packed records hold pieces of one zstd stream through the whole file, and the records in it
 * are cut anywhere: what is left over at the end of a piece is put in front of the next.
 *
 *	file:      | record | COMPRESSED ----------- | COMPRESSED ------- | FINISHED_ROUND |
 *	unpacked:           | record | record | rec~ | ~ord | record |
 */
#include "report/read/perfdata_stream.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "common/base/err.h"

enum { HEADER_BYTES = 8, BLOCK_BYTES_MIN = 256 << 10, WINDOW_LOG_MAX = 27 };

struct perf_stream {
	const uint8_t *bytes;
	size_t n, at;
	uint64_t file_off;
	bool damaged, skip_packed;
	ZSTD_DStream *zstd;
	struct perf_block *block; /* being read; the stream holds one reference */
	size_t block_at;
	uint64_t held_bytes;
};

static void block_drop(struct perf_block *b)
{
	if (b && --b->n_refs == 0) {
		*b->held_bytes -= b->n;
		free(b);
	}
}

void perf_record_keep(const struct perf_record *r)
{
	if (r->block)
		r->block->n_refs++;
}

void perf_record_drop(const struct perf_record *r)
{
	block_drop(r->block);
}

struct perf_stream *perf_stream_new(const uint8_t *bytes, size_t n, uint64_t file_off)
{
	struct perf_stream *s = mem_zalloc(sizeof(*s));

	s->bytes = bytes;
	s->n = n;
	s->file_off = file_off;
	return s;
}

void perf_stream_rewind(struct perf_stream *s)
{
	block_drop(s->block);
	s->block = NULL;
	s->block_at = s->at = 0;
	s->damaged = false;
	if (s->zstd)
		ZSTD_initDStream(s->zstd);
}

void perf_stream_free(struct perf_stream *s)
{
	if (!s)
		return;
	block_drop(s->block);
	ZSTD_freeDStream(s->zstd);
	free(s);
}

uint64_t perf_stream_file_off(const struct perf_stream *s)
{
	return s->file_off + s->at;
}

uint64_t perf_stream_held_bytes(const struct perf_stream *s)
{
	return s->held_bytes;
}

void perf_stream_skip_packed(struct perf_stream *s, bool skip)
{
	s->skip_packed = skip;
}

/* ---- unpacking ---- */

/* A new block that begins with what the last one left over. */
static struct perf_block *block_new(struct perf_stream *s, size_t n)
{
	size_t left = s->block ? s->block->n - s->block_at : 0;
	struct perf_block *b = mem_alloc(sizeof(*b) + left + n);

	*b = (struct perf_block){ .held_bytes = &s->held_bytes, .n_refs = 1, .n = left };
	if (left)
		memcpy(b->bytes, s->block->bytes + s->block_at, left);
	return b;
}

/* All of `in` behind what is in *b, which grows. */
static int unpack(struct perf_stream *s, ZSTD_inBuffer *in, size_t cap, struct perf_block **b,
		  struct err *err)
{
	for (;;) {
		ZSTD_outBuffer out = { (*b)->bytes, cap, (*b)->n };
		size_t status = ZSTD_decompressStream(s->zstd, &out, in);

		(*b)->n = out.pos;
		if (ZSTD_isError(status))
			return err_set(err, -EBADMSG, "packed records do not unpack: %s",
				       ZSTD_getErrorName(status));
		if (out.pos < out.size && in->pos == in->size)
			return 0;
		if (out.pos < out.size)
			continue;
		if (cap >= PERF_BLOCK_BYTES_MAX)
			return err_set(err, -EFBIG,
				       "packed records unpack to more than %d MiB in one piece",
				       PERF_BLOCK_BYTES_MAX >> 20);
		cap *= 2;
		*b = mem_realloc(*b, sizeof(**b) + cap);
	}
}

static int unpack_record(struct perf_stream *s, const uint8_t *packed, size_t n, struct err *err)
{
	ZSTD_inBuffer in = { packed, n, 0 };
	struct perf_block *b;
	size_t cap;
	int status;

	if (!s->zstd) {
		s->zstd = ZSTD_createDStream();
		if (!s->zstd)
			return err_set(err, -ENOMEM, "no memory to unpack records");
		ZSTD_DCtx_setParameter(s->zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
	}
	b = block_new(s, BLOCK_BYTES_MIN);
	cap = b->n + BLOCK_BYTES_MIN;
	status = unpack(s, &in, cap, &b, err);
	b = mem_realloc(b, sizeof(*b) + b->n);
	block_drop(s->block);
	s->held_bytes += b->n;
	s->block = b;
	s->block_at = 0;
	return status;
}

/* ---- records ---- */

/* A whole record at `at` of `left` bytes; its size, 0: cut, or too small to be one. */
static size_t record_at(const uint8_t *at, size_t left)
{
	size_t n = left >= HEADER_BYTES ? load_le16(at + 6) : 0;

	return n >= HEADER_BYTES && n <= left ? n : 0;
}

static bool block_next(struct perf_stream *s, struct perf_record *ret)
{
	size_t n =
		s->block ? record_at(s->block->bytes + s->block_at, s->block->n - s->block_at) : 0;

	if (!n)
		return false;
	*ret = (struct perf_record){ s->block->bytes + s->block_at, s->block };
	s->block_at += n;
	return true;
}

/*
 * Bytes behind a record that its header's size does not count: the data of an AUX area, and in
 * pipes the formats of tracepoints.
 */
static uint64_t bytes_behind(const uint8_t *record, size_t n)
{
	switch (load_le32(record)) {
	case PERF_AUXTRACE:
		return n >= 16 ? load_le64(record + 8) : 0;
	case PERF_HEADER_TRACING_DATA:
		return n >= 12 ? ALIGN_UP((uint64_t)load_le32(record + 8), UINT64_C(8)) : 0;
	default:
		return 0;
	}
}

static enum perf_stream_next damage(struct perf_stream *s, uint64_t *ret_off, uint64_t *ret_bytes)
{
	s->damaged = true;
	*ret_off = s->file_off + s->at;
	*ret_bytes = s->n - s->at;
	return PERF_STREAM_DAMAGE;
}

static enum perf_stream_next file_next(struct perf_stream *s, struct perf_record *ret,
				       uint64_t *ret_off, uint64_t *ret_bytes, struct err *err)
{
	size_t left = s->n - s->at, n = record_at(s->bytes + s->at, left);
	const uint8_t *record = s->bytes + s->at;
	uint64_t behind;

	if (!left)
		return PERF_STREAM_END;
	if (!n) {
		err_set(err, -EBADMSG,
			left < HEADER_BYTES ?
				"%zu bytes are left, less than a record's header" :
				"%zu bytes are left for a record that claims %u, at least 8",
			left, left < HEADER_BYTES ? 0 : load_le16(record + 6));
		return damage(s, ret_off, ret_bytes);
	}
	behind = bytes_behind(record, n);
	if (behind > left - n) {
		err_set(err, -EBADMSG, "a record claims %" PRIu64 " bytes behind it, %zu are left",
			behind, left - n);
		return damage(s, ret_off, ret_bytes);
	}
	*ret = (struct perf_record){ record, NULL };
	s->at += n + behind;
	return PERF_STREAM_RECORD;
}

/* The packed bytes of a record; false: it holds none. */
static bool packed_bytes(const struct perf_record *r, const uint8_t **ret, size_t *ret_n)
{
	size_t n = perf_record_bytes(r);

	if (perf_record_type(r) == PERF_COMPRESSED) {
		*ret = r->bytes + HEADER_BYTES;
		*ret_n = n - HEADER_BYTES;
		return true;
	}
	if (perf_record_type(r) != PERF_COMPRESSED2 || n < HEADER_BYTES + 8)
		return false;
	/* says its size, and is padded to a multiple of eight */
	*ret = r->bytes + HEADER_BYTES + 8;
	*ret_n = MIN(load_le64(r->bytes + HEADER_BYTES), (uint64_t)(n - HEADER_BYTES - 8));
	return true;
}

enum perf_stream_next perf_stream_next(struct perf_stream *s, struct perf_record *ret,
				       uint64_t *ret_off, uint64_t *ret_bytes, struct err *err)
{
	enum perf_stream_next got;
	const uint8_t *packed;
	size_t at, n;

	while (!s->damaged) {
		if (block_next(s, ret))
			return PERF_STREAM_RECORD;
		at = s->at;
		got = file_next(s, ret, ret_off, ret_bytes, err);
		if (got != PERF_STREAM_RECORD || s->skip_packed || !packed_bytes(ret, &packed, &n))
			return got;
		if (unpack_record(s, packed, n, err) < 0) {
			s->at = at;
			return damage(s, ret_off, ret_bytes);
		}
	}
	return PERF_STREAM_END;
}
