/*
 * The unwinder's life, and a sample's frames from its parts: the kernel's chain, the walk
 * (walk.h), what the thread's last walk adds to it.
 */
#include "report/unwind/unwind.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "report/unwind/history.h"
#include "report/unwind/made.h"
#include "report/unwind/places.h"
#include "report/unwind/walk.h"

enum { FRAMES_MAX = KCHAIN_MAX + UNWIND_DEPTH_MAX };

struct unwinder {
	enum machine machine;
	struct spaces *spaces;
	struct places *places;
	bool any_stack; /* some sample had a stack: the recording has stacks */
	struct histories histories;
	struct made made;
	struct walked walked[UNWIND_DEPTH_MAX];
	struct frame frame[FRAMES_MAX];
};

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
		[UNWIND_CHAIN] = "end of the recorded chain",
		[UNWIND_STACK_SPARED] = "stack was cut to spare CPU (--max-overhead)",
	};

	return (unsigned int)stop < UNWIND_STOPS ? text[stop] : "unknown";
}

const char *unwind_method_text(enum unwind_method method)
{
	static const char *const text[UNWIND_METHODS] = {
		[UNWIND_BY_SAMPLE] = "sample",
		[UNWIND_BY_CFI] = "call frame information",
		[UNWIND_BY_FRAME_POINTER] = "frame pointer",
		[UNWIND_BY_PATTERN] = "pattern",
		[UNWIND_BY_KERNEL] = "kernel",
		[UNWIND_BY_JOIN] = "join",
	};

	return (unsigned int)method < UNWIND_METHODS ? text[method] : "unknown";
}

/*
 * A frame pointer that does not lead into the stack decides nothing further out. It is a number
 * of the program's there, which the scrub drops: raw and scrubbed recordings must join alike.
 */
static uint64_t useful_fp(const struct walked *at)
{
	enum { STACK_BYTES = 8 << 20 };

	return at->fp - at->sp < STACK_BYTES ? at->fp : 0;
}

static bool same_activation(const struct walked *a, const struct walked *b)
{
	return a->pc == b->pc && a->sp == b->sp && useful_fp(a) == useful_fp(b) &&
	       ((a->flags ^ b->flags) & WALKED_EXACT) == 0 && !(a->flags & WALKED_REGISTERS);
}

/*
 * The stack was cut, or a page of it could not be copied: when the last two frames that were walked
 * are two neighbours of the thread's last complete walk, the same functions are still active, and
 * so are their callers.
 */
static bool join(struct walk *w)
{
	const struct walked *last = w->n >= 2 ? &w->walked[w->n - 1] : NULL;
	int64_t i = (int64_t)w->h->n - 2;

	if (!last)
		return false;
	while (i > 0 && !(same_activation(&w->h->frame[i], last) &&
			  same_activation(&w->h->frame[i + 1], &last[-1])))
		i--;
	if (i <= 0)
		return false;
	for (int64_t k = 0; k < i; k++)
		w->h->frame[k].method = UNWIND_BY_JOIN;
	w->h->frame[i].method = last->method;
	w->n--; /* the frame that matched is taken from the history like those outside of it */
	w->adopted = i;
	return true;
}

/* Walks and puts user frames behind the n_kernel that are in u->frame already. */
static enum unwind_stop walk_user(struct unwinder *u, struct walk *w, uint32_t n_kernel,
				  bool previous, struct frames *ret)
{
	struct history *h = w->h;
	uint32_t n_shared, n = n_kernel;
	bool joined;
	int stop;

	history_pass(h, &w->s->view);
	w->floor = h->floor;
	stop = walk_from_sample(w, false);
	if (stop == WALK_AGAIN_FULL)
		stop = walk_from_sample(w, true);
	joined = (stop == UNWIND_STACK_CUT || stop == UNWIND_STACK_SPARED ||
		  stop == UNWIND_STACK_MISSING) &&
		 join(w);
	if (joined)
		stop = WALK_ADOPTED;
	n_shared = (uint32_t)(w->adopted + 1);
	if (stop == WALK_ADOPTED) /* only complete walks are kept */
		stop = w->n + n_shared > UNWIND_DEPTH_MAX ? UNWIND_DEEP : UNWIND_ROOT;
	for (uint32_t i = 0; i < w->n; i++)
		u->frame[n++] =
			(struct frame){ .loc = u->walked[i].loc, .method = u->walked[i].method };
	for (uint32_t i = n_shared; i-- > 0 && n < n_kernel + UNWIND_DEPTH_MAX;)
		u->frame[n++] =
			(struct frame){ .loc = h->frame[i].loc, .method = h->frame[i].method };
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
 * In the kernel with registers but without one byte of stack: the process is giving up its
 * memory (exit) or has a new one whose stack is not there yet (exec). There is nothing of user
 * space to walk.
 */
static bool is_leaving(const struct unwinder *u, const struct event_sample *s,
		       const struct space *space)
{
	uint64_t pc = s->regs.value[machine_pc(u->machine)];

	if (!s->in_kernel || s->stack_bytes > 0 || s->stack_dropped)
		return false;
	return u->any_stack || !space || !space_find(space, pc);
}

/*
 * A chain that the kernel walked: places are looked up, nothing is read. In code without frame
 * pointers it goes astray, so it ends at the first caller that is nowhere. It is known to be
 * complete only when it ends where threads begin.
 */
static enum unwind_stop take_chain(struct unwinder *u, const struct event_sample *s,
				   const struct space *space, struct frames *ret)
{
	uint32_t tag = places_enter(u->places, space);
	uint8_t kind = PLACE_UNMAPPED;

	for (uint32_t i = 0; i < s->n_uchain; i++) {
		uint64_t pc = s->uchain[i] - (i > 0);
		const struct place *e = places_find(u->places, space, pc, tag | (i == 0));

		kind = e->kind;
		if (i && kind == PLACE_UNMAPPED && space->known)
			return UNWIND_UNMAPPED;
		u->frame[ret->n++] = (struct frame){
			.loc = kind == PLACE_UNMAPPED ?
				       locs_put(&u->places->locs, LOC_UNMAPPED, pc) :
				       e->loc,
			.method = i ? UNWIND_BY_FRAME_POINTER : UNWIND_BY_SAMPLE,
		};
	}
	if (!space->known)
		return UNWIND_UNKNOWN_SPACE;
	return kind == PLACE_ROOT ? UNWIND_ROOT : UNWIND_CHAIN;
}

static enum unwind_stop unwind_user(struct unwinder *u, const struct event *event,
				    struct frames *ret)
{
	const struct event_sample *s = &event->sample;
	struct walk w = { .machine = u->machine,
			  .places = u->places,
			  .walked = u->walked,
			  .s = s,
			  .made = &u->made,
			  .pid = event->pid,
			  .time_ns = event->time_ns,
			  .space = spaces_find(u->spaces, event->pid) };
	bool previous = histories_take_previous(&u->histories, event->tid);
	uint32_t n_kernel = ret->n;
	enum unwind_stop stop;
	static const struct space unknown;

	u->any_stack |= s->stack_bytes > 0;
	if (s->n_uchain && !s->stack_bytes)
		return take_chain(u, s, w.space ? w.space : &unknown, ret);
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
	stop = walk_user(u, &w, n_kernel, previous, ret);
	if (ret->n > n_kernel && u->frame[n_kernel].loc == LOC_UNMAPPED) {
		ret->n = n_kernel;
		push_unmapped(u, s, ret);
	}
	return stop;
}

void unwind_sample(struct unwinder *u, const struct event *event, struct frames *ret)
{
	const struct event_sample *s = &event->sample;
	uint32_t n_kernel = kernel_frames(u, s);

	*ret = (struct frames){ .frame = u->frame, .n = n_kernel };
	ret->stop = unwind_user(u, event, ret);
	made_frames(&u->made, u->places, event->pid, event->time_ns, u->frame, n_kernel, ret);
	/* 32-bit code, or nothing at all: the pc where the sample hit is all there is. */
	if (ret->n == 0 && s->ip)
		u->frame[ret->n++] =
			(struct frame){ .loc = locs_put(&u->places->locs,
							s->in_kernel ? LOC_KERNEL : LOC_UNMAPPED,
							s->ip),
					.method = UNWIND_BY_SAMPLE };
}

struct unwinder *unwinder_new(enum machine machine, struct spaces *spaces, unwind_image *image,
			      void *ctx)
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
	made_done(&u->made);
	places_free(u->places);
	free(u);
}

void unwinder_set_jit(struct unwinder *u, struct jit *jit)
{
	made_init(&u->made, jit);
}

uint32_t unwinder_n_locs(const struct unwinder *u)
{
	return u->places->locs.n;
}

uint32_t unwinder_label(struct unwinder *u, uint32_t label)
{
	return locs_put(&u->places->locs, LOC_LABEL, label);
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
