/*
 * Files of one output that is cut into segments: NAME.000001, NAME.000002 and so on. A segment is
 * written as NAME.000001.part and gets its name when all of it is on the disk. Private to the room.
 */
#ifndef RECORD_SINK_SEGMENT_H
#define RECORD_SINK_SEGMENT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum { SEGMENT_NAME_MAX = NAME_MAX + 1 };

struct segments {
	int dir;		     /* of the output; -1: closed */
	char name[SEGMENT_NAME_MAX]; /* of the output in it */
	uint32_t next;		     /* number of the next one */
	uint32_t lowest;	     /* of those that may be there; of whoever finishes */
	uint32_t keep;		     /* so many finished ones; 0: all */
};

/*
 * The directory must be there. `look`: numbers go on behind those that are there already, of
 * earlier runs too, and those count when the oldest are removed.
 */
int segments_open(struct segments *s, const char *path, uint32_t keep, bool look, struct err *err);
void segments_close(struct segments *s);

/* Creates the next one, for its owner alone: its descriptor, or negative errno. */
int segments_create(struct segments *s, uint32_t *ret_number);

/*
 * Cuts it to `bytes`, syncs it, gives it its name, syncs the directory, removes the oldest; closes
 * `fd` in any case. Waits for the disk. Negative errno: it keeps its name with .part.
 */
int segments_finish(struct segments *s, uint32_t number, int fd, uint64_t bytes);

/* "NAME.000001", or with ".part" when it is not finished. */
void segment_name(const struct segments *s, uint32_t number, bool part, char ret[SEGMENT_NAME_MAX]);

/* A plain file of ours that is a recording: it may be moved away or removed. */
bool segment_is_ours(int dir, const char *name);

#endif
