/*
 * Source files, below folders that the user gave and nowhere else: the paths come from debug
 * information, which is hostile, so they only say what to look for.
 */
#ifndef REPORT_SOURCE_H
#define REPORT_SOURCE_H

#include <stddef.h>

#include "report/export/export.h"

struct err;
struct sources;

enum {
	SOURCE_BYTES_MAX = 16 << 20, /* a larger file is refused */
	SOURCE_FOLDERS_MAX = 64,     /* folders of a path that are tried; more are left out */
};

struct sources *sources_new(void);
void sources_free(struct sources *s);

/* Searched behind those added before. Negative: it cannot be opened. */
int sources_add(struct sources *s, const char *dir, struct err *err);

/*
 * The file at `path`, or at the longest end of it that is in one of the folders: "/b/src/a.c" is
 * looked for as "b/src/a.c", "src/a.c" and "a.c" in each. Symbolic links that lead out of the
 * folder are not followed; FIFOs and the like are not opened. NULL: *ret_reason (lent) says why.
 * Owner: s; lives until the next call. An export_text_get, of which `ctx` is s.
 */
const struct export_text *sources_get(void *ctx, const char *path, const char **ret_reason);

#endif
