/* The words of one event, before it is known which event it is. Private to the room. */
#ifndef RECORD_WATCHER_PARSE_H
#define RECORD_WATCHER_PARSE_H

#include "record/watcher/watcher.h"

enum { WORD_BYTES = 128 };

struct parse {
	char name[WATCHER_NAME_BYTES], group[WATCHER_NAME_BYTES], label[WATCHER_NAME_BYTES];
	uint64_t id;
	int64_t period;
	uint64_t frequency_hz;
	bool has_id, has_period, has_frequency, has_value;
	unsigned int mode;
	enum watcher_value value;
	uint32_t value_at, value_bytes;
	double scale;
	uint32_t stack_bytes;
	bool user_only;
};

/* "sCPU", "sched:sched_switch", "key=value"; writes a zero over its '='. */
int parse_word(struct parse *p, char *word, struct err *err);

#endif
