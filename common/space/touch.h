/* Which files' code was met in samples, so that only those are embedded. Fixed memory. */
#ifndef COMMON_SPACE_TOUCH_H
#define COMMON_SPACE_TOUCH_H

#include <stdbool.h>
#include <stdint.h>

#include "common/format/event.h"
#include "common/space/space.h"

enum { TOUCH_RANGES = 6, TOUCH_OBJECTS = 1 << 16, TOUCH_KERNEL_PCS = 1 << 14 };

/* A file was met for the first time, in this mapping of this process. */
typedef void touch_object(void *ctx, const struct space *space, const struct mapping *mapping);
/* A kernel address was met for the first time. */
typedef void touch_kernel(void *ctx, uint64_t pc);

struct touch {
	uint64_t generation; /* of the space that `told` is about */
	struct {
		uint64_t start,
			size; /* mappings whose files were told, the last ones hit; size 0: free */
	} told[TOUCH_RANGES];
	unsigned int next_told;
	uint8_t object[TOUCH_OBJECTS / 8]; /* bit per object id: told */
	uint64_t kernel[TOUCH_KERNEL_PCS]; /* open addressing; full: further ones are not told */
	uint32_t n_kernel;
	const struct stack_word *last; /* words of the sample before, */
	uint32_t n_last;
	uint64_t last_generation; /* looked at in this state of its space */
	touch_object *on_object;
	touch_kernel *on_kernel;
	void *ctx;
};

/*
 * After the scrub: looks at the sample's pc, registers, kept words and frames.
 * The words must stay until the next call, which passes over those that are still the same.
 */
void touch_sample(struct touch *t, const struct space *space, enum machine machine,
		  const struct event_sample *sample);

/*
 * All are told again as they are met, for a file that begins: objects, and with `kernel` kernel
 * addresses too.
 */
void touch_reset(struct touch *t, bool kernel);
/* This number is for another file from now on. */
void touch_forget(struct touch *t, uint32_t object);

#endif
