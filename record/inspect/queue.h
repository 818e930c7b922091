/*
 * Files that the inspector is to read: requests in order, their paths in a text of their own, so
 * that whoever asks may forget them. No allocation. Private to the room.
 */
#ifndef RECORD_INSPECT_QUEUE_H
#define RECORD_INSPECT_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/format/event.h"
#include "common/format/object.h"

enum {
	N_OBJECTS_QUEUED = 1 << 12,
	N_PATH_BYTES = 512 << 10, /* of these, at any time */
};

struct object_request {
	struct object_key key; /* its path lies in the queue's text */
	uint32_t pid;
	uint64_t start, end;
};

/*
 * The paths are in the order of their requests, round and round:
 *
 *	text: ..[third][fourth]........[first][second]--	a path that does not fit before the
 *	                    head ^     ^ of at[first]		end begins at 0
 */
struct object_queue {
	struct object_request at[N_OBJECTS_QUEUED];
	uint32_t first, n;
	size_t head;
	char text[N_PATH_BYTES];
};

/* Copies the path. False: it is full. */
bool object_queue_put(struct object_queue *q, const struct object_request *request);
/* The first one, which there must be; its path is copied to `path` of PATH_MAX_BYTES. */
void object_queue_take(struct object_queue *q, struct object_request *ret, char *path);

#endif
