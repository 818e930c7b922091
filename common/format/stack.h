/*
 * The kept words of a thread's stack, written as what changed since the thread's previous sample
 * in the chunk. Both directions hold the same lists of words, falling addresses, outermost frame
 * first: a change of the innermost frames changes the end of the list only.
 * ddprof.data(5), "Stack". Private to the room.
 */
#ifndef COMMON_FORMAT_STACK_H
#define COMMON_FORMAT_STACK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/format/dict.h"
#include "common/format/event.h"

enum {
	STACK_LIST_MIN = 64, /* smallest list, in words */
	STACK_LISTS_WORDS =
		1 << 19, /* of all lists of a chunk, each at its longest, as a power of two */
	STACK_WORD_BYTES_MAX = 1 + VARINT_BYTES_MAX + DICT_PUT_BYTES_MAX,
	STACK_BYTES_FIXED = 4 * VARINT_BYTES_MAX,
};

struct word_list {
	struct stack_word *word;
	uint32_t n, cap;
};

/*
 * Memory of the lists: their sizes are powers of two, so the longest lists of a chunk always fit.
 */
struct word_pool {
	struct stack_word *base; /* [2 * STACK_LISTS_WORDS], touched as used */
	uint32_t n, n_live;	 /* handed out; capacity of the lists alive */
	void *free[17];
};

bool word_pool_init(struct word_pool *p);
void word_pool_done(struct word_pool *p);
void word_pool_reset(struct word_pool *p);
/* Makes room for n words, keeps those there. False: the chunk holds as many as it may. */
bool word_list_reserve(struct word_pool *p, struct word_list *list, uint32_t n);

/*
 * Writes how `list` becomes `words`, then makes it so. `list` has room for n_words.
 * At most STACK_BYTES_FIXED + n_words * (STACK_WORD_BYTES_MAX + 1) bytes.
 */
uint8_t *stack_put(struct dict_encoder *dict, const struct place_set *here, struct word_list *list,
		   uint64_t hi, const struct stack_word *words, uint32_t n_words, uint8_t *at);

/* The flat image of a list: the word at addr is slot[addr >> 3 & mask], all others are 0. */
struct stack_image {
	uint64_t *slot;
	uint32_t mask;
};

/* How a list changed. */
struct stack_change {
	uint32_t n_same;	      /* words at the start of the list that were there before */
	const struct stack_word *old; /* the words after them as they were */
	uint32_t n_old;
};

/*
 * The same way back. Words lie in [lo, hi), whole ones. `old` has room for STACK_WORDS_MAX words.
 * `image` follows the list unless it is NULL; old and new words must fit into it without meeting.
 * False: the bytes make no sense, or too many words; list and image are then worth nothing.
 */
bool stack_get(struct dict_decoder *dict, const struct place_set *here, struct word_pool *pool,
	       struct word_list *list, uint64_t lo, uint64_t hi, struct stack_word *old,
	       struct cursor *c, const struct stack_image *image, struct stack_change *ret);

#endif
