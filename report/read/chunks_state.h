/* A recording of ddprof-record while it is read, in one file or several. Private to the room. */
#ifndef REPORT_READ_CHUNKS_STATE_H
#define REPORT_READ_CHUNKS_STATE_H

#include "report/read/ahead.h"
#include "report/read/objects.h"
#include "report/read/part.h"
#include "report/read/recording.h"

struct chunk_place {
	uint32_t part;
	uint64_t file_off;
};

struct chunk_places {
	struct chunk_place *item;
	size_t n, cap;
};

struct chunks {
	struct recording base;
	struct part *part;
	uint32_t n_parts;
	struct object_index objects;
	struct chunk_places kernel, jit; /* each distinct chunk once */
	struct chunk_reader *side;	 /* of part[side_part]: what is asked for in between */
	uint32_t side_part;

	/* second pass: chunks.c */
	uint32_t at; /* which part */
	bool begun;
	struct chunk_reader *reader;
	struct ahead *ahead; /* from the first event of a part on */
	bool ahead_tried;
	struct record_decoder *decoder;
	struct chunk chunk;
	bool in_chunk, in_keyframe;
	bool want_keyframe; /* state is not known: the next whole group is delivered */
	bool in_group;	    /* of keyframes, from its first on */
	bool gap;	    /* something was lost since the last event */
	bool held;	    /* `chunk` is read, but a gap is to be told first */
	uint64_t sequence;  /* expected next */
	uint64_t n_missing, last_ns;
	uint64_t repeat_end;	       /* events before this place were read in an earlier part */
	bool known;		       /* the earlier part's state goes on behind it */
	struct record_counters before; /* of the parts before this one */
	struct record_counters now;    /* of this one, as last seen */
	uint64_t n_samples, n_repeated, n_unreadable; /* the last: of the parts before */
	struct record_counters repeated;	      /* in this part */
	struct record record;
	struct event gap_event;
};

extern const struct recording_kind chunks_kind;

/* chunks.c */
enum recording_next chunks_next(struct recording *recording, const struct event **ret);
void chunks_rewind(struct recording *recording);
/* chunks_side.c */
const struct elf_image *chunks_image(struct recording *recording, const struct object_key *key,
				     unsigned int take, const char **ret_reason);
void chunks_forget_image(struct recording *recording, const struct elf_image *image);
const char *chunks_each_kernel_symbol(struct recording *recording, kernel_got *got, void *ctx);
void chunks_each_jit(struct recording *recording, jit_got *got, void *ctx);
struct chunk_reader *chunks_side(void *chunks, uint32_t part); /* NULL: not possible */

/* A chunk that cannot be used, told once. An object_index's `bad`. */
void chunks_bad(void *chunks, uint32_t part, const struct chunk *chunk, const char *reason);

#endif
