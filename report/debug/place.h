/* Where a wanted file lies. Private to report/debug/. */
#ifndef REPORT_DEBUG_PLACE_H
#define REPORT_DEBUG_PLACE_H

#include "report/debug/debug.h"
#include "report/debug/probe.h"
#include "report/debug/reach.h"
#include "report/debug/root.h"

struct place {
	unsigned int rank; /* 0: none */
	const struct root *root; /* NULL: `path` is absolute and of this machine */
	char *path;		 /* below the root, or absolute; owned */
	struct identity identity; /* of the file, or of the package */
	uint32_t member;	  /* of a package; 0: the file itself */
	char *member_name;	  /* owned; NULL: the file itself */
	struct build_id build_id;
	unsigned int flags; /* probe_flags */
};

void place_done(struct place *p);
struct debug_provenance place_provenance(const struct place *p);
/* For people: "/r/x.debug", "/r/x.deb: member './usr/...'"; to be freed. */
char *place_where(const struct place *p);
/* The file's own name, to look beside it; NULL for members; to be freed. */
char *place_path(const struct place *p);

/*
 * -ESTALE: it is not what it was when it was found. Members are unpacked by `m`.
 */
int place_open(const struct place *p, struct members *m, struct debug_file *ret, struct err *err);

#endif
