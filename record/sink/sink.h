/*
 * Events in time order -> the file: follows address spaces, scrubs, encodes, cuts chunks, writes
 * keyframes. Door of the room. After sink_open nothing is allocated and no file is opened.
 */
#ifndef RECORD_SINK_H
#define RECORD_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/format/event.h"
#include "common/format/file.h"
#include "common/format/record.h"
#include "common/space/space.h"

struct err;
struct sink;

enum sink_stacks { SINK_STACKS_SCRUBBED, SINK_STACKS_RAW, SINK_STACKS_NONE };

/* All 0: one file, never synced before its end. Rotation and `last` exclude each other. */
struct sink_limits {
	uint64_t sync_ns;		  /* what is written is on the disk after so long */
	uint64_t rotate_bytes, rotate_ns; /* a new file after so much, or so long */
	uint32_t rotate_keep;		  /* finished files; 0: all */
	uint64_t last_bytes, last_ns;	  /* keep so much in memory, write it when asked */
};

/* A file that is finished, or what went wrong with it. */
struct sink_file {
	const char *name; /* without directory */
	uint32_t number;  /* of the segment; 0: the output itself */
	uint64_t bytes;
	uint64_t unsure_bytes; /* `code`: written since the last sync that worked */
	int code;	       /* 0: it is on the disk; negative errno: it may not be */
	bool again;	       /* `code`, of a snapshot: it is tried again */
	/* of a snapshot: what of the past is in it */
	uint64_t n_samples, kept_ns;
};

struct sink_options {
	enum machine machine;
	enum sink_stacks stacks;
	const struct record_source *source; /* lent until sink_open returns */
	uint8_t n_sources;
	struct build_id vdso; /* the kernel does not tell it; all processes of a boot share it */
	const void *manifest; /* manifest_put's pairs; lent until sink_open returns */
	size_t manifest_bytes;
	uint32_t manifest_pairs;
	/* Samples of these processes are not for the file; NULL: all are. */
	bool (*is_filtered)(void *ctx, uint32_t pid);

	/* What the file still wants: told once for each. */
	void (*on_object)(void *ctx, const struct space *space, const struct mapping *mapping);
	void (*on_kernel)(void *ctx, uint64_t pc);
	void (*on_file)(void *ctx, const struct sink_file *file); /* NULL: nobody wants to know */
	void *ctx;

	struct sink_limits limits;
};

/* Creates the output and writes its head. `path` as in writer.h. */
int sink_open(const char *path, const struct sink_options *options, struct sink **ret,
	      struct err *err);

/* May change the event (scrub). */
void sink_event(struct sink *s, struct event *event);

/*
 * Cumulative totals from the kernel, samples_lost[] by source; samples that were lost are also told
 * as EVENT_LOST.
 */
void sink_losses(struct sink *s, uint64_t now_ns, const uint64_t *samples_lost,
		 uint64_t bad_samples);

/* What a source's samples stand for from now on; said to the file by sink_sources_changed. */
void sink_set_source(struct sink *s, uint8_t source, const struct record_source *now);
void sink_sources_changed(struct sink *s, uint64_t now_ns);

/* One process more that the kernel gives no samples of: said to the file by the next sink_tick. */
void sink_unsampled(struct sink *s, enum unsampled_reason reason, const char *name);
void sink_hidden(struct sink *s, uint32_t pid); /* one that may not be looked into */
const struct unsampled_table *sink_unsampled_so_far(const struct sink *s);

/* A chunk from the inspector, as in its sink. Negative: not taken, offer it again later. */
int sink_chunk(struct sink *s, enum chunk_type type, uint64_t tag, const void *stored,
	       size_t stored_bytes, size_t raw_bytes, uint32_t n_records);
void sink_count(struct sink *s, enum counter counter, uint64_t more);

/* At least every 100 ms: closes chunks of age, writes keyframes, tries a failed output again. */
void sink_tick(struct sink *s, uint64_t now_ns);

/*
 * Whether the next segment is due. Who asks for it first lets the inspector answer what was asked,
 * so that the file has what its samples met.
 */
bool sink_file_due(const struct sink *s, uint64_t now_ns);
/*
 * Ends this file and begins the next. Negative: not possible now, it goes on in this one; -EAGAIN:
 * it has not all yet that it needs.
 */
int sink_next_file(struct sink *s, uint64_t now_ns);

/*
 * What is kept in memory goes into the next segment's file, piece by piece in sink_tick; on_file
 * tells when it is there, or that it failed: then it is written again, from the beginning, under
 * the next name, for as long as what was to be written is kept. -EBUSY: the one before is not there
 * yet. -EINVAL: nothing is kept in memory.
 */
int sink_snapshot(struct sink *s, uint64_t now_ns);
bool sink_snapshot_runs(const struct sink *s); /* the next one would be -EBUSY */
bool sink_has_pieces(const struct sink *s);    /* sink_tick wants to be called without a pause */

const struct record_counters *sink_counters(struct sink *s); /* of all files together */
uint64_t sink_bytes(const struct sink *s);		     /* of all files together */
const struct spaces *sink_spaces(const struct sink *s);
bool sink_knows(const struct sink *s, uint32_t pid); /* all its mappings */
uint64_t sink_last_ns(const struct sink *s);	     /* time of the last event */
bool sink_failing(const struct sink *s);	     /* the last write was refused */

struct sink_total {
	uint64_t bytes;
	uint32_t n_files;
	uint64_t first_ns, last_ns; /* of stored samples */
	int write_code;		    /* of the last failed write; 0: none failed */
};
/* Writes what is open and the end. Negative: the end could not be written. */
int sink_close(struct sink *s, struct sink_total *ret, struct err *err);
void sink_free(struct sink *s); /* after sink_close, or instead of it */

#endif
