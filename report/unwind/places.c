#include "report/unwind/places.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/elf/image.h"
#include "report/unwind/pattern.h"
#include "report/unwind/table.h"

struct places *places_new(enum machine machine, const struct spaces *spaces, unwind_image *image,
			  void *ctx)
{
	struct places *p = mem_zalloc(sizeof(*p));

	p->machine = machine;
	p->spaces = spaces;
	p->image = image;
	p->ctx = ctx;
	locs_init(&p->locs);
	locs_put(&p->locs, LOC_UNMAPPED, 0);
	return p;
}

void places_free(struct places *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->objects_cap; i++) {
		table_free(p->object[i].table);
		free((void *)p->object[i].reason);
	}
	free(p->object);
	free(p->known);
	locs_done(&p->locs);
	free(p);
}

uint32_t places_enter(struct places *p, const struct space *space)
{
	uint64_t era = space->generation >> 31;

	if (era != p->era) {
		memset(p->cache, 0, sizeof(p->cache));
		p->era = era;
	}
	return (uint32_t)space->generation << 1;
}

const struct places_object *places_object(const struct places *p, uint32_t loc)
{
	return &p->object[p->locs.loc[loc].object];
}

/* Finds and compiles an object's tables when code of it is met for the first time. */
static void open_object(struct places *p, uint32_t id, struct places_object *o)
{
	const struct space_object *so = spaces_object(p->spaces, id);
	struct err err = { 0 };

	o->anonymous = so && so->anonymous;
	o->state = UNWIND_OBJECT_NO_CFI;
	if (o->anonymous)
		return;
	o->image = p->image(p->ctx, id);
	if (!o->image) {
		o->state = UNWIND_OBJECT_NO_IMAGE;
		return;
	}
	if (o->image->machine != p->machine)
		err_set(&err, -EBADMSG, "it is for another machine");
	else
		o->table = table_new(o->image, &err);
	if (o->table) {
		o->state = UNWIND_OBJECT_OK;
		return;
	}
	o->reason = strdup(err.text);
	o->state = err.code == -ENODATA ? UNWIND_OBJECT_NO_CFI : UNWIND_OBJECT_BAD;
}

static struct places_object *get_object(struct places *p, uint32_t id)
{
	size_t before = p->objects_cap;

	if (id >= p->objects_cap) {
		mem_grow(&p->object, &p->objects_cap, (size_t)id + 1, sizeof(p->object[0]));
		memset(p->object + before, 0, (p->objects_cap - before) * sizeof(p->object[0]));
	}
	if (p->object[id].state == UNWIND_OBJECT_UNUSED)
		open_object(p, id, &p->object[id]);
	return &p->object[id];
}

/* Patterns come before the frame pointer: they are known code. */
static void fill_without_cfi(const struct places_object *o, uint64_t addr, bool exact,
			     struct place *e)
{
	int32_t cfa_off;

	e->kind = PLACE_NO_CFI;
	e->method = UNWIND_BY_FRAME_POINTER;
	if (!o->image)
		return;
	if (pattern_is_sigreturn(o->image, exact ? addr : addr + 1)) {
		e->kind = PLACE_SIGRETURN;
		e->method = UNWIND_BY_PATTERN;
	} else if (pattern_is_entry(o->image, addr)) {
		e->kind = PLACE_ROOT;
	} else if (pattern_is_stub(o->image, addr, &cfa_off)) {
		e->kind = PLACE_PLAIN;
		e->method = UNWIND_BY_PATTERN;
		e->cfa_off = cfa_off;
		e->ra_off = -8;
		e->flags = cfa_off ? 0 : TABLE_RA_IN_LR;
	}
}

static void fill_rule(const struct table_rule *r, uint64_t pc, struct place *e)
{
	e->method = UNWIND_BY_CFI;
	e->cfa_off = r->cfa_off;
	e->fp_off = r->fp_off;
	e->ra_off = r->ra_off;
	e->flags = r->flags;
	switch (r->kind) {
	case TABLE_SP:
		e->kind = PLACE_PLAIN;
		break;
	case TABLE_FP:
		e->kind = PLACE_PLAIN;
		e->flags |= PLACE_CFA_FP;
		break;
	case TABLE_PLT:
		e->kind = PLACE_PLAIN;
		e->cfa_off += (pc & 15) >= r->plt_at ? 8 : 0;
		break;
	case TABLE_FP_DEREF:
		e->kind = PLACE_FP_DEREF;
		break;
	case TABLE_ROOT:
		e->kind = PLACE_ROOT;
		break;
	default:
		e->kind = PLACE_EXACT;
	}
	/* Rare: a signal frame with plain rules. The interpreter knows what is exact afterwards. */
	if (r->flags & TABLE_SIGNAL && e->kind == PLACE_PLAIN)
		e->kind = PLACE_EXACT;
}

/* Places whose rule is CFI are the same for every space and for exact and return addresses. */
static void remember(struct places *p, const struct place *e)
{
	size_t before = p->known_cap;

	if (e->loc >= p->known_cap) {
		mem_grow(&p->known, &p->known_cap, (size_t)e->loc + 1, sizeof(p->known[0]));
		memset(p->known + before, 0, (p->known_cap - before) * sizeof(p->known[0]));
	}
	p->known[e->loc] = *e;
}

static bool recall(const struct places *p, uint32_t loc, struct place *e)
{
	uint64_t pc = e->pc;
	uint32_t tag = e->tag;

	if (loc >= p->known_cap || p->known[loc].kind == PLACE_UNMAPPED)
		return false;
	*e = p->known[loc];
	e->pc = pc;
	e->tag = tag;
	return true;
}

void places_fill(struct places *p, const struct space *space, uint64_t pc, uint32_t tag,
		 struct place *e)
{
	const struct mapping *m = space_find(space, pc);
	bool exact = tag & 1;
	struct places_object *o;
	uint64_t addr;

	*e = (struct place){ .pc = pc, .tag = tag, .kind = PLACE_UNMAPPED, .loc = LOC_UNMAPPED };
	if (!m)
		return;
	o = get_object(p, m->object);
	addr = pc;
	if (!o->anonymous) {
		addr = o->image ? elf_image_addr(o->image, m->start, m->pgoff, pc) : UINT64_MAX;
		if (addr == UINT64_MAX)
			addr = pc - m->start + m->pgoff;
	}
	if (o->state == UNWIND_OBJECT_NO_IMAGE) {
		e->kind = PLACE_NO_TABLES;
	} else {
		const struct table_rule *r;

		e->loc = locs_put(&p->locs, m->object, addr);
		if (recall(p, e->loc, e))
			return;
		r = o->table ? table_find(o->table, addr) : NULL;
		if (r && r->kind != TABLE_NONE)
			fill_rule(r, pc, e);
		else
			fill_without_cfi(o, addr, exact, e);
		if (e->method == UNWIND_BY_CFI && !(e->flags & TABLE_SIGNAL)) {
			remember(p, e);
			return;
		}
	}
	/* Nobody calls a signal trampoline: the kernel made the return address, its first byte. */
	if (!exact && (e->kind == PLACE_SIGRETURN || e->flags & TABLE_SIGNAL))
		addr++;
	e->loc = locs_put(&p->locs, m->object, addr);
}
