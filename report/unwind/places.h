/*
 * From a run-time pc to what unwinding does there: object, linked address, compiled rule.
 * Private to report/unwind/. A direct-mapped cache keyed by (space generation, pc) answers 97
 * of 100 lookups with one probe. Behind it, what is known of a linked address serves every
 * process that maps the object.
 */
#ifndef REPORT_UNWIND_PLACES_H
#define REPORT_UNWIND_PLACES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/bits.h"
#include "report/unwind/locs.h"
#include "report/unwind/unwind.h"

struct table;

enum { PLACE_BITS = 16 };

enum place_kind {
	PLACE_UNMAPPED, /* also an empty slot: nothing is ever mapped at 0 */
	PLACE_PLAIN,	/* CFA = sp or fp + cfa_off */
	PLACE_FP_DEREF, /* CFA = word at fp + cfa_off */
	PLACE_EXACT,	/* complete interpreter */
	PLACE_ROOT,
	PLACE_SIGRETURN, /* signal frame known by its bytes */
	PLACE_NO_CFI,	 /* frame pointer, or stop */
	PLACE_NO_TABLES, /* nothing is known of the object */
};

/* Besides enum table_flags. */
enum place_flags { PLACE_CFA_FP = 128 };

struct place {
	uint64_t pc;
	uint32_t tag; /* generation and exactness */
	uint32_t loc;
	int32_t cfa_off;
	int16_t fp_off, ra_off;
	uint8_t kind, flags;
	uint8_t method; /* enum unwind_method of the caller found from here */
};

struct places_object {
	const struct elf_image *image;
	struct table *table;
	enum unwind_object_state state;
	const char *reason; /* owned */
	bool anonymous;
};

struct places {
	enum machine machine;
	const struct spaces *spaces;
	unwind_image *image;
	void *ctx;
	struct locs locs;
	struct places_object *object; /* by id */
	size_t objects_cap;
	/* by loc: what was found there in another space; kind PLACE_UNMAPPED: nothing yet */
	struct place *known;
	size_t known_cap;
	uint64_t era; /* generation bits that are not in the tag: a change empties the cache */
	struct place cache[1 << PLACE_BITS];
};

struct places *places_new(enum machine machine, const struct spaces *spaces, unwind_image *image,
			  void *ctx);
void places_free(struct places *p);

/* Before lookups in a space: the tag's upper part. */
uint32_t places_enter(struct places *p, const struct space *space);

/* The object that a loc is in; image and table may be NULL. */
const struct places_object *places_object(const struct places *p, uint32_t loc);

void places_fill(struct places *p, const struct space *space, uint64_t pc, uint32_t tag,
		 struct place *e);

static inline const struct place *places_find(struct places *p, const struct space *space,
					      uint64_t pc, uint32_t tag)
{
	uint64_t h = (pc ^ (uint64_t)tag << 20) * 0x9e3779b97f4a7c15u;
	struct place *e = &p->cache[h >> (64 - PLACE_BITS)];

	if (__builtin_expect(e->pc != pc || e->tag != tag, 0))
		places_fill(p, space, pc, tag, e);
	return e;
}

#endif
