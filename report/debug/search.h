/*
 * Where a file with a given build-id may lie, and which of those places is the best. Cheap places
 * first: names that follow from the build-id or from the recorded path are tried before any folder
 * is looked through. Private to report/debug/.
 */
#ifndef REPORT_DEBUG_SEARCH_H
#define REPORT_DEBUG_SEARCH_H

#include "report/debug/place.h"

struct fetch;
struct object_key;

enum search_for {
	SEARCH_NAMES,  /* debug information, else symbol tables */
	SEARCH_OBJECT, /* the object itself, with its code and unwind tables */
	SEARCH_ALT,    /* a dwz file */
	SEARCH_KINDS
};

/* What is looked through; lent. */
struct search_in {
	struct root *root;
	size_t n_roots;
	struct root *alt_root; /* /usr/lib/debug/.dwz; NULL: not this machine's files */
	bool no_system;
	struct index *index;
	struct members *members;
	struct fetch *fetch; /* NULL: servers are not asked */
};

/* 0, or -ENOENT, err saying what was nearest. Owner of *ret: the caller, place_done. */
int search_run(const struct search_in *in, enum search_for what, const struct object_key *key,
	       struct place *ret, struct err *err);

/* Of a recorded object, by its name only: a .dwp carries no build-id. */
int search_dwp(const struct search_in *in, const struct object_key *key,
	       const struct debug_file *beside, struct place *ret, struct err *err);
int search_dwo(const struct search_in *in, uint64_t dwo_id, const char *name, const char *comp_dir,
	       const struct debug_file *beside, struct place *ret, struct err *err);

/* 1 + 2 * n hex digits and zero; "ab12cd..." cut to 8 bytes for messages. */
void build_id_text(const struct build_id *id, char *ret);
enum { BUILD_ID_TEXT_BYTES = 2 * BUILD_ID_MAX + 1 };

#endif
