/*
 * Catalogs of roots, kept from run to run in a database below the cache directory
 * (debug-index.sqlite). May be shared by several processes, be damaged or unwritable: then it is
 * rebuilt or done without, which is said once; nothing fails for it.
 * Private to report/debug/; what `cache` shows and clears is in debug.h.
 */
#ifndef REPORT_DEBUG_INDEX_H
#define REPORT_DEBUG_INDEX_H

#include <stdbool.h>

struct catalog;
struct finding_notes;
struct index;

#define INDEX_FILE "debug-index.sqlite"

enum {
	INDEX_VERSION = 1,     /* of the table and of what finding.h puts into it */
	INDEX_ROOTS_MAX = 256, /* of those kept; the oldest go first */
	INDEX_CATALOG_BYTES_MAX = 512 << 20,
	INDEX_BUSY_MS = 1000, /* how long another process is waited for */
};

/* Opens nothing yet. cache_dir NULL: remembers nothing. */
struct index *index_new(const char *cache_dir);
void index_free(struct index *x);

/*
 * Into an initialised catalog, sealed afterwards, with what was said when it was made. False:
 * nothing (usable) is kept of this root, and the catalog is empty.
 */
bool index_load(struct index *x, const char *root, struct catalog *ret,
		struct finding_notes *ret_notes);

/* Replaces what is kept of the root by a sealed catalog. */
void index_store(struct index *x, const char *root, const struct catalog *c,
		 const struct finding_notes *notes);

#endif
