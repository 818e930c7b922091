/* What sink.c, files.c and recent.c of this room turn together. Private to these. */
#ifndef RECORD_SINK_STATE_H
#define RECORD_SINK_STATE_H

#include "common/format/file.h"
#include "common/space/touch.h"
#include "record/sink/output.h"
#include "record/sink/sink.h"

struct larder; /* larder.h */
struct names;  /* names.h */
struct recent; /* recent.c */

enum { SINK_PIECE_BYTES = 2 << 20 }; /* between two looks at the rings */

/* What stands before the first event of a file, in this order. */
enum sink_head { HEAD_HEADER, HEAD_MANIFEST, HEAD_KEYFRAME, HEAD_KEPT, HEAD_DONE };

struct sink {
	struct sink_options options;
	struct record_source source[SOURCE_MAX]; /* what options.source points to */
	uint64_t lost[SOURCE_MAX]; /* told so far, by source */
	struct event_governed governed;
	uint64_t bad_told;
	struct output output;
	struct chunk_writer *chunks;
	struct record_encoder *encoder; /* of the open EVENTS chunk */
	struct spaces *spaces;
	struct touch touch;
	struct larder *larder; /* NULL: no further segment is planned */
	struct names *names;   /* as larder */
	struct recent *recent; /* the flight recorder; NULL: events go to the output at once */
	struct unsampled_table unsampled;
	uint64_t unsampled_changed;	 /* bit i: at[i] is to be said */
	struct record_counters counters; /* of this file */
	struct record_counters before;	 /* of the files before */
	struct record_counters total;	 /* sink_counters */
	struct stack_word *words[2];	 /* of this sample and of the one before */
	uint64_t open_samples;		 /* in the open chunk */
	uint64_t open_ns; /* time of the open chunk's first event; 0: nothing is in it */
	uint64_t last_ns; /* of the last event */
	uint64_t keyframe_at_ns, keyframe_at_bytes; /* of the last keyframe */
	uint64_t first_sample_ns, last_sample_ns;
	uint64_t file_ns;	  /* when this file was begun */
	uint64_t head_bytes;	  /* of this file, before its first event */
	uint64_t sweep_at_ns;	  /* of the last sweep */
	uint64_t retry_at_ns;	  /* of a refused output */
	uint64_t next_file_at_ns; /* of a file that could not be created */
	uint64_t n_closed;
	uint64_t recording_id; /* the same in all segments */
	uint8_t *manifest;     /* options.manifest, which is lent for sink_open alone */
	uint64_t keyframe_every_ns, keyframe_every_bytes;
	enum sink_head head;
	bool failing;
};

void sink_chunk_begin(struct sink *s);
void sink_chunk_close(struct sink *s); /* hands the open chunk out and begins a new one */
int sink_keyframe(struct sink *s, uint64_t now_ns);
void sink_set_failing(struct sink *s);

/* unsampled.c: what changed, into the open chunk */
void sink_put_unsampled(struct sink *s, uint64_t now_ns);

/* files.c */
int sink_write_head(struct sink *s, uint64_t now_ns); /* what is still missing of it */
int sink_write_end(struct sink *s);
int sink_write_manifest(struct sink *s, struct chunk_writer *to, uint32_t number);
/* Of what was embedded in an earlier file and is wanted in this one. */
void sink_put_kept(struct sink *s, uint64_t max_bytes);
void sink_met_object(void *ctx, const struct space *space, const struct mapping *mapping);
void sink_sweep(struct sink *s, uint64_t now_ns); /* when it is time: forgets what is dead */

/* recent.c */
bool recent_wanted(const struct sink_limits *limits);
int recent_open(struct sink *s, struct err *err);
int recent_put(void *recent, const void *bytes, size_t n); /* a chunk_sink */
void recent_keyframe(struct sink *s, uint64_t now_ns);	   /* before one */
void recent_tick(struct sink *s);
bool recent_writes(const struct sink *s);	/* a snapshot, just now */
uint64_t recent_since_ns(const struct sink *s); /* what is older is in no snapshot any more */
/* The last snapshot, into the output itself. */
int recent_close(struct sink *s, struct sink_total *ret, struct err *err);
void recent_free(struct recent *r);

#endif
