/*
 * State between frames is (pc, sp, fp), on aarch64 also the link register while it holds a
 * return address. A frame costs one probe (places.h) and one or two loads; what is not that
 * simple goes through walk_slow. When a row needs a register that the state lacks, the whole
 * walk is repeated with all registers (w->full): rare, and exact.
 */
#include "report/unwind/walk.h"

#include "common/base/bits.h"
#include "report/unwind/exact.h"
#include "report/unwind/made.h"
#include "report/unwind/memory.h"
#include "report/unwind/pattern.h"
#include "report/unwind/places.h"
#include "report/unwind/table.h"

/*
 * aarch64: bits above the virtual address are a signature. 48 bits, or 52 where the stack lies
 * above 2^48 (kernels put it at the top). Bit 55 set is a kernel address: left alone, it is in
 * no mapping.
 */
static uint64_t strip(const struct walk *w, uint64_t pc)
{
	uint64_t bits = w->sp >> 48 ? 52 : 48;

	if (w->machine != MACHINE_AARCH64 || pc >> 55 & 1)
		return pc;
	return pc & (((uint64_t)1 << bits) - 1);
}

/* ---- slow steps ---- */

static void set_caller(struct walk *w, uint64_t ra, uint64_t sp, uint64_t fp, bool exact,
		       uint8_t method)
{
	w->sp = sp; /* says how wide addresses are */
	w->pc = strip(w, ra) - !exact;
	w->fp = fp;
	w->exact = exact;
	w->method = method;
}

static void set_caller_regs(struct walk *w, const struct regs *regs, bool exact, uint8_t method)
{
	enum machine m = w->machine;

	w->regs = *regs;
	w->sp = regs->value[machine_sp(m)];
	w->regs.value[machine_pc(m)] = strip(w, regs->value[machine_pc(m)]);
	w->fp_known = regs->mask >> machine_fp(m) & 1;
	w->lr_known = m == MACHINE_AARCH64 && exact && (regs->mask >> A64_LR & 1);
	w->lr = w->lr_known ? regs->value[A64_LR] : 0;
	set_caller(w, regs->value[machine_pc(m)], regs->value[machine_sp(m)],
		   regs->value[machine_fp(m)], exact, method);
}

/*
 * What the fast state knows, as registers. At the first frame, and in full walks, that is
 * everything.
 */
static struct regs known_regs(const struct walk *w)
{
	enum machine m = w->machine;
	struct regs r = { 0 };

	if (w->full || w->n == 1)
		return w->regs;
	r.mask = (uint64_t)1 << machine_sp(m) | (uint64_t)1 << machine_pc(m) |
		 (uint64_t)w->fp_known << machine_fp(m);
	r.value[machine_sp(m)] = w->sp;
	r.value[machine_fp(m)] = w->fp;
	r.value[machine_pc(m)] = w->pc + !w->exact;
	if (w->lr_known) {
		r.mask |= (uint64_t)1 << A64_LR;
		r.value[A64_LR] = w->lr;
	}
	return r;
}

/*
 * Code made at run time, by the call frame information that came with it. What it cannot answer is
 * left to the frame pointer.
 */
static bool step_made(struct walk *w, const struct place *e, int *ret)
{
	struct table *t = NULL;
	struct exact x;
	uint64_t sp;

	if (places_object(w->places, e->loc)->anonymous)
		t = made_table(w->made, w->places, w->pid, w->pc, w->time_ns);
	if (!t)
		return false;
	w->walked[w->n - 1].flags |= WALKED_REGISTERS;
	x = (struct exact){ .regs = known_regs(w) };
	switch (exact_step(t, w->pc, w->machine, &w->s->view, &x)) {
	case EXACT_OK:
		break;
	case EXACT_NEEDS_REGISTER:
		*ret = WALK_AGAIN_FULL;
		return !w->full && w->n > 1;
	default:
		return false;
	}
	sp = x.regs.value[machine_sp(w->machine)];
	if (sp <= w->sp)
		return false;
	set_caller_regs(w, &x.regs, false, UNWIND_BY_CFI);
	*ret = WALK_ON;
	return true;
}

static int step_exact(struct walk *w, const struct place *e)
{
	const struct places_object *o = places_object(w->places, e->loc);
	uint64_t addr = w->places->locs.loc[e->loc].addr;
	struct exact x = { .regs = known_regs(w) };
	uint64_t sp;

	w->walked[w->n - 1].flags |= WALKED_REGISTERS;
	switch (exact_step(o->table, addr, w->machine, &w->s->view, &x)) {
	case EXACT_OK:
		break;
	case EXACT_ROOT:
		return UNWIND_ROOT;
	case EXACT_NEEDS_REGISTER:
		if (!w->full && w->n > 1)
			return WALK_AGAIN_FULL;
		return UNWIND_SCRUBBED;
	case EXACT_NEEDS_MEMORY:
		return memory_stop(w->s, x.missing);
	default:
		return UNWIND_BAD_CFI;
	}
	sp = x.regs.value[machine_sp(w->machine)];
	/* A signal handler may run on a stack of its own: only there sp may fall. */
	if (!x.signal && sp <= w->sp && !(sp == w->sp && w->exact))
		return UNWIND_LOOP;
	set_caller_regs(w, &x.regs, x.signal, UNWIND_BY_CFI);
	return WALK_ON;
}

static int step_sigreturn(struct walk *w)
{
	struct regs regs;
	uint64_t missing;

	if (!pattern_sigreturn(w->machine, &w->s->view, w->sp, &regs, &missing))
		return memory_stop(w->s, missing);
	set_caller_regs(w, &regs, true, UNWIND_BY_PATTERN);
	return WALK_ON;
}

/*
 * Without CFI: saved frame pointer and return address lie at the frame pointer, on both
 * machines.
 */
static int step_frame_pointer(struct walk *w)
{
	uint64_t ra, fp;

	if (w->fp < w->sp || !memory_word(&w->s->view, w->fp, &fp) ||
	    !memory_word(&w->s->view, w->fp + 8, &ra))
		return UNWIND_NO_CFI;
	w->lr_known = false;
	set_caller(w, ra, w->fp + 16, fp, false, UNWIND_BY_FRAME_POINTER);
	w->fp_known = true;
	if (w->full) {
		enum machine m = w->machine;

		w->regs = (struct regs){ .mask = (uint64_t)1 << machine_sp(m) |
						 (uint64_t)1 << machine_fp(m) |
						 (uint64_t)1 << machine_pc(m) };
		w->regs.value[machine_sp(m)] = w->sp;
		w->regs.value[machine_fp(m)] = w->fp;
		w->regs.value[machine_pc(m)] = w->pc + 1;
	}
	return WALK_ON;
}

/* CFA = word at fp + cfa_off: functions that realigned their stack. */
static int step_fp_deref(struct walk *w, const struct place *e)
{
	uint64_t at = w->fp + (uint64_t)(int64_t)e->cfa_off, cfa, ra, fp = w->fp;
	uint64_t fp_at;

	if (!w->fp_known || w->fp == 0)
		return UNWIND_SCRUBBED;
	if (!memory_word(&w->s->view, at, &cfa))
		return memory_stop(w->s, at);
	if (cfa <= w->sp)
		return cfa == 0 ? UNWIND_SCRUBBED : UNWIND_LOOP;
	if (!memory_word(&w->s->view, cfa + (uint64_t)(int64_t)e->ra_off, &ra))
		return memory_stop(w->s, cfa + (uint64_t)(int64_t)e->ra_off);
	fp_at = (e->flags & TABLE_FP_AT_FP ? w->fp : cfa) + (uint64_t)(int64_t)e->fp_off;
	if (e->flags & TABLE_FP_SAVED && fp_at >= w->sp && !memory_word(&w->s->view, fp_at, &fp))
		return memory_stop(w->s, fp_at);
	w->lr_known = false;
	set_caller(w, ra, cfa, fp, false, UNWIND_BY_CFI);
	return WALK_ON;
}

/*
 * An entry of a procedure linkage table known by its bytes, in a walk that follows all
 * registers.
 */
static int step_plt(struct walk *w, const struct place *e)
{
	enum machine m = w->machine;
	struct regs regs = known_regs(w);
	uint64_t cfa = w->sp + (uint64_t)(int64_t)e->cfa_off, ra = w->lr;

	if (e->flags & TABLE_RA_IN_LR ?
		    !w->lr_known :
		    !memory_word(&w->s->view, cfa + (uint64_t)(int64_t)e->ra_off, &ra))
		return memory_stop(w->s, cfa + (uint64_t)(int64_t)e->ra_off);
	regs.value[machine_sp(m)] = cfa;
	regs.value[machine_pc(m)] = ra;
	set_caller_regs(w, &regs, false, UNWIND_BY_PATTERN);
	return WALK_ON;
}

static int walk_slow(struct walk *w, const struct place *e)
{
	int r = WALK_ON;

	switch (e->kind) {
	case PLACE_UNMAPPED: /* the first frame */
		return w->space->known ? UNWIND_UNMAPPED : UNWIND_UNKNOWN_SPACE;
	case PLACE_ROOT:
		return UNWIND_ROOT;
	case PLACE_SIGRETURN:
		return step_sigreturn(w);
	case PLACE_NO_CFI:
		return step_made(w, e, &r) ? r : step_frame_pointer(w);
	case PLACE_NO_TABLES:
		return UNWIND_NO_TABLES;
	case PLACE_FP_DEREF:
		return w->full || e->flags & TABLE_RA_IN_LR ? step_exact(w, e) :
							      step_fp_deref(w, e);
	case PLACE_PLAIN:
		return e->method == UNWIND_BY_CFI ? step_exact(w, e) : step_plt(w, e);
	default:
		return step_exact(w, e);
	}
}

/* ---- the walk ---- */

/* A caller that is nowhere: what found it decides what that means. */
static enum unwind_stop stop_unmapped(const struct walk *w)
{
	uint64_t all = ((uint64_t)1 << (machine_pc(w->machine) + 1)) - 1;

	if (!w->space->known)
		return UNWIND_UNKNOWN_SPACE;
	if (w->method == UNWIND_BY_FRAME_POINTER)
		return UNWIND_NO_CFI;
	/* A word of 0 was dropped, unless nothing was: then it is what the stack holds. */
	if (w->pc + !w->exact == 0 && (w->s->regs.mask & all) != all)
		return UNWIND_SCRUBBED;
	return UNWIND_UNMAPPED;
}

static bool adopt(struct walk *w, const struct walked *at)
{
	w->adopted = history_match(w->h, &w->cursor, at);
	return w->adopted >= 0;
}

/* The state between frames as locals, so that the loop keeps it in registers. */
#define LOAD_STATE(w)                                                           \
	(pc = (w)->pc, sp = (w)->sp, fp = (w)->fp, tag = (w)->tag | (w)->exact, \
	 method = (w)->method)
#define STORE_STATE(w)                                                                         \
	((w)->pc = pc, (w)->sp = sp, (w)->fp = fp, (w)->exact = tag & 1, (w)->method = method, \
	 (w)->n = n)

/*
 * One frame at a time until something stops it. `a64` is constant in each of the two copies.
 * Bounds: `ra_at - lo > span` is one comparison for below, above and wrapped.
 */
static inline __attribute__((always_inline)) int walk_frames(struct walk *w, const bool a64)
{
	struct places *places = w->places;
	const struct space *space = w->space;
	const struct stack_view *v = &w->s->view;
	const uint64_t *slot = v->slot;
	const uint64_t mask = v->mask, hi = v->hi, floor = w->floor;
	const bool readable = hi >= v->lo && hi - v->lo >= 8;
	const uint64_t lo = readable ? v->lo : UINT64_MAX, span = readable ? hi - v->lo - 8 : 0;
	uint64_t pc, sp, fp, cfa, ra_at, ra, fp_at;
	uint32_t tag, n = 0;
	uint8_t method;
	int r;

	LOAD_STATE(w);
	for (;;) {
		const struct place *e = places_find(places, space, pc, tag);
		struct walked *at = &w->walked[n];

		if (__builtin_expect(e->kind == PLACE_UNMAPPED && n > 0, 0)) {
			r = WALK_UNMAPPED;
			break;
		}
		if (__builtin_expect(n == UNWIND_DEPTH_MAX, 0)) {
			r = UNWIND_DEEP;
			break;
		}
		*at = (struct walked){ .pc = pc,
				       .sp = sp,
				       .fp = fp,
				       .loc = e->loc,
				       .method = method,
				       .flags = tag & 1 };
		if (sp >= floor && adopt(w, at)) {
			r = WALK_ADOPTED;
			break;
		}
		n++;
		if (__builtin_expect(e->kind != PLACE_PLAIN || w->full, 0)) {
			STORE_STATE(w);
			r = walk_slow(w, e);
			if (r != WALK_ON)
				break;
			LOAD_STATE(w);
			continue;
		}
		cfa = (e->flags & PLACE_CFA_FP ? fp : sp) + (uint64_t)(int64_t)e->cfa_off;
		if (a64 && e->flags & TABLE_RA_IN_LR) {
			if (!w->lr_known || cfa < sp) {
				r = w->lr_known ? UNWIND_LOOP : UNWIND_BAD_CFI;
				break;
			}
			at->flags |= WALKED_REGISTERS;
			ra = w->lr;
		} else {
			if (__builtin_expect(cfa <= sp, 0)) {
				r = e->flags & PLACE_CFA_FP && fp == 0 ? UNWIND_SCRUBBED :
									 UNWIND_LOOP;
				break;
			}
			ra_at = cfa + (uint64_t)(int64_t)e->ra_off;
			if (__builtin_expect(ra_at - lo > span || (ra_at & 7), 0)) {
				r = memory_stop(w->s, ra_at);
				break;
			}
			ra = slot[(ra_at >> 3) & mask];
		}
		if (e->flags & TABLE_FP_SAVED) {
			fp_at = (e->flags & TABLE_FP_AT_FP ? fp : cfa) +
				(uint64_t)(int64_t)e->fp_off;
			if (fp_at >= sp) { /* else it was popped already: exact.c */
				if (__builtin_expect(fp_at - lo > span || (fp_at & 7), 0)) {
					r = memory_stop(w->s, fp_at);
					break;
				}
				fp = slot[(fp_at >> 3) & mask];
				w->fp_known = true;
			}
		}
		if (a64) {
			ra = strip(w, ra);
			w->lr_known = false;
		}
		sp = cfa;
		pc = ra - 1;
		tag &= ~1u;
		method = e->method;
	}
	STORE_STATE(w);
	return r == WALK_UNMAPPED ? (int)stop_unmapped(w) : r;
}

int walk_from_sample(struct walk *w, bool full)
{
	w->n = 0;
	w->full = full;
	w->cursor = (int64_t)w->h->n - 1;
	w->adopted = -1;
	if (full)
		w->floor = UINT64_MAX;
	set_caller_regs(w, &w->s->regs, true, UNWIND_BY_SAMPLE);
	if (w->lr_known)
		w->lr = strip(w, w->lr);
	return w->machine == MACHINE_AARCH64 ? walk_frames(w, true) : walk_frames(w, false);
}
