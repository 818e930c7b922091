/*
 * /proc/PID/maps and names of threads -> the events that would have told them. Private to the room.
 */
#ifndef RECORD_INSPECT_MAPS_H
#define RECORD_INSPECT_MAPS_H

#include <stdbool.h>
#include <stdint.h>

#include "record/inspect/serve.h"

struct err;

/* One line of a maps file. */
struct maps_line {
	uint64_t start, end, pgoff, ino;
	uint32_t maj, min;
	bool executable;
	const char *path; /* into the line; "" for anonymous memory */
};

/* Cuts `line` (zero-terminated, without its newline) up; false: it is no such line. */
bool maps_parse_line(char *line, struct maps_line *ret);

/* Events of a process; 0: of all. -ESRCH: gone, -EACCES: not ours. */
int maps_snapshot(struct serve *s, uint32_t pid, struct err *err);

#endif
