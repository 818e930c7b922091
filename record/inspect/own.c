#include "record/inspect/own.h"

#include <stddef.h>

#include "common/base/bits.h"
#include "common/format/event.h"

static uint32_t *find(struct own *o, uint32_t pid)
{
	for (uint32_t i = 0; i < MIN(o->n, (uint32_t)OWN_PIDS); i++)
		if (o->pid[i] == pid)
			return &o->pid[i];
	return NULL;
}

void own_add(struct own *o, uint32_t pid)
{
	if (pid && !find(o, pid))
		o->pid[o->n++ % OWN_PIDS] = pid;
}

void own_note(struct own *o, const struct event *fork)
{
	uint32_t *pid;

	if (fork->pid != fork->tid || fork->fork.ppid == fork->pid)
		return; /* a thread */
	if (o->maker && fork->fork.ppid == o->maker)
		own_add(o, fork->pid);
	else if ((pid = find(o, fork->pid)))
		*pid = 0;
}

bool own_has(const struct own *o, uint32_t pid)
{
	return pid && (pid == o->maker || find((struct own *)o, pid));
}
