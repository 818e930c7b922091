/*
 * Files with names and lines for recorded objects, found by build-id alone, offline, under roots
 * that the user gave and /usr/lib/debug: .build-id trees, plain files, folders of packages (.deb,
 * .rpm, read in place), dwz alternate files, .dwo and .dwp. What lies where is kept in an index
 * (SQLite, below the cache directory), so that a second run opens only what it needs. Files are
 * looked at in the jail; their bytes are handed on as open files.
 * Knows no addresses and no names of functions.
 */
#ifndef REPORT_DEBUG_H
#define REPORT_DEBUG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/format/event.h"
#include "common/format/object.h"

struct debug;
struct err;

struct debug_options {
	const char *const *dir; /* --debug-dir, then DDPROF_DEBUG_DIR; searched in this order */
	unsigned int n_dirs;
	bool no_system;	       /* not /usr/lib/debug, not the recorded path */
	const char *cache_dir; /* for the index; NULL: index in memory, for this run */
	bool debuginfod;       /* ask servers: only when the user said so */
	const char *debuginfod_urls; /* NULL: those of the environment */
	uint64_t debuginfod_max_bytes;
	uint32_t debuginfod_timeout_ms;
};

/* Who a debug file is: kept with every cached result, so that a better file supersedes it. */
struct debug_provenance {
	/* strength: a result of a lower kind is asked again when a higher one turns up */
	enum debug_kind {
		DEBUG_NOTHING,	/* no file was found */
		DEBUG_SYMBOLS,	/* symbol tables only */
		DEBUG_FULL,	/* debug information */
	} kind;
	struct build_id build_id;
	uint64_t size, mtime_ns, ctime_ns, dev, ino; /* of the file, or of the package around it */
	uint64_t member; /* offset-free id of the member of a package: hash of its name; 0: none */
};

struct debug_file {
	int fd; /* regular file or sealed memory; owner: caller, debug_file_done */
	struct debug_provenance provenance;
	char *where; /* its path, or "/root/x.deb: member 'usr/lib/debug/...'"; owned */
};
void debug_file_done(struct debug_file *f);

/* Never fails for a root that cannot be read: that is said once through log_warning. */
int debug_open(const struct debug_options *o, struct debug **ret, struct err *err);
void debug_close(struct debug *d);

/*
 * Best file for an object: one with debug information; else one with symbol tables. Candidates are
 * the file at the recorded path, .build-id trees, the index of the roots, .gnu_debuglink names
 * (each only when its build-id is the wanted one), debuginfod when asked for.
 * -ENOENT: none; err says what was nearest ("'/r/libx.debug': build-id ab12... wanted cd34...").
 * -ENODATA: the object's build-id is not known.
 */
int debug_find(struct debug *d, const struct object_key *key, struct debug_file *ret,
	       struct err *err);

/*
 * What debug_find would return, without opening more than needed: for cache lookups. With
 * debuginfod asked for, it may be fetched to be known. Failures likewise. err may have a text (and
 * code 0) with a result that lacks debug information: what was nearest to it.
 */
int debug_peek(struct debug *d, const struct object_key *key, struct debug_provenance *ret,
	       struct err *err);

/*
 * Announces objects that will be asked for: packages are read once for all of them. Call before
 * the first debug_find or debug_peek of a batch; later calls add to it.
 */
void debug_want(struct debug *d, const struct object_key *key, size_t n);

/* The object itself by build-id, with code and unwind tables. Failures as of debug_find. */
int debug_find_object(struct debug *d, const struct object_key *key, struct debug_file *ret,
		      struct err *err);

/*
 * A file that debug information names: dwz alternate by build-id, also at the name that it is given
 * by the file `beside` it (NULL: neither is known); .dwo by id; .dwp of an object.
 */
int debug_find_alt(struct debug *d, const struct build_id *build_id, const char *name,
		   const struct debug_file *beside, struct debug_file *ret, struct err *err);
int debug_find_dwo(struct debug *d, uint64_t dwo_id, const char *name, const char *comp_dir,
		   const struct debug_file *beside, struct debug_file *ret, struct err *err);
int debug_find_dwp(struct debug *d, const struct object_key *key, const struct debug_file *beside,
		   struct debug_file *ret, struct err *err);

/* The index below a cache directory, for who shows and clears that: bytes of it (0: none). */
uint64_t debug_index_bytes(const char *cache_dir);
void debug_index_remove(const char *cache_dir);

#endif
