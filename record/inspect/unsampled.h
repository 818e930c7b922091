/*
 * The recorder's list of programs that lost their events when they began: told by the kernel's own
 * records, so that nothing is looked at for all the others. Private to the room; allocates nothing.
 */
#ifndef RECORD_INSPECT_UNSAMPLED_H
#define RECORD_INSPECT_UNSAMPLED_H

#include <stdint.h>

#include "common/format/event.h"
#include "common/format/unsampled.h"
#include "record/inspect/message.h"

enum { BEGUN_MAX = 32, LOST_MAX = 256 };

struct unsampled_watch {
	struct message_exec begun[BEGUN_MAX]; /* nothing of them was mapped yet */
	uint32_t n_begun;
	struct message_exec lost[LOST_MAX]; /* their events are; why is not asked yet */
	uint32_t n_lost;
	struct message_exec refused;
	struct message_exec asked[MESSAGE_EXECS];
	uint8_t reason[MESSAGE_EXECS]; /* answers so far; UNSAMPLED_UNKNOWN until then */
	uint32_t n_asked;
};

/*
 * An event of the kernel. Mostly NULL; else a program that lost its events when there was no room
 * to ask why. Lives until the next call.
 */
const struct message_exec *unsampled_note(struct unsampled_watch *w, const struct event *event);

/* Moves up to MESSAGE_EXECS into `asked`; how many. None may be asked already. */
uint32_t unsampled_ask(struct unsampled_watch *w);
void unsampled_take_reasons(struct unsampled_watch *w, const uint8_t *reasons, uint32_t n);

#endif
