/*
 * Embedded chunks (files, code made at run time) kept as they came, compressed, so that each
 * further segment can stand alone although the files may be gone by then. Fixed memory, touched as
 * it is used; full, those met longest ago go. Private to the room.
 */
#ifndef RECORD_SINK_LARDER_H
#define RECORD_SINK_LARDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/format/file.h"

struct err;
struct larder;

enum {
	LARDER_BYTES = 64 << 20,
	LARDER_OBJECT_BYTES = LARDER_BYTES / 2, /* of one object */
	LARDER_CHUNKS_MAX = 1 << 15,
};

/* In place of an object's tag: code that a process made at run time. */
static inline uint64_t larder_jit_tag(uint32_t pid)
{
	return UINT64_C(1) << 32 | pid; /* tags of objects are hashes: hardly one is so small */
}

struct larder *larder_new(struct err *err);
void larder_free(struct larder *l);

/* An object was met: it stays longer than those met before. False: nothing of it was asked for. */
bool larder_meet(struct larder *l, uint64_t tag, uint64_t now_ns);
/* Expects its chunks from now on. */
void larder_expect(struct larder *l, uint64_t tag, uint64_t now_ns);
/* It has more than LARDER_OBJECT_BYTES: nothing of it is kept. */
bool larder_lacks_room_for(struct larder *l, uint64_t tag);
/* Whether any process's code is kept: else there is no need to tell of their lives. */
bool larder_has_jit(const struct larder *l);
/* A sweep takes what it made with what was last met then; another process may have its pid. */
void larder_end_process(struct larder *l, uint32_t pid, uint64_t now_ns);
void larder_begin_process(struct larder *l, uint32_t pid);
/* A chunk of a tag; one of an object that was not expected is not kept. */
void larder_put(struct larder *l, enum chunk_type type, uint64_t tag, const void *stored,
		size_t stored_bytes, size_t raw_bytes, uint32_t n_records, uint64_t now_ns);

/*
 * A sweep: larder_begin_sweep, larder_use of what samples may still meet, and larder_forget: the
 * others that were last met before `since_ns` go.
 */
void larder_begin_sweep(struct larder *l);
void larder_use(struct larder *l, uint64_t tag);
void larder_forget(struct larder *l, uint64_t since_ns);

struct larder_chunk {
	enum chunk_type type;
	uint64_t tag;
	const void *stored;
	size_t stored_bytes, raw_bytes;
	uint32_t n_records;
};
/*
 * Chunks are wanted, and then given one by one, in the order in which they came: they may be many
 * MiB, and rings are to be looked at in between. A chunk that has to go is not given any more.
 */
bool larder_want(struct larder *l, uint64_t tag); /* false: there are none */
void larder_want_jit(struct larder *l);		  /* of all processes */
/* All of what was met at or after `since_ns`, and all code made at run time. */
void larder_want_since(struct larder *l, uint64_t since_ns, uint32_t *ret_n_objects);
void larder_want_none(struct larder *l);
uint32_t larder_n_due(const struct larder *l); /* wanted and not given yet */
typedef int larder_got(void *ctx, const struct larder_chunk *chunk);
/* 1: one was given. 0: none is due. Negative, of `got`: it stays due. */
int larder_next(struct larder *l, larder_got *got, void *ctx);

size_t larder_bytes(const struct larder *l);
/* Chunks of code made at run time that had to go: names that later segments lack. */
uint64_t larder_n_gone(const struct larder *l);

#endif
