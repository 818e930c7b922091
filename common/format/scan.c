/*
 * The reading side of a file: any bytes -> chunks and the damage between them.
 *
 *	| file header | chunk | chunk | ####damage#### | chunk | cut off
 *	                ^off    next = off + 96 + stored
 *
 * Where no valid header stands, the next place is searched where the file's own marker stands and
 * the header's CRC holds. 16 bytes of marker and 4 of CRC make a false one less likely than a
 * disk error.
 */
#include "common/format/file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zstd.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "common/format/chunk.h"
#include "common/format/crc.h"

enum {
	SCAN_BYTES = 64 << 10, /* searched at a time */
	MARKER_BYTES = 16,     /* chunk_marker and the file's id */
	WINDOW_LOG_MAX = 23,   /* of zstd: 8 MiB; our writers stay at 1 MiB */
};

struct chunk_reader {
	int fd;
	uint64_t size, at;
	uint64_t sequence; /* the least that the next chunk can have */
	uint64_t quiet_to; /* damage up to here has been told as a chunk that did not check */
	uint64_t wasted;   /* bytes of chunks that did not check */
	uint64_t file_id;
	bool header_ok;
	ZSTD_DCtx *zstd;
	uint8_t *raw;
	uint64_t scan_off; /* where the window stands in the file */
	size_t scan_n;
	uint8_t scan[SCAN_BYTES];
	uint8_t stored[CHUNK_STORED_MAX];
};

/* NULL when a chunk begins at off, else what is there instead. */
static const char *chunk_at(const struct chunk_reader *r, uint64_t off, struct chunk_header *ret)
{
	uint8_t bytes[CHUNK_HEADER_BYTES];
	const char *wrong;
	uint64_t file_id;

	if (r->size - off < sizeof(bytes))
		return "cut in the middle of a chunk header";
	if (io_pread(r->fd, bytes, sizeof(bytes), off) != (ssize_t)sizeof(bytes))
		return "cannot be read";
	wrong = chunk_header_get(bytes, ret, &file_id);
	if (wrong)
		return wrong;
	if (file_id != r->file_id)
		return "chunk of another recording";
	if (r->size - off - sizeof(bytes) < ret->stored_bytes)
		return "cut in the middle of a chunk";
	if (ret->sequence < r->sequence)
		return "chunk out of sequence";
	return NULL;
}

/*
 * Makes the window hold the bytes at `from`, if it does not already hold at least `want` of them.
 */
static bool window_at(struct chunk_reader *r, uint64_t from, size_t want)
{
	ssize_t n;

	if (from >= r->scan_off && from + want <= r->scan_off + r->scan_n)
		return true;
	n = io_pread(r->fd, r->scan, MIN((uint64_t)SCAN_BYTES, r->size - from), from);
	r->scan_off = from;
	r->scan_n = n < 0 ? 0 : (size_t)n;
	return r->scan_n >= want;
}

/*
 * First place at or after `from` where the marker stands and a header fits; size of the file when
 * there is none.
 */
static uint64_t find_marker(struct chunk_reader *r, uint64_t from, const uint8_t *marker,
			    size_t n_marker)
{
	while (r->size > from && r->size - from >= CHUNK_HEADER_BYTES &&
	       window_at(r, from, n_marker)) {
		size_t skip = (size_t)(from - r->scan_off);
		const uint8_t *hit = memmem(r->scan + skip, r->scan_n - skip, marker, n_marker);

		if (hit)
			return r->scan_off + (uint64_t)(hit - r->scan);
		from = r->scan_off + r->scan_n - (n_marker - 1);
	}
	return r->size;
}

static void marker_of(const struct chunk_reader *r, uint8_t marker[MARKER_BYTES])
{
	memcpy(marker, chunk_marker, sizeof(chunk_marker));
	store_le64(marker + sizeof(chunk_marker), r->file_id);
}

/* Where the next chunk begins at or after `from`; the file's size when there is none. */
static uint64_t find_chunk(struct chunk_reader *r, uint64_t from)
{
	uint8_t marker[MARKER_BYTES];
	struct chunk_header h;

	marker_of(r, marker);
	for (;;) {
		uint64_t off = find_marker(r, from, marker, sizeof(marker));

		if (off == r->size || !chunk_at(r, off, &h))
			return off;
		from = off + 1;
	}
}

/* Without a file header the first valid chunk says which file this is. */
static bool adopt_file_id(struct chunk_reader *r)
{
	uint8_t bytes[CHUNK_HEADER_BYTES];
	struct chunk_header h;

	for (uint64_t from = 0;; from++) {
		from = find_marker(r, from, chunk_marker, sizeof(chunk_marker));
		if (r->size - from < sizeof(bytes))
			return false;
		if (io_pread(r->fd, bytes, sizeof(bytes), from) == (ssize_t)sizeof(bytes) &&
		    !chunk_header_get(bytes, &h, &r->file_id))
			return true;
	}
}

static int read_file_header(struct chunk_reader *r, struct err *err)
{
	uint8_t bytes[FILE_HEADER_BYTES];
	struct file_header h;
	ssize_t n = io_pread(r->fd, bytes, sizeof(bytes), 0);

	if (n < 0)
		return err_set(err, (int)n, "cannot read: %s", strerror((int)-n));
	if (n == 0)
		return err_set(err, -ENODATA, "file is empty");
	r->header_ok = n == (ssize_t)sizeof(bytes) && file_header_get(bytes, &h);
	if (!r->header_ok) {
		if (!adopt_file_id(r))
			return err_set(err, -EBADMSG,
				       "not a recording of ddprof-record (no file header, no chunk "
				       "in %" PRIu64 " bytes)",
				       r->size);
		return 0;
	}
	if (h.major > FILE_VERSION_MAJOR)
		return err_set(err, -ENOTSUP,
			       "recording has format version %u.%u, this program reads up to %u.x: "
			       "use a newer one",
			       h.major, h.minor, FILE_VERSION_MAJOR);
	r->file_id = h.file_id;
	r->at = FILE_HEADER_BYTES;
	return 0;
}

static struct chunk_reader *reader_new(void)
{
	struct chunk_reader *r = mem_alloc(sizeof(*r));

	memset(r, 0, offsetof(struct chunk_reader, scan));
	r->raw = mem_alloc(CHUNK_RAW_MAX);
	r->zstd = ZSTD_createDCtx();
	if (r->zstd)
		ZSTD_DCtx_setParameter(r->zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
	return r;
}

static int reader_begin(struct chunk_reader *r, int fd, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_set(err, -errno, "cannot read: %s", strerror(errno));
	if (S_ISDIR(st.st_mode))
		return err_set(err, -EISDIR, "is a directory");
	if (!r->zstd)
		return err_set(err, -ENOMEM, "no memory to decompress chunks");
	r->fd = fd;
	r->size = (uint64_t)st.st_size;
	r->at = r->sequence = r->quiet_to = r->wasted = r->file_id = 0;
	r->scan_off = r->scan_n = 0;
	return read_file_header(r, err);
}

int chunk_reader_open(int fd, struct chunk_reader **ret, struct err *err)
{
	return chunk_reader_reopen(NULL, fd, ret, err);
}

int chunk_reader_reopen(struct chunk_reader *r, int fd, struct chunk_reader **ret, struct err *err)
{
	int code;

	if (!r)
		r = reader_new();
	code = reader_begin(r, fd, err);
	if (code < 0) {
		chunk_reader_free(r);
		return code;
	}
	*ret = r;
	return 0;
}

void chunk_reader_free(struct chunk_reader *r)
{
	if (!r)
		return;
	ZSTD_freeDCtx(r->zstd);
	free(r->raw);
	free(r);
}

static enum chunk_read reader_damage(struct chunk_reader *r, uint64_t to, const char *reason,
				     struct chunk *ret)
{
	*ret = (struct chunk){ .file_off = r->at, .damage_bytes = to - r->at };
	snprintf(ret->reason, sizeof(ret->reason), "%s", reason);
	r->at = to;
	return CHUNK_READ_DAMAGE;
}

enum chunk_read chunk_reader_next(struct chunk_reader *r, struct chunk *ret)
{
	struct chunk_header h;
	const char *wrong;

	/* inside a chunk that did not check another may begin, if bytes are missing */
	if (r->at < r->quiet_to) {
		uint64_t to = find_chunk(r, r->at);

		r->at = MIN(to, r->quiet_to);
	}
	if (r->at >= r->size)
		return CHUNK_READ_END;
	wrong = chunk_at(r, r->at, &h);
	if (wrong)
		return reader_damage(r, find_chunk(r, r->at + 1), wrong, ret);
	*ret = (struct chunk){ .header = h, .file_off = r->at };
	r->at += CHUNK_HEADER_BYTES + h.stored_bytes;
	r->sequence = h.sequence + 1;
	return CHUNK_READ_OK;
}

void chunk_reader_seek(struct chunk_reader *r, uint64_t file_off)
{
	r->at = MIN(file_off, r->size);
	r->sequence = r->quiet_to = 0;
}

/*
 * Bytes may be missing inside a chunk that did not check: another may begin there. Not so when one
 * begins where this one ends. Chunks that claim each other's bytes could make this dear: after four
 * times the file it is left.
 */
static void look_inside(struct chunk_reader *r, const struct chunk *chunk)
{
	uint64_t end = chunk->file_off + CHUNK_HEADER_BYTES + chunk->header.stored_bytes;
	struct chunk_header h;

	if (r->at != end || r->wasted / 4 > r->size || !chunk_at(r, end, &h))
		return;
	r->quiet_to = end;
	r->at = chunk->file_off + 1;
}

static int load_failed(struct chunk_reader *r, const struct chunk *chunk, const char *reason,
		       struct err *err)
{
	r->wasted += chunk->header.stored_bytes;
	look_inside(r, chunk);
	return err_set(err, -EBADMSG, "chunk %" PRIu64 " at offset %" PRIu64 " (%u bytes): %s",
		       chunk->header.sequence, chunk->file_off,
		       CHUNK_HEADER_BYTES + chunk->header.stored_bytes, reason);
}

int chunk_reader_load(struct chunk_reader *r, struct chunk *chunk, struct err *err)
{
	const struct chunk_header *h = &chunk->header;
	size_t n = h->stored_bytes;

	if (io_pread(r->fd, r->stored, n, chunk->file_off + CHUNK_HEADER_BYTES) != (ssize_t)n)
		return load_failed(r, chunk, "cannot be read", err);
	if (crc32c(r->stored, n) != h->stored_crc)
		return load_failed(r, chunk, "contents damaged (checksum)", err);
	if (ZSTD_getFrameContentSize(r->stored, n) != h->raw_bytes ||
	    ZSTD_findFrameCompressedSize(r->stored, n) != n)
		return load_failed(r, chunk, "contents are not one frame of the size in the header",
				   err);
	if (ZSTD_decompressDCtx(r->zstd, r->raw, CHUNK_RAW_MAX, r->stored, n) != h->raw_bytes)
		return load_failed(r, chunk, "contents do not decompress", err);
	chunk->raw = r->raw;
	return 0;
}

bool chunk_reader_file_header_ok(const struct chunk_reader *r)
{
	return r->header_ok;
}

uint64_t chunk_reader_file_id(const struct chunk_reader *r)
{
	return r->file_id;
}
