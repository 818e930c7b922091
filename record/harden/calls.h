/* System calls that a process may still make: a filter. Private to the room. */
#ifndef RECORD_HARDEN_CALLS_H
#define RECORD_HARDEN_CALLS_H

#include <stdbool.h>

enum calls_of { CALLS_RECORDER, CALLS_INSPECTOR };

/* For all threads of the process, for good. False: the kernel or this build has no filters. */
bool calls_limit(enum calls_of of);

#endif
