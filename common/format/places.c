#include "common/format/places.h"

#include <stddef.h>
#include <string.h>

void places_begin(struct places *p)
{
	for (uint32_t i = 0; i < PLACES_SETS; i++)
		p->set[i].n = 0;
}

const struct place_set *places_of(const struct places *p, uint32_t pid)
{
	static const struct place_set empty;
	const struct place_set *s = &p->set[pid % PLACES_SETS];

	return s->n && s->pid == pid ? s : &empty;
}

/* The set of a process, emptied when it was another's. */
static struct place_set *set_take(struct places *p, uint32_t pid)
{
	struct place_set *s = &p->set[pid % PLACES_SETS];

	if (s->pid != pid)
		s->n = 0;
	s->pid = pid;
	return s;
}

static void follow_mmap(struct places *p, const struct event *event)
{
	struct place_set *s = set_take(p, event->pid);

	if (s->n == PLACES_MAX)
		return;
	s->place[s->n].start = event->mmap.start;
	s->place[s->n].size = event->mmap.size;
	s->n++;
}

static void follow_fork(struct places *p, const struct event *event)
{
	const struct place_set *parent = places_of(p, event->fork.ppid);
	struct place_set *child = set_take(p, event->pid);

	if (child == parent)
		return; /* a thread, or a pid that shares its parent's set: that one was taken */
	child->n = parent->n;
	memcpy(child->place, parent->place, parent->n * sizeof(parent->place[0]));
}

void places_follow(struct places *p, const struct event *event)
{
	if (event->type == EVENT_MMAP)
		follow_mmap(p, event);
	else if (event->type == EVENT_FORK)
		follow_fork(p, event);
	else if (event->type == EVENT_SPACE || (event->type == EVENT_COMM && event->comm.exec))
		set_take(p, event->pid)->n = 0;
}
