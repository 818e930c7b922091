/* What could not be read, each place once. Private to the room. */
#ifndef REPORT_READ_DAMAGE_H
#define REPORT_READ_DAMAGE_H

#include <stddef.h>
#include <stdint.h>

enum { DAMAGES_MAX = 4096 }; /* kept in words; all are counted */

struct chunk;

struct damage {
	uint64_t off, bytes;
	uint64_t from_ns, to_ns; /* 0: not known */
	char reason[256];
};

struct damages {
	struct damage *item;
	size_t n_items, cap;
	uint64_t n, bytes; /* all */
};

void damages_done(struct damages *d);
/* NULL when enough are kept. Lent until the next one. */
struct damage *damages_add(struct damages *d, uint64_t off, uint64_t bytes, const char *reason);
/* A chunk with a sound header that cannot be used: it says when. */
void damages_add_chunk(struct damages *d, const struct chunk *chunk, const char *reason);

#endif
