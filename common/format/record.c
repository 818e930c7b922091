#include "common/format/record.h"

#include "common/base/bits.h"

const char *counter_name(enum counter c)
{
	static const char *const names[] = {
		[COUNTER_SAMPLES_STORED] = "samples stored",
		[COUNTER_SAMPLES_LOST_KERNEL] = "samples lost in the kernel",
		[COUNTER_SAMPLES_DROPPED_DECODE] = "samples dropped: not understood",
		[COUNTER_SAMPLES_DROPPED_WRITE] = "samples dropped: not written",
		[COUNTER_SAMPLES_DROPPED_FILTER] = "samples dropped: not asked for",
		[COUNTER_TASKS_LOST_KERNEL] = "task and mapping events lost in the kernel",
		[COUNTER_STACKS_CUT] = "stacks cut",
		[COUNTER_STACKS_DROPPED] = "stacks dropped",
		[COUNTER_STACK_WORDS_SEEN] = "stack words seen",
		[COUNTER_STACK_WORDS_KEPT] = "stack words kept",
		[COUNTER_THROTTLED] = "times throttled",
		[COUNTER_OUT_OF_ORDER] = "events out of order",
		[COUNTER_OBJECTS_EMBEDDED] = "objects embedded",
		[COUNTER_OBJECTS_FAILED] = "objects not readable",
		[COUNTER_PAUSED_NS] = "nanoseconds paused",
		[COUNTER_RECORDER_CPU_NS] = "nanoseconds of CPU used by the recorder",
		[COUNTER_CPU_COUNTED_NS] = "nanoseconds of CPU counted by the kernel",
		[COUNTER_SAMPLES_THINNED] = "samples left out, counted by others",
	};

	_Static_assert(N_ELEMENTS(names) == COUNTERS, "one name for each counter");
	return c < COUNTERS ? names[c] : "unknown";
}
