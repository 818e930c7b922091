/*
 * One look through a root, in a jailed child: folders are listed, files that are new or changed
 * are opened and their headers read (probe.h). Symbolic links are not followed, other file systems
 * not entered, FIFOs and devices not opened. .build-id trees are left out: whoever wants a file of
 * theirs knows its name. Private to report/debug/.
 */
#ifndef REPORT_DEBUG_WALK_H
#define REPORT_DEBUG_WALK_H

#include <stdint.h>

#include "report/debug/catalog.h"
#include "report/debug/finding.h"

struct err;

enum {
	WALK_DEPTH_MAX = 64, /* folders in folders */
	WALK_FILES_MAX = 1 << 20,
	WALK_CPU_MS = 60 * 1000,
};

struct walk {
	const char *path;	       /* of the root; absolute */
	int folder;		       /* it, open */
	const char *only;	       /* one file of it; NULL: all */
	const struct catalog *known;   /* sealed: what need not be opened again; NULL: nothing */
	uint32_t depth_max, files_max; /* 0: those above */
};

/*
 * Into an initialised catalog, which the caller seals. 0, or why it ended early: what was found
 * before is there. ret: what a user should know, without the root's path.
 */
int walk_run(const struct walk *w, struct catalog *into, struct finding_notes *ret,
	     struct err *err);

#endif
