/*
 * What a symbolizer says about addresses of one ELF file, as bytes: a sorted list of addresses,
 * each with a chain of source frames, innermost first. The same bytes come out of the jail and lie
 * in the cache, so they are checked whole when opened, and never trusted before.
 *
 *	header  | addr[n] rising | first[n] -> frame or NONE | frame[] | strings
 *	frame   { name, file (offsets into strings), line, column, caller -> frame or NONE, flags }
 *
 * Frames are shared: an address's innermost frame is its own (function, file, line, column), its
 * callers are the same for a whole inlined body.
 */
#ifndef REPORT_ANSWER_H
#define REPORT_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"

struct err;

enum {
	ANSWER_NONE = UINT32_MAX,
	ANSWER_DEPTH_MAX = 256, /* frames of one address */
	ANSWER_TEXT_MAX = 64 << 10,
};

enum answer_flags {
	/* this frame's body was inlined into the next one (its caller) */
	ANSWER_INLINED = 1,
	/* name from DWARF; otherwise from a symbol table */
	ANSWER_DWARF = 2,
	/* from here up, of an address's innermost frame, when it was asked for: the discriminator
	 * of its line row (dwarf_input.discriminators); 0: none */
	ANSWER_DISCRIMINATOR_SHIFT = 8,
};

struct answer_frame {
	uint32_t name;	 /* text; linkage name (mangled) where there is one; 0: "" = not known */
	uint32_t file;	 /* text; full path: comp_dir, directory and name joined; 0: not known */
	uint32_t line;	 /* 0: not known */
	uint32_t column; /* 0: not known */
	uint32_t caller; /* frame index above this one's, or ANSWER_NONE. Its line is the call's */
	uint32_t flags;
	uint64_t start; /* lowest address of the function (the concrete one) ; UINT64_MAX unknown */
};

/* A checked view; `bytes` are lent. */
struct answers {
	uint32_t n, n_frames;
	uint32_t text_bytes;
	const uint64_t *addr;
	const uint32_t *first;
	const struct answer_frame *frame;
	const char *text;
};

/* bytes: 8-aligned. -EBADMSG with what is wrong where; -ENOTSUP another version. */
int answers_open(const void *bytes, size_t n, struct answers *ret, struct err *err);

/* Index of addr's entry; false: nothing was asked about it. */
bool answers_find(const struct answers *a, uint64_t addr, uint32_t *ret);

/* n lookups in one pass: `addr` rising; ret_first[i] = frame, or ANSWER_NONE; `ret_known` may be
 * NULL: whether the address has an entry at all. */
void answers_join(const struct answers *a, const uint64_t *addr, uint32_t n, uint32_t *ret_first,
		  bool *ret_known);

static inline const char *answers_text(const struct answers *a, uint32_t text)
{
	return a->text + text;
}

/* ---- building ---- */

struct answers_builder;

struct answers_builder *answers_builder_new(void);
void answers_builder_free(struct answers_builder *b);

/* n further addresses will be put: room for them, and for about as many frames. */
void answers_reserve(struct answers_builder *b, uint32_t n);

/* Text -> offset; equal texts share one. Longer than ANSWER_TEXT_MAX: cut. */
uint32_t answers_text_put(struct answers_builder *b, const char *text, size_t n);

/* Frame -> index; equal frames share one. frame->caller is an index returned before. */
uint32_t answers_frame_put(struct answers_builder *b, const struct answer_frame *frame);

/* Addresses in any order; a second answer for one address replaces the first. */
void answers_put(struct answers_builder *b, uint64_t addr, uint32_t first);

/* All of `from` whose address is not yet in b (older results beside newer ones). */
void answers_add_all(struct answers_builder *b, const struct answers *from);

void answers_finish(struct answers_builder *b, struct buf *ret);

#endif
