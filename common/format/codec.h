/*
 * What both directions of the record codec agree on. ddprof.data(5), "Records". Private to the
 * room.
 */
#ifndef COMMON_FORMAT_CODEC_H
#define COMMON_FORMAT_CODEC_H

#include <stdint.h>

#include "common/format/event.h"
#include "common/format/stack.h"

/*
 * Values are in the file: append only. From RECORD_FIRST_SIZED on a length follows, so that older
 * readers can skip.
 */
enum record_type {
	RECORD_SAMPLE = 1,
	RECORD_MMAP = 2,
	RECORD_COMM = 3,
	RECORD_FORK = 4,
	RECORD_EXIT = 5,
	RECORD_SPACE = 6,
	RECORD_LOST = 7,
	RECORD_THROTTLE = 8,
	RECORD_SOURCE_DEF = 9,
	RECORD_COUNTER_VALUES = 10,
	RECORD_FIRST_SIZED = 16,
	RECORD_CHAIN = 16,	       /* since 1.1 */
	RECORD_SWITCH = 17,	       /* since 1.2 */
	RECORD_UNSAMPLED_PROGRAM = 18, /* since 1.3 */
	RECORD_GOVERNED = 19,	       /* since 1.4 */
};

enum sample_flags {
	SAMPLE_USER = 1,
	SAMPLE_IN_KERNEL = 2,
	SAMPLE_KCHAIN = 4,  /* kernel frames follow */
	SAMPLE_STACK = 8,   /* stack_bytes is not 0 */
	SAMPLE_PLACE = 16,  /* source and cpu follow: they differ from the sample before */
	SAMPLE_PERIOD = 32, /* period follows: it differs from the last of the source */
	SAMPLE_IP = 64,	    /* ip follows: it is neither kchain[0] nor the pc register */
	SAMPLE_RARE = 128,  /* a byte of enum sample_rare follows */
};

enum sample_rare {
	SAMPLE_STACK_CUT = 1,
	SAMPLE_STACK_DROPPED = 2,
	SAMPLE_COMPAT = 4,
	SAMPLE_RARE_ALL = 7,
};

enum mmap_flags {
	MMAP_PAGES = 1, /* start, size and pgoff are in units of 4096 */
	MMAP_SAME = 2,	/* size and pgoff are those of the object's last mapping in the chunk */
};

enum {
	CODEC_THREADS_MAX = 4096, /* threads with samples in one chunk */
	CODEC_OBJECTS_MAX = 4096, /* mapped files in one chunk */
	CODEC_CPUS = 256,	  /* cpu modulo this has last values of its own */
	CODEC_PAGE = 4096,
	/*
	 * Stack words of all samples of a chunk, kept ones too: what stays costs no bytes, but
	 * readers work for it. Real chunks have 1 to 20 million at most.
	 */
	CODEC_WORDS_MAX = 1 << 26,
	CODEC_COUNTERS_BYTES_MAX = 2 + COUNTERS * VARINT_BYTES_MAX,
};

/* State of a thread within a chunk. */
struct codec_thread {
	uint32_t pid, tid;
	uint64_t sp, hi, mask; /* of its last sample with user registers, stack */
	uint64_t cut_bytes;    /* stack_bytes of its last cut stack */
	struct word_list list;
	uint32_t n_kchain;
	uint64_t kchain[KCHAIN_MAX]; /* outermost first: callers are what stays equal */
};

/* A mapped file within a chunk. */
struct codec_object {
	uint64_t size, pgoff; /* of its last mapping, as written */
};

/* What ran last on a CPU: what comes next there is mostly about the same process. */
struct codec_cpu {
	uint64_t sample_ns; /* 0: none yet */
	uint32_t pid;
	uint64_t map_start; /* of the last mapping, in bytes */
};

/* Last values, the same in both directions. */
struct codec_state {
	uint64_t time_ns; /* of the last record */
	struct codec_cpu cpus[CODEC_CPUS];
	uint64_t period[SOURCE_MAX];
	uint32_t cpu, source; /* of the last sample */
	uint32_t child;	      /* tid of the last fork */
	uint32_t n_words;     /* of all samples so far */
};

static inline struct codec_cpu *codec_cpu(struct codec_state *s, uint32_t cpu)
{
	return &s->cpus[cpu % CODEC_CPUS];
}

/* What the time of a sample is written as difference to. */
static inline uint64_t codec_expected_ns(const struct codec_state *s, uint32_t cpu, uint64_t period)
{
	uint64_t last = s->cpus[cpu % CODEC_CPUS].sample_ns;

	return last ? last + period : s->time_ns;
}

#endif
