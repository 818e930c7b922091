#include "report/unwind/made.h"

#include <stdbool.h>
#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "report/jit/jit.h"
#include "report/unwind/places.h"
#include "report/unwind/table.h"

void made_init(struct made *m, struct jit *jit)
{
	made_done(m);
	if (!jit || jit_is_empty(jit))
		return;
	m->jit = jit;
	map_init(&m->tables);
	m->known = mem_zalloc(MADE_SLOTS * sizeof(*m->known));
}

void made_done(struct made *m)
{
	for (size_t i = 0; i < m->n_tables; i++)
		table_free(m->table[i]);
	free(m->table);
	map_done(&m->tables);
	free(m->known);
	*m = (struct made){ 0 };
}

static bool is_made(const struct places *p, uint32_t object)
{
	if (object == LOC_UNMAPPED)
		return true;
	return object < p->objects_cap && p->object[object].anonymous;
}

/* The code's own place for this address; LOC_UNMAPPED's (0): none is known. */
static uint32_t find(struct made *m, struct places *p, uint32_t pid, uint64_t addr,
		     uint64_t time_ns)
{
	struct made_known *k = &m->known[hash_u64(addr ^ (uint64_t)pid << 48) % MADE_SLOTS];
	struct jit_code about;
	uint32_t code;

	if (k->addr == addr && k->pid == pid && k->changes == jit_changes(m->jit) &&
	    time_ns >= k->from_ns && time_ns < k->until_ns)
		return k->loc;
	*k = (struct made_known){ .addr = addr, .from_ns = time_ns, .pid = pid };
	k->changes = jit_changes(m->jit);
	code = jit_find(m->jit, pid, addr, time_ns, &k->until_ns);
	if (code) {
		jit_code(m->jit, code, &about);
		k->loc = locs_put(&p->locs, LOC_JIT, (uint64_t)code << 32 | (addr - about.start));
	}
	return k->loc;
}

struct table *made_table(struct made *m, struct places *places, uint32_t pid, uint64_t addr,
			 uint64_t time_ns)
{
	uint32_t loc = m->jit ? find(m, places, pid, addr, time_ns) : 0, code;
	const struct elf_image *image;
	uint64_t *at;
	bool is_new;

	if (!loc)
		return NULL;
	code = (uint32_t)(places->locs.loc[loc].addr >> 32);
	image = jit_image(m->jit, code);
	if (!image)
		return NULL;
	at = map_put(&m->tables, code, &is_new);
	if (is_new) {
		mem_grow(&m->table, &m->tables_cap, m->n_tables + 1, sizeof(struct table *));
		m->table[m->n_tables] = table_new(image, NULL);
		*at = ++m->n_tables;
	}
	return m->table[*at - 1];
}

void made_frames(struct made *m, struct places *places, uint32_t pid, uint64_t time_ns,
		 struct frame *frame, uint32_t first, struct frames *ret)
{
	uint32_t innermost_equal = ret->n - ret->n_shared;

	if (!m->jit)
		return;
	for (uint32_t i = first; i < ret->n; i++) {
		struct loc loc = places->locs.loc[frame[i].loc];
		uint32_t to;

		if (!is_made(places, loc.object))
			continue;
		innermost_equal = MAX(innermost_equal, i + 1);
		to = find(m, places, pid, loc.addr, time_ns);
		if (to)
			frame[i].loc = to;
	}
	ret->n_shared = ret->n - innermost_equal;
}
