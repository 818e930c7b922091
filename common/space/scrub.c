/*
 * The scrub: of a raw stack only the words that point into code or into the stack itself are
 * kept. It looks at 1000 to 8000 words for each sample and keeps a tenth. Which ones cannot be
 * predicted, so a branch for each word costs more than the word: mask.h lists the words in two
 * windows around all that can be kept without branches, and only those are judged.
 *
 *	window 0                         window 1
 *	[program's code]   heap, data   [libraries' code ... vdso, stack]
 */
#include "common/space/space.h"

#include "common/base/bits.h"
#include "common/space/mask.h"

enum { STACK_REACH_BYTES = 8 << 20, RANGES_MAX = N_ELEMENTS(((struct space *)0)->hull) + 1 };

struct judge {
	const struct space *space;
	const struct mapping
		*last; /* the mapping of the last word that hit: the next often hits it too */
	struct range hull[RANGES_MAX - 1]; /* unused ones are empty */
	struct range stack;
	struct range window[2];
};

static uint64_t pac_mask(const struct space *space, enum machine machine)
{
	uint64_t top = space->n ? space->map[space->n - 1].end : 0;

	if (machine != MACHINE_AARCH64)
		return UINT64_MAX;
	return top > UINT64_C(1) << 48 ? (UINT64_C(1) << 52) - 1 : (UINT64_C(1) << 48) - 1;
}

/* Two ranges that hold all n sorted ones, apart at the widest gap. */
static void windows_of(const struct range *range, uint32_t n, struct range window[2])
{
	uint64_t widest = 0, end = range[0].start + range[0].size, end_at_cut = 0;
	uint32_t cut = 0;

	for (uint32_t i = 1; i < n; i++) {
		if (range[i].start > end && range[i].start - end > widest) {
			widest = range[i].start - end;
			end_at_cut = end;
			cut = i;
		}
		end = MAX(end, range[i].start + range[i].size);
	}
	window[1] = (struct range){ range[cut].start, end - range[cut].start };
	window[0] = cut ? (struct range){ range[0].start, end_at_cut - range[0].start } : window[1];
}

static void judge_init(struct judge *j, const struct space *space, uint64_t sp)
{
	struct range sorted[RANGES_MAX];
	uint32_t n = 0, at;

	*j = (struct judge){ .space = space, .last = space->n ? space->map : NULL };
	/* near the end of the address space: no stack is there */
	j->stack =
		(struct range){ sp, sp > UINT64_MAX - STACK_REACH_BYTES ? 0 : STACK_REACH_BYTES };
	for (uint32_t h = 0; h < space->n_hulls; h++)
		sorted[n++] = j->hull[h] =
			(struct range){ space->hull[h].start,
					space->hull[h].end - space->hull[h].start };
	for (at = n++; at && sorted[at - 1].start > sp; at--)
		sorted[at] = sorted[at - 1];
	sorted[at] = j->stack;
	windows_of(sorted, n, j->window);
}

static bool judge_code(struct judge *j, uint64_t value)
{
	const struct mapping *m = j->last;

	if (m && value - m->start < m->end - m->start)
		return true;
	m = space_find(j->space, value);
	if (m)
		j->last = m;
	return m != NULL;
}

static inline bool judge_is_code(struct judge *j, uint64_t value)
{
	bool near_code = false;

	for (uint32_t h = 0; h < N_ELEMENTS(j->hull); h++)
		near_code |= in_range(&j->hull[h], value);
	return near_code && judge_code(j, value);
}

static inline bool judge_keeps(struct judge *j, uint64_t value)
{
	return in_range(&j->stack, value) || judge_is_code(j, value);
}

/*
 * A word of the stack that points into the stack serves unwinding only as a saved register that
 * finds an outer frame (frame pointer, DRAP, sp of a signal's context): it points above itself,
 * to whole words. Near a thread's stack there may be libraries: what is not kept as stack may
 * still be code.
 */
static inline bool judge_keeps_at(struct judge *j, uint64_t addr, uint64_t value)
{
	return (in_range(&j->stack, value) && value > addr && !(value & 7)) ||
	       judge_is_code(j, value);
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
	*ret_bytes = NULL;
	if (!sample->stack || bytes < skip || sp + bytes < sp)
		return 0;
	*ret_bytes = sample->stack + skip;
	return (uint32_t)((bytes - skip) / 8);
}

/*
 * The kernel copies on past the end of a thread's stack into whatever is mapped above: up to 60
 * KiB a sample of other people's memory. A thread that pthread_create made has its control block
 * right above its stack, aligned to 64, and glibc's holds its own address twice (tcbhead_t: tcb,
 * dtv, self): the stack ends there. A frame that imitates it ends its stack early, and the walk
 * says so. Returns how many words of the n lie below it; n when there is none.
 */
static uint32_t words_below_tcb(const uint8_t *bytes, uint32_t n, uint64_t lo)
{
	for (uint32_t i = (uint32_t)(-lo & 63) / 8; i + 2 < n; i += 8) {
		uint64_t addr = lo + (uint64_t)i * 8;

		if (load_le64(bytes + (size_t)i * 8) == addr &&
		    load_le64(bytes + (size_t)i * 8 + 16) == addr)
			return i;
	}
	return n;
}

/* Kept words of the n (at most MASK_WORDS) at `bytes`, falling addresses. */
static struct stack_word *scrub_block(struct judge *j, uint64_t keep, const uint8_t *bytes,
				      unsigned int n, uint64_t lo, struct stack_word *words)
{
	uint64_t mask = window_mask(bytes, n, keep, j->window);

	while (mask) {
		unsigned int i = 63 - (unsigned int)__builtin_clzll(mask);

		words->addr = lo + i * 8;
		words->value = load_le64(bytes + i * 8) & keep;
		words += judge_keeps_at(j, words->addr, words->value);
		mask &= ~(UINT64_C(1) << i);
	}
	return words;
}

/* The pc stays, like the register; callers are return addresses, or they are data. */
static void scrub_chain(const struct space *space, struct event_sample *sample)
{
	uint16_t n = MIN(sample->n_uchain, (uint16_t)1);

	while (n && n < sample->n_uchain && space_has_code(space, sample->uchain[n] - 1))
		n++;
	sample->n_uchain = n;
}

static void sample_set_words(struct event_sample *sample, const struct stack_word *words,
			     uint32_t n)
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
	struct stack_word *end;
	uint32_t n_words, n;
	struct judge j;

	if (!space || !space->known) {
		sample->stack_dropped |= sample->stack_bytes != 0;
		space = &nothing;
	}
	if (sample->n_uchain)
		scrub_chain(space, sample);
	mask = pac_mask(space, machine);
	judge_init(&j, space, sp);
	if (sample->user)
		scrub_regs(&j, machine, mask, &sample->regs);
	n_words = stack_words(sample, sp, &lo, &bytes);
	if (!sample->user || sample->compat || space == &nothing)
		n_words = 0;
	if (machine == MACHINE_X86_64 && (n = words_below_tcb(bytes, n_words, lo)) < n_words) {
		n_words = n;
		sample->stack_bytes = lo + (uint64_t)n * 8 - sp;
		sample->stack_cut = false; /* all of it is there */
	}
	for (end = words; n_words; n_words -= n) {
		n = (n_words - 1) % MASK_WORDS + 1;
		end = scrub_block(&j, mask, bytes + (n_words - n) * 8, n,
				  lo + (uint64_t)(n_words - n) * 8, end);
	}
	sample_set_words(sample, words, (uint32_t)(end - words));
	return sample->n_words;
}

uint32_t space_keep_all(struct event_sample *sample, enum machine machine, struct stack_word *words)
{
	uint64_t lo;
	const uint8_t *bytes;
	uint32_t n_words =
			 stack_words(sample, sample->regs.value[machine_sp(machine)], &lo, &bytes),
		 n = 0;

	if (!sample->user)
		n_words = 0;
	for (uint32_t i = n_words; i-- > 0;)
		words[n++] = (struct stack_word){ .addr = lo + (uint64_t)i * 8,
						  .value = load_le64(bytes + (size_t)i * 8) };
	sample_set_words(sample, words, n);
	return n;
}
