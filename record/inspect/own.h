/*
 * Which processes are the inspectors of this recording, of whom samples are no news: those whose
 * start was told by the kernel come from the process that makes them. A pid is ours until the
 * kernel gives it to somebody else. Private to the room.
 */
#ifndef RECORD_INSPECT_OWN_H
#define RECORD_INSPECT_OWN_H

#include <stdbool.h>
#include <stdint.h>

struct event;

enum { OWN_PIDS = 8 }; /* samples of earlier ones have long been read */

struct own {
	uint32_t maker; /* who makes them; 0: nobody */
	uint32_t pid[OWN_PIDS], n;
};

void own_add(struct own *o, uint32_t pid);
/* Each fork that the kernel tells, before what happens in the child. */
void own_note(struct own *o, const struct event *fork);
bool own_has(const struct own *o, uint32_t pid);

#endif
