/*
 * The writing side of a file: raw bytes -> header and one zstd frame, side by side in one buffer,
 * so that a chunk goes out with one write.
 */
/* For a compressor in memory of ours: nothing is allocated while recording. */
#define ZSTD_STATIC_LINKING_ONLY
#include "common/format/file.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>

#include "common/base/err.h"
#include "common/base/pages.h"
#include "common/format/chunk.h"
#include "common/format/crc.h"

struct chunk_writer {
	chunk_sink *sink;
	void *ctx;
	ZSTD_CCtx *zstd;
	void *workspace;
	size_t workspace_bytes;
	int level;
	uint64_t file_id, sequence, bytes;
	uint8_t out[CHUNK_HEADER_BYTES + CHUNK_STORED_MAX];
};

static uint64_t new_file_id(void)
{
	uint64_t id;
	struct timespec now;

	if (getrandom(&id, sizeof(id), GRND_NONBLOCK) == (ssize_t)sizeof(id))
		return id;
	clock_gettime(CLOCK_REALTIME, &now); /* early at boot: unique enough to tell files apart */
	return (uint64_t)now.tv_sec << 32 ^ (uint64_t)now.tv_nsec << 8 ^ (uint64_t)getpid();
}

struct chunk_writer *chunk_writer_new(int zstd_level, chunk_sink *sink, void *ctx, struct err *err)
{
	struct chunk_writer *w = pages_reserve(sizeof(*w));

	if (!w)
		goto fail;
	*w = (struct chunk_writer){
		.sink = sink, .ctx = ctx, .level = zstd_level, .file_id = new_file_id()
	};
	w->workspace_bytes = ZSTD_estimateCCtxSize(zstd_level);
	w->workspace = pages_reserve(w->workspace_bytes);
	w->zstd = w->workspace ? ZSTD_initStaticCCtx(w->workspace, w->workspace_bytes) : NULL;
	if (!w->zstd)
		goto fail;
	return w;
fail:
	err_set(err, -ENOMEM, "no memory to compress chunks");
	chunk_writer_free(w);
	return NULL;
}

void chunk_writer_free(struct chunk_writer *w)
{
	if (!w)
		return;
	pages_free(w->workspace, w->workspace_bytes); /* the compressor lies in it */
	pages_free(w, sizeof(*w));
}

static int writer_send(struct chunk_writer *w, const void *bytes, size_t n)
{
	int r = w->sink(w->ctx, bytes, n);

	if (r == 0)
		w->bytes += n;
	return r;
}

int chunk_writer_begin(struct chunk_writer *w)
{
	if (w->bytes || w->sequence)
		w->file_id = new_file_id();
	w->bytes = w->sequence = 0;
	struct file_header h = { .major = FILE_VERSION_MAJOR,
				 .minor = FILE_VERSION_MINOR,
				 .file_id = w->file_id };
	uint8_t bytes[FILE_HEADER_BYTES];

	file_header_put(&h, bytes);
	return writer_send(w, bytes, sizeof(bytes));
}

/* Whether later events mean something else when it is missing. */
static bool tells_state(uint16_t type)
{
	return type != CHUNK_OBJECT && type != CHUNK_KERNEL && type != CHUNK_JIT;
}

/* The stored bytes are in place behind the header's. */
static int writer_finish(struct chunk_writer *w, struct chunk_header *h)
{
	h->sequence = w->sequence++;
	h->stored_crc = crc32c(w->out + CHUNK_HEADER_BYTES, h->stored_bytes);
	chunk_header_put(h, w->file_id, w->out);
	int r = writer_send(w, w->out, CHUNK_HEADER_BYTES + h->stored_bytes);
	if (r < 0 && !tells_state(h->type))
		w->sequence--;
	return r;
}

static int put_raw(struct chunk_writer *w, struct chunk_header *h, const void *raw)
{
	size_t n;

	assert(h->raw_bytes <= CHUNK_RAW_MAX);
	n = ZSTD_compressCCtx(w->zstd, w->out + CHUNK_HEADER_BYTES, CHUNK_STORED_MAX, raw,
			      h->raw_bytes, w->level);
	if (ZSTD_isError(n)) {
		w->sequence++;
		return -EIO;
	}
	h->stored_bytes = (uint32_t)n;
	return writer_finish(w, h);
}

int chunk_writer_put(struct chunk_writer *w, enum chunk_type type, unsigned int flags,
		     const void *raw, size_t raw_bytes, uint32_t n_records, uint64_t first_ns,
		     uint64_t last_ns)
{
	struct chunk_header h = {
		.type = (uint16_t)type,
		.flags = (uint16_t)flags,
		.raw_bytes = (uint32_t)raw_bytes,
		.n_records = n_records,
		.first_ns = first_ns,
		.last_ns = last_ns,
	};

	return put_raw(w, &h, raw);
}

int chunk_writer_put_object_raw(struct chunk_writer *w, const void *raw, size_t raw_bytes,
				uint32_t n_records, uint64_t tag)
{
	struct chunk_header h = {
		.type = CHUNK_OBJECT,
		.raw_bytes = (uint32_t)raw_bytes,
		.n_records = n_records,
		.tag = tag,
	};

	return put_raw(w, &h, raw);
}

static int put_stored(struct chunk_writer *w, struct chunk_header *h, const void *stored,
		      size_t stored_bytes)
{
	assert(stored_bytes && stored_bytes <= CHUNK_STORED_MAX && h->raw_bytes <= CHUNK_RAW_MAX);
	h->stored_bytes = (uint32_t)stored_bytes;
	memcpy(w->out + CHUNK_HEADER_BYTES, stored, stored_bytes);
	return writer_finish(w, h);
}

int chunk_writer_put_stored(struct chunk_writer *w, enum chunk_type type, unsigned int flags,
			    const void *stored, size_t stored_bytes, size_t raw_bytes,
			    uint32_t n_records)
{
	struct chunk_header h = {
		.type = (uint16_t)type,
		.flags = (uint16_t)flags,
		.raw_bytes = (uint32_t)raw_bytes,
		.n_records = n_records,
	};

	return put_stored(w, &h, stored, stored_bytes);
}

int chunk_writer_put_object(struct chunk_writer *w, const void *stored, size_t stored_bytes,
			    size_t raw_bytes, uint32_t n_records, uint64_t tag)
{
	struct chunk_header h = {
		.type = CHUNK_OBJECT,
		.raw_bytes = (uint32_t)raw_bytes,
		.n_records = n_records,
		.tag = tag,
	};

	return put_stored(w, &h, stored, stored_bytes);
}

int chunk_writer_copy(struct chunk_writer *w, const struct chunk_header *header, const void *stored)
{
	struct chunk_header h = *header;

	return put_stored(w, &h, stored, header->stored_bytes);
}

void chunk_writer_skip(struct chunk_writer *w, uint64_t n)
{
	w->sequence += n;
}

uint64_t chunk_writer_bytes(const struct chunk_writer *w)
{
	return w->bytes;
}
