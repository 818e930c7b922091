/*
 * Waits for the disk, in a thread, so that nobody else has to: a sync may take seconds, and a ring
 * is full after some hundred milliseconds. Private to the room.
 */
#ifndef RECORD_SINK_SETTLE_H
#define RECORD_SINK_SETTLE_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct segments; /* segment.h */
struct settle;

enum settle_kind {
	SETTLE_SYNC,   /* what was written of an open file */
	SETTLE_FINISH, /* a segment: its reserve goes back, it gets its name, it is closed */
	SETTLE_ABANDON /* a file that could not be synced is closed as it is */
};

struct settle_job {
	enum settle_kind kind;
	int fd;		 /* FINISH, ABANDON: settle closes it */
	uint64_t bytes;	 /* written when this was asked */
	uint32_t number; /* of the segment; 0: NAME itself, which is never to FINISH */
	/* in a result: */
	int code;	  /* 0 or negative errno */
	uint64_t took_ns; /* how long it waited for the disk */
};

/* Starts the thread, all signals blocked in it. `segments` is lent; NULL: nothing to FINISH. */
int settle_start(struct segments *segments, struct settle **ret, struct err *err);
/* Never waits. False: too much is waiting already, ask again later. */
bool settle_ask(struct settle *s, const struct settle_job *job);
bool settle_has_room(struct settle *s); /* the next settle_ask will do */
/* A job that is done; false: none is. Each job's result comes once, in order. */
bool settle_take(struct settle *s, struct settle_job *ret);
bool settle_idle(struct settle *s); /* nothing asked that is not done */
/* Waits until idle, or `end_ns`. */
bool settle_wait(struct settle *s, uint64_t end_ns);
/* A thread that still waits for its disk is left to itself. */
void settle_stop(struct settle *s);

#endif
