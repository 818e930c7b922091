/*
 * What it looks like, seen from the rings: an exec is always followed by the mapping of the
 * program, in the same task; where the kernel ends the events of the task it says EXIT instead,
 * while the process lives on:
 *
 *	COMM exec 'sudo'   pid 1200
 *	EXIT		   pid 1200	some 10 us later
 *
 * The same records could come of a program that could not be loaded and was killed; that one is
 * gone when it is looked at, and why stays unknown. Where records of tasks were lost the mapping
 * may have been among them: nothing is concluded.
 */
#include "record/inspect/unsampled.h"

#include <string.h>

#include "common/base/bits.h"

static uint32_t find(const struct unsampled_watch *w, uint32_t pid)
{
	uint32_t i = 0;

	while (i < w->n_begun && w->begun[i].pid != pid)
		i++;
	return i;
}

static void forget(struct unsampled_watch *w, uint32_t i)
{
	w->begun[i] = w->begun[--w->n_begun];
}

/* Between its two records there are microseconds: that many at once are not all real. */
static void begin(struct unsampled_watch *w, const struct event *event)
{
	uint32_t i = find(w, event->pid);

	if (i == BEGUN_MAX)
		i = 0;
	w->begun[i] = (struct message_exec){ .time_ns = event->time_ns, .pid = event->pid };
	memcpy(w->begun[i].comm, event->comm.comm, COMM_MAX);
	if (i == w->n_begun)
		w->n_begun++;
}

static const struct message_exec *lose(struct unsampled_watch *w, uint32_t i)
{
	struct message_exec *to = w->n_lost < LOST_MAX ? &w->lost[w->n_lost++] : &w->refused;

	*to = w->begun[i];
	forget(w, i);
	return to == &w->refused ? to : NULL;
}

const struct message_exec *unsampled_note(struct unsampled_watch *w, const struct event *event)
{
	uint32_t i;

	if (event->type == EVENT_COMM && event->comm.exec)
		begin(w, event);
	if (!w->n_begun)
		return NULL;
	if (event->type == EVENT_LOST && event->lost.source == SOURCE_MAX)
		w->n_begun = 0;
	i = find(w, event->pid);
	if (i == w->n_begun)
		return NULL;
	if (event->type == EVENT_EXIT && event->tid == event->pid)
		return lose(w, i);
	if (event->type == EVENT_MMAP)
		forget(w, i);
	return NULL;
}

uint32_t unsampled_ask(struct unsampled_watch *w)
{
	w->n_asked = MIN(w->n_lost, (uint32_t)MESSAGE_EXECS);
	memcpy(w->asked, w->lost, w->n_asked * sizeof(*w->asked));
	memset(w->reason, UNSAMPLED_UNKNOWN, sizeof(w->reason));
	w->n_lost -= w->n_asked;
	memmove(w->lost, w->lost + w->n_asked, w->n_lost * sizeof(*w->lost));
	return w->n_asked;
}

void unsampled_take_reasons(struct unsampled_watch *w, const uint8_t *reasons, uint32_t n)
{
	for (uint32_t i = 0; i < MIN(n, w->n_asked); i++)
		w->reason[i] = reasons[i] < UNSAMPLED_REASONS ? reasons[i] : UNSAMPLED_UNKNOWN;
}
