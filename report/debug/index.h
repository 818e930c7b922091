/*
 * Catalogs of roots, kept from run to run in a database below the cache directory
 * (debug-index.sqlite). May be shared by several processes, be damaged or unwritable: then it is
 * rebuilt or done without, which is said once; nothing fails for it.
 * Private to report/debug/.
 */
#ifndef REPORT_DEBUG_INDEX_H
#define REPORT_DEBUG_INDEX_H

#include <stdbool.h>

struct catalog;
struct index;

/* Opens nothing yet. cache_dir NULL: remembers nothing. */
struct index *index_new(const char *cache_dir);
void index_free(struct index *x);

/* Into an initialised catalog, sealed afterwards. False: nothing (usable) is kept of this root. */
bool index_load(struct index *x, const char *root, struct catalog *ret);

/* Replaces what is kept of the root by a sealed catalog. */
void index_store(struct index *x, const char *root, const struct catalog *c);

#endif
