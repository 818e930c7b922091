/*
 * A sample has some hundred kept words, and nearly all point into the same few files, told long
 * ago: the mappings hit last, of the same address space, answer for them.
 */
#include "common/space/touch.h"

#include <string.h>

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
	for (unsigned int i = 0; i < TOUCH_RANGES; i++)
		if (value - t->told[i].start < t->told[i].size)
			return;
	const struct mapping *m = space_find(space, value);
	if (!m)
		return;
	touch_mapping(t, space, m);
	t->told[t->next_told].start = m->start;
	t->told[t->next_told].size = m->end - m->start;
	t->next_told = (t->next_told + 1) % TOUCH_RANGES;
}

static void touch_space(struct touch *t, const struct space *space)
{
	if (t->generation == space->generation)
		return;
	t->generation = space->generation;
	memset(t->told, 0, sizeof(t->told));
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

/* How many words, from the outermost frame on, are those of the sample before: callers stay. */
static uint32_t same_words(const struct touch *t, const struct space *space,
			   const struct event_sample *sample)
{
	uint32_t n = MIN(t->n_last, sample->n_words), i = 0;

	if (t->last_generation != space->generation)
		return 0;
	while (i < n && t->last[i].value == sample->words[i].value)
		i++;
	return i;
}

void touch_sample(struct touch *t, const struct space *space, enum machine machine,
		  const struct event_sample *sample)
{
	uint64_t sp = sample->regs.value[machine_sp(machine)];

	for (uint16_t i = 0; i < sample->n_kchain; i++)
		touch_kernel_pc(t, sample->kchain[i]);
	if (!space || !space->n)
		return;
	touch_space(t, space);
	for (uint16_t i = 0; i < sample->n_uchain; i++)
		touch_value(t, space, sample->uchain[i]);
	if (!sample->in_kernel)
		touch_value(t, space, sample->ip);
	for (unsigned int i = 0; i < REGS_MAX; i++)
		if (sample->regs.mask >> i & 1 && sample->regs.value[i])
			touch_value(t, space, sample->regs.value[i]);
	for (uint32_t i = same_words(t, space, sample); i < sample->n_words; i++)
		if (sample->words[i].value - sp >= STACK_REACH_BYTES)
			touch_value(t, space, sample->words[i].value);
	t->last = sample->words;
	t->n_last = sample->n_words;
	t->last_generation = space->generation;
}

void touch_reset(struct touch *t, bool kernel)
{
	memset(t->object, 0, sizeof(t->object));
	t->generation = t->last_generation = 0; /* no space has this one */
	t->n_last = 0;
	if (!kernel)
		return;
	memset(t->kernel, 0, sizeof(t->kernel));
	t->n_kernel = 0;
}

void touch_forget(struct touch *t, uint32_t object)
{
	if (object < TOUCH_OBJECTS)
		t->object[object / 8] &= (uint8_t) ~(1u << object % 8);
}
