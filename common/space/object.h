/* The mapped files of one `struct spaces`: see struct space_object. Private to the room. */
#ifndef COMMON_SPACE_OBJECT_H
#define COMMON_SPACE_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/space/space.h"

struct objects {
	struct space_object *object; /* [1..n] */
	uint32_t *hash;		     /* of the object's key, beside it: compared first */
	uint32_t n, n_max;
	uint32_t *slots, mask; /* object ids by hash, 0: free */
	uint32_t seed;
	char *text; /* paths, zero-terminated, one after the other */
	size_t text_n, text_max;
};

bool objects_init(struct objects *o, uint32_t n_max);
void objects_done(struct objects *o);
/* Id of the file that was mapped; 0 when there is no room for another one. */
uint32_t objects_put(struct objects *o, const struct event_mmap *m);

#endif
