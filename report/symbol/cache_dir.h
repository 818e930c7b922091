/* The open directory of the cache, for those who keep files in it (cache.c, cache_prune.c). */
#ifndef REPORT_SYMBOL_CACHE_DIR_H
#define REPORT_SYMBOL_CACHE_DIR_H

#include <stdbool.h>
#include <stdint.h>

#include "common/format/event.h"

enum { CACHE_NAME_BYTES = 2 * BUILD_ID_MAX + 2 }; /* "ab/cdef..." */

struct symbol_cache {
	char *dir;
	int answers; /* DIR/answers */
	uint32_t n_written;
	bool said; /* that it cannot be written */
};

#endif
