/*
 * Paths of source files as short as a reader can do with: the file's name, with as many folders in
 * front as tell it from the profile's other files. Private to the room.
 */
#ifndef REPORT_EXPORT_PATHS_H
#define REPORT_EXPORT_PATHS_H

#include "common/base/intern.h"
#include "common/base/map.h"

struct buf;
struct profile;
struct profile_place;

struct paths {
	const struct profile *p;
	struct map skip; /* file's str_id -> bytes of the path that are left out, plus 1 */
};

void paths_init(struct paths *s, const struct profile *p);
void paths_done(struct paths *s);

/* Lent by the profile. */
const char *paths_short(const struct paths *s, str_id file);
/* "vdbe.c:1234", "vdbe.c" when only the file is known, nothing when that is not known either. */
void paths_put_line(struct buf *b, const struct paths *s, const struct profile_place *place);

#endif
