/* The recorded stack of one sample as unwinding reads it, and what a read that fails means. */
#ifndef REPORT_UNWIND_MEMORY_H
#define REPORT_UNWIND_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/format/event.h"
#include "report/unwind/unwind.h"

static inline bool memory_word(const struct stack_view *v, uint64_t addr, uint64_t *ret)
{
	if ((addr & 7) || addr < v->lo || addr >= v->hi || v->hi - addr < 8)
		return false;
	*ret = v->slot[(addr >> 3) & v->mask];
	return true;
}

/* n_bytes 1..8, as expr_read wants it; ctx is the view. Not across words: nothing aligned does. */
bool memory_read(void *ctx, uint64_t addr, unsigned int n_bytes, uint64_t *ret);

/* Why a word at addr could not be read. */
static inline enum unwind_stop memory_stop(const struct event_sample *s, uint64_t addr)
{
	if (s->stack_dropped || s->stack_bytes == 0)
		return UNWIND_STACK_NONE;
	if (addr & 7)
		return UNWIND_BAD_CFI;
	if (addr < s->view.lo)
		return UNWIND_STACK_MISSING;
	if (!s->stack_cut)
		return UNWIND_STACK_MISSING;
	return s->stack_spared ? UNWIND_STACK_SPARED : UNWIND_STACK_CUT;
}

#endif
