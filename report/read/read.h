/*
 * A recording -> events in time order. Reads any bytes: what is damaged is skipped, named by time
 * range and counted; embedded objects are found first (their chunks may follow the samples that
 * need them).
 */
#ifndef REPORT_READ_H
#define REPORT_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "common/elf/image.h"
#include "common/format/event.h"
#include "common/format/jit.h"
#include "common/format/object.h"
#include "common/format/record.h"

struct err;
struct recording;

/*
 * Path, or "-" for standard input (spooled to an unlinked temporary file). First pass: chunk
 * headers only, plus manifest, object headers and kernel chunks' places. Errors as
 * chunk_reader_open, path in front.
 */
int recording_open(const char *path, struct recording **ret, struct err *err);
void recording_close(struct recording *r);

/*
 * Whether files of this machine may stand in for what the recording lacks. perf.data embeds
 * nothing: they tell build-ids that it does not know, the vDSO and the kernel's names, each only
 * when it is known to be the recorded one. Not at first; before the first recording_next.
 */
void recording_use_local(struct recording *r, bool use);

enum recording_next { RECORDING_END = 0, RECORDING_EVENT = 1 };
/*
 * Next event in time order; lent until the next call. Damage arrives as EVENT_GAP, followed by
 * the state of the next keyframe (EVENT_SPACE, EVENT_MMAP, EVENT_COMM, EVENT_FORK with its time).
 */
enum recording_next recording_next(struct recording *r, const struct event **ret);
void recording_rewind(struct recording *r);

enum machine recording_machine(const struct recording *r);
const char *recording_manifest(const struct recording *r, const char *key); /* NULL: not there */
void recording_each_manifest(const struct recording *r,
			     void (*f)(void *ctx, const char *key, const char *value), void *ctx);
const struct record_source *recording_source(const struct recording *r,
					     uint8_t source); /* NULL: unknown */

/* A source went on at another rate: the recorder spared the CPU, or no longer. */
struct recording_rate {
	uint64_t time_ns;
	uint8_t source;
	uint64_t from_hz, to_hz;	 /* 0: fixed period */
	uint64_t from_period, to_period; /* units a sample stands for */
};
/* In time order; whole after RECORDING_END. */
const struct recording_rate *recording_rates(const struct recording *r, uint32_t *ret_n);

/* Programs that the kernel gave no samples of; whole after RECORDING_END. */
const struct unsampled_table *recording_unsampled(const struct recording *r);

/* What the recorder left out from here on, to spare the CPU. */
struct recording_governed {
	uint64_t time_ns;
	struct event_governed now;
};
/* In time order; whole after RECORDING_END. */
const struct recording_governed *recording_governed(const struct recording *r, uint32_t *ret_n);
/* How long a source was switched off; whole after RECORDING_END. */
uint64_t recording_off_ns(const struct recording *r, uint8_t source);

/* Whole after RECORDING_END. */
struct recording_state {
	struct record_counters counters; /* the last seen */
	bool ended;			 /* end records are there; otherwise "ended abnormally" */
	uint32_t n_files;		 /* that it is in */
	uint32_t n_ended;		 /* of those, with an end record */
	uint64_t samples_repeated;	 /* that stand in two files, and came once */
	uint64_t file_bytes, n_chunks, n_events_read;
	/* regions that are no chunks, and chunks that did not check */
	uint64_t n_damaged, damaged_bytes;
	uint64_t first_ns, last_ns;
	/* known from counters and sequence numbers to be in lost chunks */
	uint64_t samples_unreadable;
	bool header_ok;
};
const struct recording_state *recording_state(const struct recording *r);
/* Calls with each damage: where, when (0: unknown), why. */
void recording_each_damage(const struct recording *r,
			   void (*f)(void *ctx, uint64_t off, uint64_t bytes, uint64_t from_ns,
				     uint64_t to_ns, const char *reason),
			   void *ctx);

/* The same of times between its files that no file knows of: segments that are not given. */
void recording_each_hole(const struct recording *r,
			 void (*f)(void *ctx, uint64_t from_ns, uint64_t to_ns, const char *reason),
			 void *ctx);

/*
 * The embedded image of an object (matched by build-id, else by path+device+inode), read on
 * demand. NULL: not embedded; *ret_reason (may be NULL) then says why if the recorder said. Owned
 * by the recording, until recording_close or recording_forget_image. `take` limits what is loaded
 * (enum elf_take); asking again with more loads more.
 */
const struct elf_image *recording_image(struct recording *r, const struct object_key *key,
					unsigned int take, const char **ret_reason);
void recording_forget_image(struct recording *r, const struct elf_image *image);

/* Returns why there are none, as far as this is known; else NULL. Lives as long as r. */
const char *recording_each_kernel_symbol(struct recording *r, kernel_got *got, void *ctx);
/* In file order; damage is told like that of every chunk. */
void recording_each_jit(struct recording *r, jit_got *got, void *ctx);

#endif
