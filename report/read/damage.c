#include "report/read/damage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/format/file.h"

void damages_done(struct damages *d)
{
	free(d->item);
	*d = (struct damages){ 0 };
}

struct damage *damages_add(struct damages *d, uint64_t off, uint64_t bytes, const char *reason)
{
	struct damage *item;

	d->n++;
	d->bytes += bytes;
	if (d->n_items == DAMAGES_MAX)
		return NULL;
	mem_grow(&d->item, &d->cap, d->n_items + 1, sizeof(*d->item));
	item = &d->item[d->n_items++];
	*item = (struct damage){ .off = off, .bytes = bytes };
	snprintf(item->reason, sizeof(item->reason), "%s", reason);
	return item;
}

void damages_add_chunk(struct damages *d, const struct chunk *chunk, const char *reason)
{
	struct damage *item = damages_add(d, chunk->file_off,
					  CHUNK_HEADER_BYTES + chunk->header.stored_bytes, reason);

	if (!item)
		return;
	item->from_ns = chunk->header.first_ns;
	item->to_ns = chunk->header.last_ns;
}
