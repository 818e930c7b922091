/*
 * Finds the file behind a mapping, makes sure it is that, sends what it gives. Private to the room.
 */
#ifndef RECORD_INSPECT_EMBED_H
#define RECORD_INSPECT_EMBED_H

#include <stdint.h>

#include "common/format/object.h"
#include "record/inspect/serve.h"

struct err;

struct embed_place { /* a mapping that showed it */
	uint32_t pid;
	uint64_t start, end;
	uint64_t ino; /* of its file; 0: not known */
};

/*
 * Opens the mapped file: by /proc/PID/map_files, by its path under the process's root, by its path
 * under ours. With `want` (n != 0) only a file of that build-id is taken. Regular files only,
 * never blocking on open. Descriptor or negative.
 */
int embed_open(const struct embed_place *place, const char *path, const struct build_id *want,
	       struct err *err);

/* Sends OBJECT chunks: the object's parts, or why there are none. 0: parts were sent. */
int embed_object(struct serve *s, enum inspect_embed embed, const struct object_key *key,
		 const struct embed_place *place, struct err *err);

#endif
