/*
 * What children find, on its way to the parent: records of folders, files and ELF files, as bytes.
 * The parent believes nothing: lengths, kinds and numbers are checked, and what does not fit ends
 * the reading; what came before counts. Private to report/debug/.
 *
 *	'D' folder  path, identity
 *	'S' seen    u32 number of a file of the catalog that is known already
 *	'F' file    path, identity, u8 kind, reason
 *	'I' item    of the last file: u32 member, u32 flags, ids, u64 dwo_id, u64 size, name
 *	'N' note    text for the user
 *
 * Numbers are little-endian; texts are u32 length and bytes; ids are u8 length and bytes; an
 * identity is five u64.
 */
#ifndef REPORT_DEBUG_FINDING_H
#define REPORT_DEBUG_FINDING_H

#include "common/base/buf.h"
#include "report/debug/catalog.h"

struct err;

enum {
	FINDING_NAME_MAX = 4096, /* bytes of a path, a member's name, a reason */
	FINDING_RECORDS_MAX = 4 << 20,
	FINDING_NOTE_BYTES = 256,
	FINDING_NOTES_MAX = 8, /* further ones are dropped */
};

void finding_put_folder(struct buf *b, const char *path, const struct identity *id);
void finding_put_seen(struct buf *b, uint32_t known);
void finding_put_file(struct buf *b, const char *path, const struct identity *id,
		      enum catalog_kind kind, const char *reason);
void finding_put_item(struct buf *b, uint32_t member, const struct probe *probe, uint64_t size,
		      const char *name);
void finding_put_note(struct buf *b, const char *text);

/* Printable. */
struct finding_notes {
	char text[FINDING_NOTES_MAX][FINDING_NOTE_BYTES];
	unsigned int n;
};

struct findings {
	const struct catalog *known; /* what 'S' speaks of; NULL: nothing */
	struct catalog *into;
	uint32_t file;	 /* items before the first 'F' are of this one; CATALOG_NONE: refused */
	bool items_only; /* of one package: 'I' and 'N', other records are refused */
	struct finding_notes notes;
};

/* 0, or -EBADMSG with offset and reason. */
int findings_take(struct findings *f, const void *bytes, size_t n, struct err *err);

/* A whole catalog as findings, 'S' excepted; what it reads into is equal once sealed. */
void finding_put_catalog(struct buf *b, const struct catalog *c);

#endif
