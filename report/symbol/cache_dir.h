/*
 * The open directory of the cache, for those who keep files in it (cache.c, cache_prune.c), and
 * what such a file is, for tests.
 */
#ifndef REPORT_SYMBOL_CACHE_DIR_H
#define REPORT_SYMBOL_CACHE_DIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/format/event.h"

struct err;
struct symbol_cached;

enum { CACHE_NAME_BYTES = 2 * BUILD_ID_MAX + 2 }; /* "ab/cdef..." */
#define CACHE_MAGIC UINT64_C(0x3268636163706464)  /* "ddpcach2" */

struct symbol_cache {
	char *dir;
	int answers; /* DIR/answers */
	uint32_t n_written;
	bool said; /* that it cannot be written */
};

struct cache_header {
	uint64_t magic;
	uint32_t decoder, crc; /* crc: of the header, with 0 here */
	uint32_t kind, build_id_n;
	uint8_t build_id[BUILD_ID_MAX];
	uint32_t reserved; /* 0, and no hole: headers are compared as bytes */
	uint64_t size, mtime_ns, ctime_ns, dev, ino, member;
	uint32_t missing_bytes, missing_crc; /* no part of the provenance */
};

static inline uint64_t cache_aligned(uint64_t n)
{
	return (n + 7) & ~UINT64_C(7);
}

/*
 * bytes: 8-aligned, lent to *ret, whose own `bytes` stay as they are. -EBADMSG: damaged; -ENOTSUP:
 * of another decoder.
 */
int cache_file_check(const uint8_t *bytes, size_t n, struct cache_header *ret_header,
		     struct symbol_cached *ret, struct err *err);

#endif
