/*
 * The walk. State between frames is (pc, sp, fp), on aarch64 also the link register while it holds a return address.
 * A frame costs one probe (places.h) and one or two loads; what is not that simple goes through walk_slow. When a row
 * needs a register that the state lacks, the whole walk is repeated with all registers (w->full): rare, and exact.
 */
#include "report/unwind/unwind.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "report/unwind/exact.h"
#include "report/unwind/history.h"
#include "report/unwind/memory.h"
#include "report/unwind/pattern.h"
#include "report/unwind/places.h"
#include "report/unwind/table.h"

enum { FRAMES_MAX = KCHAIN_MAX + UNWIND_DEPTH_MAX };

struct unwinder {
	enum machine machine;
	struct spaces *spaces;
	struct places *places;
	bool any_stack; /* some sample had a stack: the recording has stacks */
	struct histories histories;
	struct walked walked[UNWIND_DEPTH_MAX];
	struct frame frame[FRAMES_MAX];
};

struct walk {
	struct unwinder *u;
	const struct event_sample *s;
	const struct space *space;
	uint32_t tag;
	/* the frame being left */
	uint64_t pc, sp, fp; /* pc: lookup address */
	uint64_t lr;
	bool exact, lr_known, fp_known;
	bool full; /* regs below are followed through all frames */
	struct regs regs;
	uint8_t method;
	uint32_t n;
	/* the thread's last walk */
	struct history *h;
	int64_t cursor;
	uint64_t floor;	 /* adoption from here up; UINT64_MAX: never */
	int64_t adopted; /* index in h->frame; -1: none */
};

/* Not a stop: the walk goes on. */
enum { WALK_ON = UNWIND_STOPS, WALK_AGAIN_FULL, WALK_ADOPTED, WALK_UNMAPPED };

const char *unwind_stop_text(enum unwind_stop stop)
{
	static const char *const text[UNWIND_STOPS] = {
		[UNWIND_ROOT] = "reached the root",
		[UNWIND_KERNEL_ONLY] = "kernel only",
		[UNWIND_NO_CFI] = "code without call frame information",
		[UNWIND_NO_TABLES] = "object without unwind tables here",
		[UNWIND_UNMAPPED] = "return address outside every mapping",
		[UNWIND_UNKNOWN_SPACE] = "mappings not known",
		[UNWIND_STACK_CUT] = "stack was cut",
		[UNWIND_STACK_MISSING] = "stack not copied",
		[UNWIND_SCRUBBED] = "needs a word that was scrubbed",
		[UNWIND_BAD_CFI] = "invalid call frame information",
		[UNWIND_LOOP] = "frame address did not grow",
		[UNWIND_DEEP] = "too deep",
		[UNWIND_COMPAT] = "32-bit code",
		[UNWIND_STACK_NONE] = "no stack recorded",
	};

	return (unsigned int)stop < UNWIND_STOPS ? text[stop] : "unknown";
}

const char *unwind_method_text(enum unwind_method method)
{
	static const char *const text[UNWIND_METHODS] = {
		[UNWIND_BY_SAMPLE] = "sample",	       [UNWIND_BY_CFI] = "call frame information",
		[UNWIND_BY_FRAME_POINTER] = "frame pointer", [UNWIND_BY_PATTERN] = "pattern",
		[UNWIND_BY_KERNEL] = "kernel",	       [UNWIND_BY_JOIN] = "join",
	};

	return (unsigned int)method < UNWIND_METHODS ? text[method] : "unknown";
}

/*
 * aarch64: bits above the virtual address are a signature. 48 bits, or 52 where the stack lies above
 * 2^48 (kernels put it at the top). Bit 55 set is a kernel address: left alone, it is in no mapping.
 */
static uint64_t strip(const struct walk *w, uint64_t pc)
{
	uint64_t bits = w->sp >> 48 ? 52 : 48;

	if (w->u->machine != MACHINE_AARCH64 || pc >> 55 & 1)
		return pc;
	return pc & (((uint64_t)1 << bits) - 1);
}

/* ---- slow steps ---- */

static void set_caller(struct walk *w, uint64_t ra, uint64_t sp, uint64_t fp, bool exact, uint8_t method)
{
	w->sp = sp; /* says how wide addresses are */
	w->pc = strip(w, ra) - !exact;
	w->fp = fp;
	w->exact = exact;
	w->method = method;
}

static void set_caller_regs(struct walk *w, const struct regs *regs, bool exact, uint8_t method)
{
	enum machine m = w->u->machine;

	w->regs = *regs;
	w->sp = regs->value[machine_sp(m)];
	w->regs.value[machine_pc(m)] = strip(w, regs->value[machine_pc(m)]);
	w->fp_known = regs->mask >> machine_fp(m) & 1;
	w->lr_known = m == MACHINE_AARCH64 && exact && (regs->mask >> A64_LR & 1);
	w->lr = w->lr_known ? regs->value[A64_LR] : 0;
	set_caller(w, regs->value[machine_pc(m)], regs->value[machine_sp(m)],
		   regs->value[machine_fp(m)], exact, method);
}

/* What the fast state knows, as registers. At the first frame, and in full walks, that is everything. */
static struct regs known_regs(const struct walk *w)
{
	enum machine m = w->u->machine;
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

static int step_exact(struct walk *w, const struct place *e)
{
	const struct places_object *o = places_object(w->u->places, e->loc);
	uint64_t addr = w->u->places->locs.loc[e->loc].addr;
	struct exact x = { .regs = known_regs(w) };
	uint64_t sp;

	w->u->walked[w->n - 1].flags |= WALKED_REGISTERS;
	switch (exact_step(o->table, addr, w->u->machine, &w->s->view, &x)) {
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
	sp = x.regs.value[machine_sp(w->u->machine)];
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

	if (!pattern_sigreturn(w->u->machine, &w->s->view, w->sp, &regs, &missing))
		return memory_stop(w->s, missing);
	set_caller_regs(w, &regs, true, UNWIND_BY_PATTERN);
	return WALK_ON;
}

/* Without CFI: saved frame pointer and return address lie at the frame pointer, on both machines. */
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
		enum machine m = w->u->machine;

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

/* An entry of a procedure linkage table known by its bytes, in a walk that follows all registers. */
static int step_plt(struct walk *w, const struct place *e)
{
	enum machine m = w->u->machine;
	struct regs regs = known_regs(w);
	uint64_t cfa = w->sp + (uint64_t)(int64_t)e->cfa_off, ra = w->lr;

	if (e->flags & TABLE_RA_IN_LR ? !w->lr_known :
					!memory_word(&w->s->view, cfa + (uint64_t)(int64_t)e->ra_off, &ra))
		return memory_stop(w->s, cfa + (uint64_t)(int64_t)e->ra_off);
	regs.value[machine_sp(m)] = cfa;
	regs.value[machine_pc(m)] = ra;
	set_caller_regs(w, &regs, false, UNWIND_BY_PATTERN);
	return WALK_ON;
}

static int walk_slow(struct walk *w, const struct place *e)
{
	switch (e->kind) {
	case PLACE_UNMAPPED: /* the first frame */
		return w->space->known ? UNWIND_UNMAPPED : UNWIND_UNKNOWN_SPACE;
	case PLACE_ROOT:
		return UNWIND_ROOT;
	case PLACE_SIGRETURN:
		return step_sigreturn(w);
	case PLACE_NO_CFI:
		return step_frame_pointer(w);
	case PLACE_NO_TABLES:
		return UNWIND_NO_TABLES;
	case PLACE_FP_DEREF:
		return w->full || e->flags & TABLE_RA_IN_LR ? step_exact(w, e) : step_fp_deref(w, e);
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
	uint64_t all = ((uint64_t)1 << (machine_pc(w->u->machine) + 1)) - 1;

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
#define LOAD_STATE(w) (pc = (w)->pc, sp = (w)->sp, fp = (w)->fp, tag = (w)->tag | (w)->exact, method = (w)->method)
#define STORE_STATE(w) \
	((w)->pc = pc, (w)->sp = sp, (w)->fp = fp, (w)->exact = tag & 1, (w)->method = method, (w)->n = n)

/*
 * One frame at a time until something stops it. `a64` is constant in each of the two copies.
 * Bounds: `ra_at - lo > span` is one comparison for below, above and wrapped.
 */
static inline __attribute__((always_inline)) int walk_frames(struct walk *w, const bool a64)
{
	struct places *places = w->u->places;
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
		struct walked *at = &w->u->walked[n];

		if (__builtin_expect(e->kind == PLACE_UNMAPPED && n > 0, 0)) {
			r = WALK_UNMAPPED;
			break;
		}
		if (__builtin_expect(n == UNWIND_DEPTH_MAX, 0)) {
			r = UNWIND_DEEP;
			break;
		}
		*at = (struct walked){ .pc = pc, .sp = sp, .fp = fp, .loc = e->loc, .method = method,
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
				r = e->flags & PLACE_CFA_FP && fp == 0 ? UNWIND_SCRUBBED : UNWIND_LOOP;
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
			fp_at = (e->flags & TABLE_FP_AT_FP ? fp : cfa) + (uint64_t)(int64_t)e->fp_off;
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

static int walk_from_sample(struct walk *w, bool full)
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
	return w->u->machine == MACHINE_AARCH64 ? walk_frames(w, true) : walk_frames(w, false);
}

/*
 * The stack was cut, or a page of it could not be copied: when the last two frames that were walked are two neighbours of the thread's last complete walk,
 * the same functions are still active, and so are their callers.
 */
static bool join(struct walk *w)
{
	const struct walked *last = w->n >= 2 ? &w->u->walked[w->n - 1] : NULL;
	int64_t cursor = (int64_t)w->h->n - 1, i;
	const struct walked *inner;

	if (!last)
		return false;
	i = history_match(w->h, &cursor, last);
	if (i < 1 || i + 1 >= (int64_t)w->h->n)
		return false;
	inner = &w->h->frame[i + 1];
	if (inner->pc != last[-1].pc || inner->sp != last[-1].sp || inner->fp != last[-1].fp)
		return false;
	for (int64_t k = 0; k < i; k++)
		w->h->frame[k].method = UNWIND_BY_JOIN;
	w->h->frame[i].method = last->method;
	w->n--; /* the frame that matched is taken from the history like those outside of it */
	w->adopted = i;
	return true;
}

/* Walks and puts user frames behind the n_kernel that are in u->frame already. */
static enum unwind_stop walk_user(struct walk *w, uint32_t n_kernel, bool previous, struct frames *ret)
{
	struct unwinder *u = w->u;
	struct history *h = w->h;
	uint32_t n_shared, n = n_kernel;
	bool joined;
	int stop;

	history_pass(h, &w->s->view);
	w->floor = h->floor;
	stop = walk_from_sample(w, false);
	if (stop == WALK_AGAIN_FULL)
		stop = walk_from_sample(w, true);
	joined = (stop == UNWIND_STACK_CUT || stop == UNWIND_STACK_MISSING) && join(w);
	if (joined)
		stop = WALK_ADOPTED;
	n_shared = (uint32_t)(w->adopted + 1);
	if (stop == WALK_ADOPTED) /* only complete walks are kept */
		stop = w->n + n_shared > UNWIND_DEPTH_MAX ? UNWIND_DEEP : UNWIND_ROOT;
	for (uint32_t i = 0; i < w->n; i++)
		u->frame[n++] = (struct frame){ .loc = u->walked[i].loc, .method = u->walked[i].method };
	for (uint32_t i = n_shared; i-- > 0 && n < n_kernel + UNWIND_DEPTH_MAX;)
		u->frame[n++] = (struct frame){ .loc = h->frame[i].loc, .method = h->frame[i].method };
	if (stop == UNWIND_ROOT)
		history_store(h, n_shared, u->walked, w->n, joined);
	ret->n = n;
	ret->n_shared = previous && stop == UNWIND_ROOT ? n_shared : 0;
	return (enum unwind_stop)stop;
}

static uint32_t kernel_frames(struct unwinder *u, const struct event_sample *s)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->n_kchain && n < KCHAIN_MAX; i++) {
		uint64_t pc = s->kchain[i] - (i > 0);

		u->frame[n++] = (struct frame){ .loc = locs_put(&u->places->locs, LOC_KERNEL, pc),
						.method = i ? UNWIND_BY_KERNEL : UNWIND_BY_SAMPLE };
	}
	return n;
}

/* A user pc that cannot be looked up in any mapping. */
static void push_unmapped(struct unwinder *u, const struct event_sample *s, struct frames *ret)
{
	uint64_t pc = s->regs.value[machine_pc(u->machine)];

	u->frame[ret->n++] = (struct frame){ .loc = locs_put(&u->places->locs, LOC_UNMAPPED, pc),
					     .method = UNWIND_BY_SAMPLE };
}

/*
 * In the kernel with registers but without one byte of stack: the process is giving up its memory (exit) or
 * has a new one whose stack is not there yet (exec). There is nothing of user space to walk.
 */
static bool is_leaving(const struct unwinder *u, const struct event_sample *s, const struct space *space)
{
	uint64_t pc = s->regs.value[machine_pc(u->machine)];

	if (!s->in_kernel || s->stack_bytes > 0 || s->stack_dropped)
		return false;
	return u->any_stack || !space || !space_find(space, pc);
}

static enum unwind_stop unwind_user(struct unwinder *u, const struct event *event, struct frames *ret)
{
	const struct event_sample *s = &event->sample;
	struct walk w = { .u = u, .s = s, .space = spaces_find(u->spaces, event->pid) };
	bool previous = histories_take_previous(&u->histories, event->tid);
	uint32_t n_kernel = ret->n;
	enum unwind_stop stop;

	u->any_stack |= s->stack_bytes > 0;
	if (s->compat)
		return UNWIND_COMPAT;
	if (!s->user || is_leaving(u, s, w.space))
		return UNWIND_KERNEL_ONLY;
	if (!w.space) {
		push_unmapped(u, s, ret);
		return UNWIND_UNKNOWN_SPACE;
	}
	w.tag = places_enter(u->places, w.space);
	w.h = histories_get(&u->histories, event->pid, event->tid, w.space->generation);
	stop = walk_user(&w, n_kernel, previous, ret);
	if (ret->n > n_kernel && u->frame[n_kernel].loc == LOC_UNMAPPED) {
		ret->n = n_kernel;
		push_unmapped(u, s, ret);
	}
	return stop;
}

void unwind_sample(struct unwinder *u, const struct event *event, struct frames *ret)
{
	const struct event_sample *s = &event->sample;

	*ret = (struct frames){ .frame = u->frame };
	ret->n = kernel_frames(u, s);
	ret->stop = unwind_user(u, event, ret);
	/* 32-bit code, or nothing at all: the pc where the sample hit is all there is. */
	if (ret->n == 0 && s->ip)
		u->frame[ret->n++] = (struct frame){ .loc = locs_put(&u->places->locs, s->in_kernel ? LOC_KERNEL : LOC_UNMAPPED, s->ip),
						     .method = UNWIND_BY_SAMPLE };
}

struct unwinder *unwinder_new(enum machine machine, struct spaces *spaces, unwind_image *image, void *ctx)
{
	struct unwinder *u = mem_zalloc(sizeof(*u));

	u->machine = machine;
	u->spaces = spaces;
	u->places = places_new(machine, spaces, image, ctx);
	return u;
}

void unwinder_free(struct unwinder *u)
{
	if (!u)
		return;
	histories_done(&u->histories);
	places_free(u->places);
	free(u);
}

uint32_t unwinder_n_locs(const struct unwinder *u)
{
	return u->places->locs.n;
}

struct loc unwinder_loc(const struct unwinder *u, uint32_t loc)
{
	return u->places->locs.loc[loc];
}

enum unwind_object_state unwinder_object_state(const struct unwinder *u, uint32_t object,
					       const char **ret_reason)
{
	const struct places *p = u->places;

	if (object >= p->objects_cap)
		return UNWIND_OBJECT_UNUSED;
	if (ret_reason)
		*ret_reason = p->object[object].reason;
	return p->object[object].state;
}
