/*
 * A process that makes inspectors. The recorder gives up its rights when it has started, and what
 * it forks after that has as few; this one is forked before, and waits. Private to the room.
 */
#ifndef RECORD_INSPECT_SPARE_H
#define RECORD_INSPECT_SPARE_H

#include <stdbool.h>
#include <sys/types.h>

struct err;

struct spare {
	pid_t pid;
	int fd;		     /* -1: it is not there */
	int n_asked, n_told; /* inspectors, and how many of their pids came */
};

/* In each inspector: work on its end of the socket. Returns when the recorder is gone. */
typedef void spare_work(int fd, int arg);

int spare_start(struct spare *s, spare_work *work, int arg, struct err *err);
/* An inspector with this end of a socket; the caller closes its own copy. Never waits. */
bool spare_ask(struct spare *s, int fd);
/*
 * The pid of the inspector asked for last: our child, to be killed and reaped by us. 0: not told
 * yet; negative errno: it could not be made.
 */
pid_t spare_take_pid(struct spare *s);
void spare_stop(struct spare *s);

#endif
