/*
 * Where the mappings of a process stand, as far as the chunk has said. New code addresses are
 * written as offsets into them: the same program in its next process, at other addresses, gives
 * the same bytes. A small table that forgets; both directions forget the same. ddprof.data(5),
 * "Code addresses". Private to the room.
 */
#ifndef COMMON_FORMAT_PLACES_H
#define COMMON_FORMAT_PLACES_H

#include <stdint.h>

#include "common/format/event.h"

enum {
	PLACES_SETS = 256, /* pid modulo this has a set */
	PLACES_MAX = 16,   /* mappings of a set, as they come; further ones are not kept */
};

struct place_set {
	uint32_t pid, n;
	struct {
		uint64_t start, size;
	} place[PLACES_MAX];
};

struct places {
	struct place_set set[PLACES_SETS];
};

void places_begin(struct places *p);
/* Mappings, forks, execs and snapshots change it. */
void places_follow(struct places *p, const struct event *event);
/* Never NULL: of a process that is not kept it is empty. */
const struct place_set *places_of(const struct places *p, uint32_t pid);

#endif
