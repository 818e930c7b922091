/*
 * Embedded objects: parts of ELF files in OBJECT chunks, kernel symbols in KERNEL chunks, the
 * manifest's pairs. A part larger than a chunk is cut into pieces. Wire form: ddprof.data(5),
 * "Objects", "Kernel symbols", "Manifest".
 */
#ifndef COMMON_FORMAT_OBJECT_H
#define COMMON_FORMAT_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/elf/image.h"
#include "common/format/file.h"

struct err;

/* Who an object is; the same triple as struct space_object. */
struct object_key {
	struct build_id build_id;
	uint32_t maj, min;
	uint64_t ino;
	const char *path;
};

/*
 * Writes an image as a sequence of raw chunk payloads, each <= CHUNK_RAW_MAX, handed to `put`.
 * image NULL: the object could not be read, `reason` says why (kept, so that the report can say
 * it).
 */
typedef int object_put(void *ctx, const void *raw, size_t n, uint32_t n_records);
int object_encode(const struct object_key *key, const struct elf_image *image, const char *reason,
		  void *scratch, object_put *put, void *ctx); /* scratch: CHUNK_RAW_MAX bytes */

/*
 * What stands in the chunk header of an object's pieces (chunk_writer_put_object), so that
 * readers find them without decompressing: never 0. Two objects may share one: the key in the
 * chunk decides.
 */
uint64_t object_tag(const struct object_key *key);
bool object_key_equal(const struct object_key *a, const struct object_key *b);

/* One record of an OBJECT chunk. */
struct object_piece {
	struct object_key key;
	char reason[160]; /* "" = readable */
	/*
	 * header record (part_index UINT32_MAX) fills image's machine, type, entry, loads, and
	 * the parts' kind, addr, size
	 */
	uint32_t part_index;
	uint64_t off, n; /* piece of that part */
	const uint8_t *bytes;
	struct elf_image *header; /* only for the header record; lent */
};
typedef int object_got(void *ctx, const struct object_piece *piece); /* negative stops */
int object_decode(const uint8_t *raw, size_t n, object_got *got, void *ctx, struct err *err);

struct kernel_symbol {
	uint64_t addr;
	const char *name, *module; /* module "" = the kernel itself */
};
/* Encodes symbols sorted by addr; returns how many fitted into cap bytes (*ret_n used). */
size_t kernel_encode(const struct kernel_symbol *symbols, size_t n, void *raw, size_t cap,
		     size_t *ret_n);
typedef int kernel_got(void *ctx, const struct kernel_symbol *symbol);
int kernel_decode(const uint8_t *raw, size_t n, kernel_got *got, void *ctx, struct err *err);

/*
 * Manifest: pairs of text, keys "recorder", "stacks", "machine", ... listed in ddprof.data(5).
 * Appends one pair; -ENOSPC.
 */
int manifest_put(void *raw, size_t cap, size_t *n, const char *key, const char *value);
typedef int manifest_got(void *ctx, const char *key, const char *value);
int manifest_decode(const uint8_t *raw, size_t n, manifest_got *got, void *ctx, struct err *err);

#endif
