/* What a recording says of itself: ddprof.data(5), "Manifest". No argv, environment, host name. */
#ifndef RECORD_MANIFEST_H
#define RECORD_MANIFEST_H

#include <stddef.h>
#include <stdint.h>

#include "record/kernel/kernel.h"
#include "record/session.h"

enum { MANIFEST_BYTES_MAX = 8192 };

struct manifest {
	uint8_t bytes[MANIFEST_BYTES_MAX];
	size_t n;
	uint32_t n_pairs;
};

/* turn: as turn.h says it */
void manifest_fill(struct manifest *m, const struct session_options *options,
		   const struct kernel_facts *facts, const char *turn);

const char *stacks_text(enum sink_stacks stacks);
const char *embed_text(enum inspect_embed embed);

#endif
