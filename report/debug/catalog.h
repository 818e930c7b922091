/*
 * What lies in one root: folders, files, and the ELF files among them or inside of packages.
 * Made by looking (walk.h, package.h) or loaded (index.h), then sealed; then only asked.
 * Private to report/debug/.
 */
#ifndef REPORT_DEBUG_CATALOG_H
#define REPORT_DEBUG_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/map.h"
#include "common/format/event.h"
#include "report/debug/probe.h"
#include "report/debug/reach.h"

enum { CATALOG_NONE = UINT32_MAX };

enum catalog_kind {
	CATALOG_OTHER,	 /* nothing for us */
	CATALOG_ELF,	 /* one item */
	CATALOG_PACKAGE, /* .deb or .rpm: items are its members */
	CATALOG_BAD,	 /* could not be read, or lies about itself */
	CATALOG_KINDS
};

struct catalog_folder {
	const char *path; /* below the root, "" for the root itself */
	struct identity identity;
};

struct catalog_file {
	const char *path; /* below the root */
	struct identity identity;
	enum catalog_kind kind;
	const char *reason; /* what is wrong with it; "" nothing. A package may have items still */
	uint32_t first, n_items; /* sealed */
};

/* An ELF file that may be of use. */
struct catalog_item {
	uint32_t file;
	uint32_t member;    /* entry of the package, from 1; 0: the file itself */
	unsigned int flags; /* probe_flags */
	struct build_id build_id, alt;
	uint64_t dwo_id;
	uint64_t size;
	const char *name; /* the member's name, for messages; "" for the file itself */
	uint32_t next_id, next_dwo; /* sealed: further ones of this id */
};

struct catalog {
	struct arena strings;
	struct catalog_folder *folder;
	struct catalog_file *file;
	struct catalog_item *item;
	size_t n_folders, n_files, n_items, folder_cap, file_cap, item_cap;
	struct map by_path, by_id, by_dwo; /* sealed */
	uint64_t sum;			   /* sealed: of everything above */
};

void catalog_init(struct catalog *c);
void catalog_done(struct catalog *c);

/* Strings are copied. Each returns the index, until catalog_seal. */
void catalog_add_folder(struct catalog *c, const char *path, size_t n, const struct identity *id);
uint32_t catalog_add_file(struct catalog *c, const char *path, size_t n, const struct identity *id,
			  enum catalog_kind kind, const char *reason, size_t n_reason);
/* item->file and everything else is the caller's; name is copied. */
void catalog_add_item(struct catalog *c, const struct catalog_item *item, size_t n_name);
/* A sealed catalog's file with its items. */
void catalog_copy_file(struct catalog *c, const struct catalog *from, uint32_t file);

/* Sorts by path, so that equal contents give equal answers however they were found. */
void catalog_seal(struct catalog *c);

/* Index of a file; CATALOG_NONE. */
uint32_t catalog_find_path(const struct catalog *c, const char *path);
/* First item of an id, in the order of paths and members; the next ones by next_id, next_dwo. */
uint32_t catalog_find_id(const struct catalog *c, const struct build_id *id);
uint32_t catalog_find_dwo(const struct catalog *c, uint64_t dwo_id);

bool build_id_equal(const struct build_id *a, const struct build_id *b);

#endif
