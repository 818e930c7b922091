/*
 * ddprof.data: the file as chunks. Layout: ddprof.data(5). Writing appends only; reading takes
 * any bytes.
 *
 *	file header | MANIFEST | KEYFRAME | EVENTS EVENTS OBJECT EVENTS KEYFRAME EVENTS ... | END
 *
 * A chunk is the unit of loss: <= 1 MiB raw, one zstd frame, header with sync marker and CRC32C,
 * written with one write. Records inside: record.h (events), object.h (embedded ELF parts),
 * manifest (text pairs).
 */
#ifndef COMMON_FORMAT_FILE_H
#define COMMON_FORMAT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/format/event.h"

struct err;

enum {
	FILE_VERSION_MAJOR = 1, /* readers refuse a newer major */
	FILE_VERSION_MINOR = 4,
	FILE_HEADER_BYTES = 64,
	CHUNK_HEADER_BYTES = 96,
	CHUNK_RAW_MAX = 1 << 20,
	CHUNK_STORED_MAX = CHUNK_RAW_MAX + (CHUNK_RAW_MAX >> 7) + 1024,
	/* writers close a chunk of this age: with the drain at most 1 s is open */
	CHUNK_AGE_MAX_NS = 750000000,
};

/* Unknown types are skipped by readers. */
enum chunk_type {
	CHUNK_MANIFEST = 1,
	/* state: sources, processes, threads, mappings; several may follow each other */
	CHUNK_KEYFRAME = 2,
	CHUNK_EVENTS = 3,
	CHUNK_OBJECT = 4, /* parts of ELF files */
	CHUNK_KERNEL = 5, /* kernel symbols */
	CHUNK_END = 6,
	CHUNK_JIT = 7, /* code that programs made at run time */
};

enum chunk_flags {
	CHUNK_FLAG_FIRST = 1, /* KEYFRAME: first of its group */
	CHUNK_FLAG_LAST = 2,  /* KEYFRAME: last of its group */
};

struct chunk_header {
	uint16_t type, flags;
	uint32_t raw_bytes, stored_bytes, n_records;
	uint64_t sequence; /* 0, 1, 2 ... through the file, all types */
	uint64_t first_ns, last_ns;
	uint64_t tag; /* OBJECT: object_tag() of what the pieces belong to, object.h; 0: not said */
	uint32_t stored_crc;
};

/* ---- writing: common/format/file.c ---- */

struct chunk_writer; /* one file; compresses into memory of fixed size */

/*
 * Where finished bytes go: all of them, or negative errno. A chunk of events or state that was
 * refused keeps its sequence number: readers see that one is missing. The others leave no gap: they
 * may come later, and what was said before them still holds.
 */
typedef int chunk_sink(void *ctx, const void *bytes, size_t n);

struct chunk_writer *chunk_writer_new(int zstd_level, chunk_sink *sink, void *ctx, struct err *err);
void chunk_writer_free(struct chunk_writer *w);
/* File header. Once more: another file, with an id and sequence numbers of its own. */
int chunk_writer_begin(struct chunk_writer *w);
/* Compresses raw bytes into one chunk and hands it to the sink as one piece. Allocates nothing. */
int chunk_writer_put(struct chunk_writer *w, enum chunk_type type, unsigned int flags,
		     const void *raw, size_t raw_bytes, uint32_t n_records, uint64_t first_ns,
		     uint64_t last_ns);
/* The same for bytes already compressed (by the inspector). */
int chunk_writer_put_stored(struct chunk_writer *w, enum chunk_type type, unsigned int flags,
			    const void *stored, size_t stored_bytes, size_t raw_bytes,
			    uint32_t n_records);
/*
 * The same for pieces of one object, with its object_tag(): readers find it without
 * decompressing.
 */
int chunk_writer_put_object(struct chunk_writer *w, const void *stored, size_t stored_bytes,
			    size_t raw_bytes, uint32_t n_records, uint64_t tag);
/* The same from raw bytes. */
int chunk_writer_put_object_raw(struct chunk_writer *w, const void *raw, size_t raw_bytes,
				uint32_t n_records, uint64_t tag);
/*
 * A chunk of another file as it is (header: type, flags, sizes, times, tag), under the next
 * sequence number.
 */
int chunk_writer_copy(struct chunk_writer *w, const struct chunk_header *header,
		      const void *stored);
/* Leaves out n sequence numbers: the readers of a copy see the gaps of its original. */
void chunk_writer_skip(struct chunk_writer *w, uint64_t n);
uint64_t chunk_writer_bytes(const struct chunk_writer *w); /* handed out so far */

/* ---- reading: common/format/scan.c ---- */

struct chunk_reader; /* holds one chunk at a time: memory does not grow with the file */

enum chunk_read { CHUNK_READ_END = 0, CHUNK_READ_OK = 1, CHUNK_READ_DAMAGE = 2 };

struct chunk {
	struct chunk_header header;
	uint64_t file_off;
	const uint8_t *raw; /* decompressed by chunk_reader_load; lent until the next call */
	/*
	 * CHUNK_READ_DAMAGE: bytes [file_off, file_off + damage_bytes) are not a chunk; reason
	 * says why
	 */
	uint64_t damage_bytes;
	char reason[160];
};

/*
 * fd must allow pread (report/read spools pipes first). -EBADMSG: neither file header nor any
 * chunk can be found ("not a recording"); -ENODATA: empty; -ENOTSUP: newer major version.
 */
int chunk_reader_open(int fd, struct chunk_reader **ret, struct err *err);
/* The same with a reader that has its memory already; NULL: a new one. On failure it is freed. */
int chunk_reader_reopen(struct chunk_reader *r, int fd, struct chunk_reader **ret, struct err *err);
void chunk_reader_free(struct chunk_reader *r);
/* Next chunk header (payload not yet read), in file order; resynchronises after damage. */
enum chunk_read chunk_reader_next(struct chunk_reader *r, struct chunk *ret);
/* Goes to a chunk seen before (file_off of a chunk_reader_next). */
void chunk_reader_seek(struct chunk_reader *r, uint64_t file_off);
/* CRC, then decompresses. Negative: damage with err text; the chunk is lost as a whole. */
int chunk_reader_load(struct chunk_reader *r, struct chunk *chunk, struct err *err);
bool chunk_reader_file_header_ok(const struct chunk_reader *r);
uint64_t chunk_reader_file_id(const struct chunk_reader *r); /* in each marker of the file */

/* Whether a file that starts with these bytes is a recording, of whatever version. */
bool file_is_recording(const uint8_t bytes[FILE_HEADER_BYTES]);

#endif
