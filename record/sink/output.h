/*
 * The file that is being written, and what becomes of it: synced from time to time, followed by
 * another one, finished. What the disk is slow about is waited for elsewhere (settle.h). Private to
 * the room.
 */
#ifndef RECORD_SINK_OUTPUT_H
#define RECORD_SINK_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "record/sink/segment.h"
#include "record/sink/sink.h"
#include "record/sink/writer.h"

struct settle;

/* For the last file. A disk that takes longer is not waited for: the file is there, unsynced. */
#define OUTPUT_CLOSE_WAIT_NS UINT64_C(30000000000)

struct output {
	const struct sink_options *options; /* limits, on_file */
	const char *path;		    /* lent */
	struct writer writer;
	struct segments segments;
	struct settle *settle; /* NULL: standard output that cannot be synced */
	uint32_t number;       /* of the segment that is written; 0: `path` itself */
	int next_fd;	       /* of one that is prepared; -1: none is */
	uint32_t next_number;
	uint64_t sync_ns;      /* when the last sync was asked for */
	uint64_t synced_bytes; /* of this file, on the disk for sure */
	bool syncing;	       /* one is on its way */
	int sync_code;	       /* of this file's sync that failed; 0: none did */
	uint64_t done_bytes;   /* of the files before */
	uint32_t n_done;       /* files before */
	uint64_t n_answers;    /* jobs that are done */
	uint64_t slowest_ns;   /* sync */
};

int output_open(struct output *o, const char *path, const struct sink_options *options,
		struct err *err);
/* Syncs that are due, answers that came. False: the file cannot be relied on, begin another. */
bool output_tick(struct output *o, uint64_t now_ns);
/*
 * Creates the file of the next segment. Negative: it goes on in the same file; -EAGAIN: the disk is
 * behind.
 */
int output_prepare(struct output *o);
/* It takes the writer's place; the one before is finished. */
void output_switch(struct output *o);
uint64_t output_bytes(const struct output *o); /* all files */
/* Finishes the last file and waits until it is on the disk. */
int output_close(struct output *o, struct err *err);
void output_free(struct output *o);

#endif
