/*
 * One file of a recording, as its chunk headers tell it: what it says of itself, where things lie
 * in it, what is damaged. Private to the room.
 */
#ifndef REPORT_READ_PART_H
#define REPORT_READ_PART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/map.h"
#include "common/format/file.h"
#include "common/format/record.h"
#include "report/read/damage.h"

struct err;

/*
 * A chunk and its print: the same in every file that has a copy of it (snapshots of one flight
 * recorder overlap, segments repeat what they need), whatever its sequence number is there.
 */
struct part_chunk {
	uint64_t file_off, print;
};

struct part_chunks {
	struct part_chunk *item;
	size_t n, cap;
};

struct part_source {
	uint8_t index;
	struct record_source about;
};

struct part {
	char *path;
	int fd;
	uint64_t file_id, file_bytes, begin_off, n_chunks;
	bool header_ok;
	struct buf manifest; /* key, zero, value, zero, and so on */
	uint32_t n_pairs;
	enum machine machine;
	struct part_source *source;
	uint32_t n_sources;
	size_t source_cap;
	struct part_chunks events, kernel, jit;
	struct part_chunks objects; /* print: the object's tag; 0: not said */
	struct damages damages;	    /* found in this pass */
	struct map bad;		    /* place + 1 of chunks that did not check */

	uint64_t first_ns, last_ns; /* of events; 0: there are none */
	uint64_t state_ns;	    /* of the last event before the state it begins with; 0 */
	uint64_t end_ns;	    /* of the last event, as the end says; 0: there is no end */
	uint64_t latest_ns;	    /* of all these */

	/* how it goes on behind the part before: chunks_open.c */
	uint64_t repeat_end; /* events before this place stand in parts before as well; 0: none */
	bool follows;	     /* nothing is missing between them */
};

/* What reading one part after the other needs; all 0 at first. */
struct part_tools {
	struct chunk_reader *reader;
	struct record_decoder *decoder;
	struct record *record;
};
void part_tools_done(struct part_tools *t);

/* Takes fd when it succeeds. Errors as chunk_reader_open. */
int part_open(struct part_tools *tools, const char *path, int fd, struct part *ret,
	      struct err *err);
void part_done(struct part *p);

/* Lent; NULL: it does not say. */
const char *part_manifest(const struct part *p, const char *key);
uint32_t part_number(const struct part *p); /* of the segment; 0: it has none */

/* False: this chunk was told before. */
bool part_is_bad(struct part *p, const struct chunk *chunk);

#endif
