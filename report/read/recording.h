/*
 * What all kinds of recordings have in common, and what each does its own way. Private to the room.
 */
#ifndef REPORT_READ_RECORDING_H
#define REPORT_READ_RECORDING_H

#include "common/base/arena.h"
#include "report/read/damage.h"
#include "report/read/read.h"

enum { MANIFEST_MAX = 256 };

struct manifest_pair {
	const char *key, *value;
};

/* Calls of read.h that a kind answers by itself. The functions get what `open` made. */
struct recording_kind {
	void (*close)(struct recording *r);
	enum recording_next (*next)(struct recording *r, const struct event **ret);
	void (*rewind)(struct recording *r);
	const struct elf_image *(*image)(struct recording *r, const struct object_key *key,
					 unsigned int take, const char **ret_reason);
	void (*forget_image)(struct recording *r, const struct elf_image *image);
	const char *(*each_kernel_symbol)(struct recording *r, kernel_got *got, void *ctx);
	void (*use_local)(struct recording *r, bool use);		/* may be NULL */
	void (*each_jit)(struct recording *r, jit_got *got, void *ctx); /* NULL: has none */
};

enum { RATES_MAX = 1024, GOVERNED_MAX = 1024 };

/* First member of each kind's own struct. */
struct recording {
	const struct recording_kind *kind;
	int fd;
	enum machine machine;
	struct arena arena; /* manifest */
	struct manifest_pair manifest[MANIFEST_MAX];
	uint32_t n_manifest;
	struct record_source source[SOURCE_MAX];
	bool source_known[SOURCE_MAX];
	struct recording_rate rate[RATES_MAX];
	uint32_t n_rates;
	struct unsampled_table unsampled;
	struct recording_governed governed[GOVERNED_MAX];
	uint32_t n_governed;
	struct event_governed governed_now;
	struct damages damages;
	struct damages holes; /* between files */
	struct recording_state state;
};

/* Takes fd (-1: it has none of its own). state.file_bytes is set. */
void recording_init(struct recording *r, const struct recording_kind *kind, int fd);
void recording_done(struct recording *r);

/* Pairs are copied; those beyond MANIFEST_MAX are refused with false. */
bool recording_add_manifest(struct recording *r, const char *key, const char *value);
/* As the next one says it from this time on: noted when it differs from before. */
void recording_change_source(struct recording *r, uint32_t index,
			     const struct record_source *source, uint64_t time_ns);
void recording_set_source(struct recording *r, uint32_t index, const struct record_source *source);
/* Each event on its way out: what was left out is noted, samples that were cut are marked. */
void recording_govern(struct recording *r, struct event *event);

#endif
