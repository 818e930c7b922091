/* CPU use of the target: when it has stayed above a mark for long enough, once until it falls. */
#ifndef RECORD_TRIGGER_H
#define RECORD_TRIGGER_H

#include <stdbool.h>
#include <stdint.h>

struct trigger {
	uint64_t seen_ns, seen_busy_ns; /* at the last look; 0: none yet */
	uint64_t above_ns;		/* since when it is above; 0: it is not */
	bool fired;			/* and has not fallen since */
};

/*
 * `busy_ns`: CPU time of the target so far, of all its threads; `percent` of one CPU, for
 * `for_ns`. True: now.
 */
bool trigger_look(struct trigger *t, uint64_t now_ns, uint64_t busy_ns, uint32_t percent,
		  uint64_t for_ns);

#endif
