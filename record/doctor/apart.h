/*
 * Work that may be killed or may never return, done in a child: perf_event_open under a seccomp
 * filter, files of a process or of a mount that does not answer. Private to the room.
 */
#ifndef RECORD_DOCTOR_APART_H
#define RECORD_DOCTOR_APART_H

#include <stddef.h>

struct err;

/*
 * Runs `work` on n bytes of data in a child and brings the bytes back; then 0. Otherwise data is
 * as it was: -ETIMEDOUT after `seconds`, -EPERM when a seccomp filter killed it, -EIO when it ended
 * otherwise, or what pipe and fork said.
 * Pointers in the data stay those of before the fork: work leaves them alone.
 */
int apart_run(void (*work)(void *data), void *data, size_t n, unsigned int seconds,
	      struct err *err);

#endif
