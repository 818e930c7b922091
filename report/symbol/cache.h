/*
 * Answers of earlier reports, one file for each build-id below a directory of the user's own:
 * DIR/answers/ab/cdef... Each says which debug file it came from; another one, or a stronger one,
 * supersedes it. Files are replaced whole (rename) and carry checksums: several processes may use
 * the cache at once, the last one's file stays. What is damaged is deleted.
 */
#ifndef REPORT_SYMBOL_CACHE_H
#define REPORT_SYMBOL_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "report/debug/debug.h"
#include "report/symbol/answer.h"

struct buf;
struct symbol_cache;

enum {
	SYMBOL_CACHE_FILE_MAX = 64 << 20, /* bytes of one build-id's answers */
	/* Of what reads debug information: raised when its results change; others are not used. */
	SYMBOL_CACHE_DECODER = 2,
};
#define SYMBOL_CACHE_BYTES (UINT64_C(1) << 30) /* of all; the oldest go first */

/* $XDG_CACHE_HOME/ddprof, else ~/.cache/ddprof. NULL: neither is known. To be freed. */
char *symbol_cache_default_dir(void);

/*
 * Makes the directory where it is missing. NULL after one line through log_warning: it cannot be
 * used (not writable, another user's, writable by others).
 */
struct symbol_cache *symbol_cache_open(const char *dir);
void symbol_cache_close(struct symbol_cache *c);

/* What is known of one build-id. Owner: caller, symbol_cached_done. */
struct symbol_cached {
	uint64_t *bytes; /* all else lies in it */
	struct answers answers;
	/* Questions that found nothing when these answers were made (missing.h). Whoever can answer
	 * one of them now has better ones to get, and drops these. */
	const uint8_t *missing;
	size_t n_missing;
};
void symbol_cached_done(struct symbol_cached *cached);

/*
 * `now`: what a debug file at hand would be; answers of a file that is gone (now->kind lower) are
 * as good. *ret is zeroed when it is false.
 */
bool symbol_cache_get(struct symbol_cache *c, const struct build_id *id,
		      const struct debug_provenance *now, struct symbol_cached *ret);

void symbol_cache_drop(struct symbol_cache *c, const struct build_id *id);

/*
 * Adds answers, and what was missing for them (NULL: nothing), to those of the same provenance,
 * and drops those of another.
 */
void symbol_cache_put(struct symbol_cache *c, const struct build_id *id,
		      const struct debug_provenance *from, const struct answers *answers,
		      const struct buf *missing);

/* ---- for the verb ---- */

struct symbol_cache_size {
	uint64_t n_files, bytes;
	int64_t oldest, newest; /* time of last use, seconds since 1970; 0 without files */
};
void symbol_cache_measure(struct symbol_cache *c, struct symbol_cache_size *ret);

/* Removes files last used before `before`, then the oldest until `max_bytes` are left. */
void symbol_cache_prune(struct symbol_cache *c, uint64_t max_bytes, int64_t before,
			struct symbol_cache_size *ret_removed);

#endif
