/*
 * The scrub: of a raw stack only the words that point into code or into the stack itself are kept.
 * It looks at 1000 to 8000 words for each sample, so most words must fail one test: everything
 * that can be kept lies in [lo, hi), from the lowest hull to the end of the stack. Zero, small numbers,
 * text and floating point values do not.
 */
#include "common/space/space.h"

#include "common/base/bits.h"

enum { STACK_REACH_BYTES = 8 << 20 };

struct judge {
	const struct space *space;
	const struct mapping *last; /* the mapping of the last word that hit: the next often hits it too */
	uint64_t lo, span;	    /* everything kept: value - lo < span */
	uint64_t sp;
};

static uint64_t pac_mask(const struct space *space, enum machine machine)
{
	uint64_t top = space->n ? space->map[space->n - 1].end : 0;

	if (machine != MACHINE_AARCH64)
		return UINT64_MAX;
	return top > UINT64_C(1) << 48 ? (UINT64_C(1) << 52) - 1 : (UINT64_C(1) << 48) - 1;
}

static void judge_init(struct judge *j, const struct space *space, uint64_t sp)
{
	uint64_t lo = sp, hi = sp + STACK_REACH_BYTES;

	if (hi < sp) /* a stack pointer that makes no sense: the quick test lets all through */
		lo = 0, hi = UINT64_MAX;
	for (uint32_t h = 0; h < space->n_hulls; h++) {
		lo = MIN(lo, space->hull[h].start);
		hi = MAX(hi, space->hull[h].end);
	}
	*j = (struct judge){ .space = space, .last = space->map, .lo = lo, .span = hi - lo, .sp = sp };
	if (!space->n)
		j->last = NULL;
}

static bool judge_code(struct judge *j, uint64_t value)
{
	const struct space *space = j->space;
	const struct mapping *m = j->last;

	if (m && value - m->start < m->end - m->start)
		return true;
	for (uint32_t h = 0; h < space->n_hulls; h++)
		if (value - space->hull[h].start < space->hull[h].end - space->hull[h].start) {
			m = space_find(space, value);
			if (m)
				j->last = m;
			return m != NULL;
		}
	return false;
}

static inline bool judge_keeps(struct judge *j, uint64_t value)
{
	if (value - j->lo >= j->span)
		return false;
	return value - j->sp < STACK_REACH_BYTES || judge_code(j, value);
}

static void scrub_regs(struct judge *j, enum machine machine, uint64_t mask, struct regs *regs)
{
	for (unsigned int i = 0; i < REGS_MAX; i++) {
		uint64_t value = regs->value[i] & mask;
		bool known = regs->mask >> i & 1;

		if (known && i != machine_sp(machine) && i != machine_pc(machine) &&
		    !judge_keeps(j, value)) {
			regs->mask &= ~(UINT64_C(1) << i);
			known = false;
		}
		regs->value[i] = known ? value : 0;
	}
}

/* Whole words of the grid: *ret_lo is the first one's address. */
static uint32_t stack_words(const struct event_sample *sample, uint64_t sp, uint64_t *ret_lo,
			    const uint8_t **ret_bytes)
{
	uint64_t skip = -sp & 7, bytes = MIN(sample->stack_bytes, (uint64_t)STACK_BYTES_MAX);

	*ret_lo = sp + skip;
	*ret_bytes = sample->stack + skip;
	if (!sample->stack || bytes < skip || sp + bytes < sp)
		return 0;
	return (uint32_t)((bytes - skip) / 8);
}

static void sample_set_words(struct event_sample *sample, const struct stack_word *words, uint32_t n)
{
	sample->words = words;
	sample->n_words = n;
	sample->stack = NULL;
}

uint32_t space_scrub(const struct space *space, enum machine machine, struct event_sample *sample,
		     struct stack_word *words)
{
	static const struct space nothing;
	uint64_t sp = sample->regs.value[machine_sp(machine)], mask, lo;
	const uint8_t *bytes;
	uint32_t n_words, n = 0;
	struct judge j;

	if (!space || !space->known) {
		sample->stack_dropped |= sample->stack_bytes != 0;
		space = &nothing;
	}
	mask = pac_mask(space, machine);
	judge_init(&j, space, sp);
	if (sample->user)
		scrub_regs(&j, machine, mask, &sample->regs);
	n_words = stack_words(sample, sp, &lo, &bytes);
	if (!sample->user || sample->compat || space == &nothing)
		n_words = 0;
	for (uint32_t i = n_words; i-- > 0;) {
		uint64_t value = load_le64(bytes + (size_t)i * 8) & mask;

		if (judge_keeps(&j, value))
			words[n++] = (struct stack_word){ .addr = lo + (uint64_t)i * 8, .value = value };
	}
	sample_set_words(sample, words, n);
	return n;
}

uint32_t space_keep_all(struct event_sample *sample, enum machine machine, struct stack_word *words)
{
	uint64_t lo;
	const uint8_t *bytes;
	uint32_t n_words = stack_words(sample, sample->regs.value[machine_sp(machine)], &lo, &bytes), n = 0;

	if (!sample->user)
		n_words = 0;
	for (uint32_t i = n_words; i-- > 0;)
		words[n++] = (struct stack_word){ .addr = lo + (uint64_t)i * 8,
						  .value = load_le64(bytes + (size_t)i * 8) };
	sample_set_words(sample, words, n);
	return n;
}
