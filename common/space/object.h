/* The mapped files of one `struct spaces`: see struct space_object. Private to the room. */
#ifndef COMMON_SPACE_OBJECT_H
#define COMMON_SPACE_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/space/space.h"
#include "common/space/table.h"

enum { TEXT_CLASSES = 9 }; /* 16, 32, ... PATH_MAX_BYTES */

struct object_link {
	uint32_t hash; /* of the object's key, compared first */
	uint32_t next; /* of the objects with this hash; free: of the free ones */
	uint32_t used; /* number of the sweep that last found it in use */
	bool taken;
};

struct objects {
	struct space_object *object; /* [1..n] */
	struct object_link *link;    /* beside it */
	struct id_table by_hash;     /* the first one with this hash */
	uint32_t n, n_max;	     /* ids ever given */
	uint32_t free;
	uint32_t sweep;
	uint32_t seed;
	char *text; /* paths, zero-terminated, in pieces whose sizes are powers of two */
	size_t text_n, text_max;
	char *text_free[TEXT_CLASSES];
};

bool objects_init(struct objects *o, uint32_t n_max);
void objects_done(struct objects *o);
/* Id of the file that was mapped; 0 when there is no room for another one. */
uint32_t objects_put(struct objects *o, const struct event_mmap *m);
static inline bool objects_has(const struct objects *o, uint32_t id)
{
	return id && id <= o->n && o->link[id].taken;
}

/*
 * A sweep: objects_begin_sweep, objects_use of all that is mapped, objects_forget. Of the others
 * those stay that were mapped last, OBJECTS_IDLE_MAX of them: what is run again and again keeps its
 * id. `gone` is called before an id is free for another file.
 */
enum { OBJECTS_IDLE_MAX = 1024 };
void objects_begin_sweep(struct objects *o);
static inline void objects_use(struct objects *o, uint32_t id)
{
	o->link[id].used = o->sweep;
}
/* At the last sweep, or since. */
static inline bool objects_in_use(const struct objects *o, uint32_t id)
{
	return o->link[id].used == o->sweep;
}
uint32_t objects_forget(struct objects *o, void (*gone)(void *ctx, uint32_t id), void *ctx);

#endif
