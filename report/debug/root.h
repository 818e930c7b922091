/*
 * A place that the user named to look for debug files: a folder, or one file. Its catalog is made
 * when it is first asked: taken from the index where nothing has changed since, otherwise by
 * looking at what has. Private to report/debug/.
 */
#ifndef REPORT_DEBUG_ROOT_H
#define REPORT_DEBUG_ROOT_H

#include "common/base/err.h"
#include "report/debug/catalog.h"

struct index;
struct members;

enum { ROOT_TREES = 3 };

struct root {
	char *path;	       /* of the folder; absolute */
	char *only;	       /* one file of it, when the user named a file; NULL: all */
	int folder;	       /* -1: cannot be opened; said once */
	bool tree[ROOT_TREES]; /* which of root_trees it may have */
	bool looked;
	struct catalog catalog; /* when looked */
};

/* A root that cannot be opened is one without files; that is said through log_warning. */
void root_init(struct root *r, const char *path);
void root_done(struct root *r);

/*
 * Looks when that was not done before. Jailed children read what is new or changed; members of
 * packages that are wanted are kept in m meanwhile.
 */
const struct catalog *root_catalog(struct root *r, struct index *index, struct members *m);

/* Where .build-id trees lie below a root; "" when the root is one itself. */
extern const char *const root_trees[ROOT_TREES];

/* "PATH/BELOW", to be freed. */
char *root_join(const struct root *r, const char *below);

#endif
