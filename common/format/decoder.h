/*
 * The state of a decoder between decode.c (records) and sample.c (samples, stacks). Memory does not
 * grow with the input:
 *
 *	thread of the chunk: list of kept words (truth, in the pool)
 *	      |
 *	      +-- image: the same words, flat, for random access. Few images exist; a thread that
 *	          comes back after losing its image gets it rebuilt from the list.
 *
 * Private to the room.
 */
#ifndef COMMON_FORMAT_DECODER_H
#define COMMON_FORMAT_DECODER_H

#include "common/format/chain.h"
#include "common/format/codec.h"
#include "common/format/record.h"
#include "common/format/switch.h"

enum {
	IMAGES = 8,
	/*
	 * twice STACK_WORDS_MAX: words of one stack never meet, nor do those of the next when sp
	 * moves by less
	 */
	IMAGE_SLOTS = 16384,
	IMAGE_MASK = IMAGE_SLOTS - 1,
};

struct decoder_thread {
	struct codec_thread codec;
	bool stack_before; /* its last sample had a stack */
	uint64_t lo;	   /* of that stack */
	uint32_t image;	   /* index + 1; 0: none */
};

struct image {
	uint64_t slot[IMAGE_SLOTS];
	uint32_t thread; /* index + 1; 0: free, all slots 0 */
	uint64_t used;	 /* clock of last use */
};

struct decoder_object {
	struct codec_object codec;
	struct build_id build_id;
	uint32_t maj, min;
	uint64_t ino;
	uint32_t path_off; /* in text */
};

struct record_decoder {
	enum machine machine;
	const uint8_t *begin;
	struct cursor c;
	struct codec_state state;
	struct dict_decoder dict;
	struct places places;
	const struct place_set *here; /* of the sample's process */
	struct word_pool pool;
	struct decoder_thread *threads;
	uint32_t n_threads;
	struct decoder_object *objects;
	uint32_t n_objects;
	char *text; /* paths of the chunk's objects, zero-terminated */
	size_t text_n;
	struct image *images;
	uint64_t clock;
	struct stack_word *old; /* [STACK_WORDS_MAX] */
	uint64_t kchain[KCHAIN_MAX];
	struct switches switches;
	struct chain chain;
	bool chain_waits; /* for its Sample */
	uint64_t uchain[UCHAIN_MAX];
};

/* The next sample from d->c; what makes no sense fails the cursor. */
void get_sample(struct record_decoder *d, struct event *event);
/* All images free, with their threads as they are; or whatever their threads have become. */
void images_drop(struct record_decoder *d);
void images_forget(struct record_decoder *d);

#endif
