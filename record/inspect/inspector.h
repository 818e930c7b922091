/*
 * The recorder's side while it runs: inspect.c starts, ends and turns it, ask.c sends what is
 * queued, take.c takes what comes. Private to these three.
 */
#ifndef RECORD_INSPECT_INSPECTOR_H
#define RECORD_INSPECT_INSPECTOR_H

#include "record/inspect/inspect.h"
#include "record/inspect/message.h"
#include "record/inspect/own.h"
#include "record/inspect/queue.h"
#include "record/inspect/spare.h"
#include "record/inspect/unsampled.h"
#include "record/inspect/watch.h"

enum {
	N_PIDS_QUEUED = 1 << 10,
	N_PCS_QUEUED = 1 << 14,
	N_STARTS_MAX = 64,
	RX_BYTES = sizeof(struct message) + MESSAGE_BYTES_MAX,
};

struct inspector {
	enum inspect_embed embed;
	struct inspect_sink sink;
	pid_t pid; /* 0: not told yet; negative: could not be made */
	int fd;	   /* -1: none runs */
	int n_starts;
	struct spare spare;
	struct own own;
	uint64_t spent_ns; /* CPU time of those before */
	pid_t dead[N_STARTS_MAX];
	int n_dead; /* killed and not yet reaped */

	struct object_queue objects;
	uint32_t pids[N_PIDS_QUEUED];
	uint32_t n_pids;
	uint64_t pcs[N_PCS_QUEUED];
	uint32_t n_pcs;
	uint64_t kernel_ns; /* of the last request for them */
	bool finishing, resting;
	struct watches watches;
	struct unsampled_watch unsampled;

	/* the request that is out */
	uint32_t asked;			    /* enum message_type; 0: none */
	uint32_t asked_pid;		    /* of SNAPSHOT; 0: all */
	struct object_request asked_object; /* its path is in asked_path */
	char asked_path[PATH_MAX_BYTES];
	uint64_t asked_ns; /* or of the last thing heard since */
	uint64_t busy_ns;  /* CPU time of the child when it was last found late */
	int n_late;	   /* times that it was late and at work */
	bool write_off;	   /* asked_object's request was late: its failure is to be told */

	/* what has come and is not yet taken */
	uint8_t *rx;
	size_t n_rx;
	bool stalled; /* the sink refuses chunks */
};

/* Asks what is due, if anything is. False: the child is dead. */
bool inspector_ask_next(struct inspector *in, uint64_t now_ns);
/*
 * Reads and takes until nothing more comes, or enough came: what is left stays in the socket.
 * Negative: the child is gone or mad.
 */
int inspector_receive(struct inspector *in, uint64_t now_ns, uint64_t until_ns);
/* Those that were asked for are answered, if only by "not known". */
void inspector_tell_unsampled(struct inspector *in);

#endif
