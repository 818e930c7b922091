/*
 * Compressed bytes -> memory of the size they claim, checked before it is asked for. Private to
 * report/dwarf/. Does not allocate while unpacking, so that it can run in threads of a jail.
 * Source: System V gABI, "Compression Header"; GNU .zdebug_: "ZLIB", size in 8 bytes big-endian.
 */
#ifndef REPORT_DWARF_SECTIONS_UNPACK_H
#define REPORT_DWARF_SECTIONS_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum pack_form { PACK_NONE, PACK_ZLIB, PACK_ZSTD };

struct packed {
	enum pack_form form;
	const uint8_t *data;
	uint64_t n;
	uint64_t unpacked; /* bytes, as claimed */
};

/* A section with SHF_COMPRESSED. -ENOTSUP unknown form, -EBADMSG cut, -EFBIG over a limit. */
int packed_read_elf(const uint8_t *bytes, uint64_t n, struct packed *ret, struct err *err);
/* A section named .zdebug_*; without its magic it is not compressed (PACK_NONE). */
int packed_read_gnu(const uint8_t *bytes, uint64_t n, struct packed *ret, struct err *err);

/* What both libraries need; one for each thread. */
struct unpacker {
	void *deflate, *zstd;
};
/* False: no memory. */
bool unpacker_init(struct unpacker *u);
void unpacker_done(struct unpacker *u);

/* Fills out[p->unpacked]. -EBADMSG: damaged, or of another size than claimed. */
int unpack(struct unpacker *u, const struct packed *p, uint8_t *out, struct err *err);

/* Memory of at least n > 0 bytes, zeroed; -ENOMEM. Given back with memory_free(p, n). */
int memory_take(uint64_t n, uint8_t **ret, struct err *err);
void memory_free(uint8_t *p, uint64_t n);

#endif
