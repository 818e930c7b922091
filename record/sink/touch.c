/*
 * A sample has some hundred kept words and nearly all point into pages met before: one probe of
 * a small cache, keyed by page and by the state of the address space, ends the question.
 */
#include "record/sink/touch.h"

#include "common/base/bits.h"

enum { STACK_REACH_BYTES = 8 << 20 };

static void touch_mapping(struct touch *t, const struct space *space, const struct mapping *m)
{
	uint32_t id = m->object;

	if (id >= TOUCH_OBJECTS || t->object[id / 8] >> id % 8 & 1)
		return;
	t->object[id / 8] |= (uint8_t)(1u << id % 8);
	t->on_object(t->ctx, space, m);
}

static inline void touch_value(struct touch *t, const struct space *space, uint64_t value)
{
	uint64_t key = (value >> 12) ^ space->generation << 40 ^ space->generation >> 24;
	uint64_t *cached = &t->page[(key ^ key >> 10 ^ key >> 40) % TOUCH_PAGES];

	if (*cached == key)
		return;
	const struct mapping *m = space_find(space, value);
	if (m) {
		*cached = key;
		touch_mapping(t, space, m);
	}
}

static void touch_kernel_pc(struct touch *t, uint64_t pc)
{
	uint64_t i = hash_u64(pc) % TOUCH_KERNEL_PCS;

	for (; t->kernel[i]; i = (i + 1) % TOUCH_KERNEL_PCS)
		if (t->kernel[i] == pc)
			return;
	if (t->n_kernel >= TOUCH_KERNEL_PCS / 4 * 3)
		return;
	t->kernel[i] = pc;
	t->n_kernel++;
	t->on_kernel(t->ctx, pc);
}

void touch_sample(struct touch *t, const struct space *space, enum machine machine,
		  const struct event_sample *sample)
{
	uint64_t sp = sample->regs.value[machine_sp(machine)];

	for (uint16_t i = 0; i < sample->n_kchain; i++)
		touch_kernel_pc(t, sample->kchain[i]);
	if (!space || !space->n)
		return;
	if (!sample->in_kernel)
		touch_value(t, space, sample->ip);
	for (unsigned int i = 0; i < REGS_MAX; i++)
		if (sample->regs.mask >> i & 1 && sample->regs.value[i])
			touch_value(t, space, sample->regs.value[i]);
	for (uint32_t i = 0; i < sample->n_words; i++)
		if (sample->words[i].value - sp >= STACK_REACH_BYTES)
			touch_value(t, space, sample->words[i].value);
}
