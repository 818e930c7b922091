/*
 * What happened on the recorded host, as the kernel told it and as the file keeps it.
 * Passed between rooms in time order; the same struct comes out of the rings (record/kernel),
 * goes into the file (record/sink), and comes out of it again (report/read).
 */
#ifndef COMMON_FORMAT_EVENT_H
#define COMMON_FORMAT_EVENT_H

#include <stdbool.h>
#include <stdint.h>

enum {
	BUILD_ID_MAX = 20,	 /* bytes; longer ids (not seen) are cut */
	COMM_MAX = 16,		 /* task name with its zero */
	PATH_MAX_BYTES = 4096,	 /* path of a mapping with its zero */
	KCHAIN_MAX = 127,	 /* kernel frames of one sample */
	UCHAIN_MAX = 1024,	 /* user frames of one sample that the kernel walked */
	STACK_BYTES_MAX = 65528, /* kernel: u16, multiple of 8 */
	STACK_WORDS_MAX = STACK_BYTES_MAX / 8,
	SOURCE_MAX = 64, /* event sources of one recording */
};

/* Instruction sets whose registers and frames we know. Values are in the file. */
enum machine { MACHINE_NONE = 0, MACHINE_X86_64 = 1, MACHINE_AARCH64 = 2 };

/*
 * Registers by DWARF number, so that nobody after the recorder's decoder knows perf's order.
 * x86-64: 0..15 = rax rdx rcx rbx rsi rdi rbp rsp r8..r15, 16 = return address column = pc.
 * aarch64: 0..30 = x0..x30 (29 = fp, 30 = lr), 31 = sp, 32 = pc.
 */
enum {
	REGS_MAX = 33,
	X86_RBX = 3,
	X86_RBP = 6,
	X86_RSP = 7,
	X86_PC = 16,
	A64_FP = 29,
	A64_LR = 30,
	A64_SP = 31,
	A64_PC = 32,
};

static inline unsigned int machine_sp(enum machine m)
{
	return m == MACHINE_AARCH64 ? A64_SP : X86_RSP;
}

static inline unsigned int machine_pc(enum machine m)
{
	return m == MACHINE_AARCH64 ? A64_PC : X86_PC;
}

static inline unsigned int machine_fp(enum machine m)
{
	return m == MACHINE_AARCH64 ? A64_FP : X86_RBP;
}

struct regs {
	uint64_t mask; /* bit i: value[i] is known. Scrubbed registers are not; they read as 0 */
	uint64_t value[REGS_MAX];
};

struct build_id {
	uint8_t n; /* 0: not known */
	uint8_t bytes[BUILD_ID_MAX];
};

/* One 8-byte word of a user stack. addr is a multiple of 8. */
struct stack_word {
	uint64_t addr, value;
};

/*
 * User stack of a sample for random access. Word at `addr` (multiple of 8, lo <= addr, addr + 8
 * <= hi):
 *	slot[(addr >> 3) & mask]
 * Words that the scrub dropped read as 0. Lent until the next event of the reader.
 */
struct stack_view {
	/* lo = first whole word at or above sp; hi = end of what the kernel copied */
	uint64_t lo, hi;
	const uint64_t *slot;
	uint32_t mask;
	/*
	 * Everything at or above `floor` equals the previous sample of the same thread
	 * (UINT64_MAX: nothing is known to be equal).
	 */
	uint64_t floor;
};

enum event_type {
	EVENT_SAMPLE,
	EVENT_MMAP, /* an executable mapping appeared and replaced what it overlaps */
	/* a thread was renamed; with `exec`, its process runs a new program and has no mappings */
	EVENT_COMM,
	EVENT_FORK, /* a process or a thread began */
	EVENT_EXIT, /* a thread ended */
	/*
	 * this process's mappings are exactly the EVENT_MMAPs that follow (snapshot); drops the
	 * old
	 */
	EVENT_SPACE,
	EVENT_LOST,	/* rings overflowed between the last event and this one */
	EVENT_THROTTLE, /* the kernel paused (on) or resumed a source on a CPU */
	EVENT_SWITCH,	/* a thread left a CPU, was woken, or entered a CPU */
	EVENT_GOVERNED, /* from here on more or less is left out to spare CPU */
	/* reader only: chunks are missing here; nothing said before holds until a keyframe */
	EVENT_GAP,
	EVENT_TYPES
};

struct event_sample {
	uint8_t source; /* index of the event source, see file.h "sources" */
	bool user;	/* registers (and perhaps stack) of user space are there */
	/* interrupted in the kernel: kchain[0] is the pc, if kernel frames were allowed */
	bool in_kernel;
	bool stack_cut;	    /* the kernel copied as much as was asked for: more stack may exist */
	bool stack_spared;  /* reader only: cut by the recorder, to spare CPU */
	bool stack_dropped; /* the stack could not be judged (mappings unknown) and was dropped */
	bool compat;	    /* 32-bit user registers: not unwound */
	uint16_t n_kchain, n_uchain;
	uint64_t period; /* weight in units of the source (ns for sCPU) */
	/* pc where the sample hit: user pc, or kernel pc when in_kernel (0 if not allowed) */
	uint64_t ip;
	/*
	 * kernel frames, innermost first; [0] is the interrupted pc; callers are return
	 * addresses
	 */
	const uint64_t *kchain;
	/*
	 * user frames by frame pointer or branch records, as the kernel walked them (perf.data
	 * only): [0] is the user pc, callers are return addresses. Then there is mostly no stack.
	 */
	const uint64_t *uchain;
	struct regs regs;
	/* stack, in one of two forms: */
	uint64_t stack_bytes; /* copied by the kernel from sp (before scrubbing) */
	const uint8_t *stack; /* raw: bytes from the ring, before the scrub. NULL afterwards */
	/* kept words, addresses falling strictly; NULL before the scrub */
	const struct stack_word *words;
	uint32_t n_words;
	struct stack_view view; /* reader only */
};

struct event_mmap {
	uint64_t start, size, pgoff; /* bytes; run-time address, and offset in the file */
	struct build_id build_id;
	uint32_t maj, min; /* device; 0 when build_id is known from the kernel */
	uint64_t ino;
	const char *path; /* as the kernel names it: "/usr/lib/x.so", "[vdso]", "//anon" */
};

struct event_comm {
	bool exec;
	char comm[COMM_MAX];
};

struct event_fork {
	uint32_t ppid, ptid; /* who called; same pid: a new thread */
};

struct event_lost {
	uint8_t source; /* SOURCE_MAX: mapping and task events were lost, not samples */
	uint64_t n;	/* records lost since the last EVENT_LOST of this source, all CPUs */
};

struct event_throttle {
	bool on;
	uint8_t source;
};

/* Values are in the file: append only, at most 8. */
enum switch_kind {
	SWITCH_IN,	     /* on a CPU from here on */
	SWITCH_OUT_ASLEEP,   /* not: it waits for something */
	SWITCH_OUT_RUNNABLE, /* not: another one runs in its place */
	SWITCH_WOKEN,	     /* what it waited for is there: now it waits for a CPU; pid is 0 */
	SWITCH_BEGIN,	     /* of no thread: from here on switches are told */
	SWITCH_END,	     /* of no thread: up to here */
	SWITCH_KINDS
};

struct event_switch {
	enum switch_kind kind;
};

struct event_governed {
	uint32_t stack_bytes; /* of each stack are kept at most; 0: all */
	uint64_t off;	      /* sources that are not recorded: bit by source */
};

struct event_gap {
	uint64_t n_chunks;	 /* 0: not known */
	uint64_t from_ns, to_ns; /* last time before and first time after */
};

struct event {
	enum event_type type;
	uint64_t time_ns;  /* CLOCK_MONOTONIC of the recorded host */
	uint32_t pid, tid; /* as seen from the recorder's pid namespace */
	uint32_t cpu;
	union {
		struct event_sample sample;
		struct event_mmap mmap;
		struct event_comm comm;
		struct event_fork fork;
		struct event_lost lost;
		struct event_throttle throttle;
		struct event_switch switched;
		struct event_governed governed;
		struct event_gap gap;
	};
};

/*
 * Cumulative counters of a recording: they stand in every chunk, so that losing a chunk does not
 * lose its accounting. produced by the kernel = STORED + LOST_KERNEL + DROPPED_*.
 * Order is part of the format: append only.
 */
enum counter {
	COUNTER_SAMPLES_STORED,
	COUNTER_SAMPLES_LOST_KERNEL,	/* PERF_FORMAT_LOST: ring full */
	COUNTER_SAMPLES_DROPPED_DECODE, /* ring record made no sense */
	COUNTER_SAMPLES_DROPPED_WRITE,	/* output could not take them (disk full, error) */
	COUNTER_SAMPLES_DROPPED_FILTER, /* of the recorder itself, or outside what was asked for */
	COUNTER_TASKS_LOST_KERNEL,	/* mapping, fork, exec, exit records lost */
	COUNTER_STACKS_CUT,		/* stored with stack_cut */
	COUNTER_STACKS_DROPPED,		/* stored with stack_dropped */
	COUNTER_STACK_WORDS_SEEN,	/* before the scrub */
	COUNTER_STACK_WORDS_KEPT,
	COUNTER_THROTTLED,    /* EVENT_THROTTLE on */
	COUNTER_OUT_OF_ORDER, /* came after their round was closed; stored late */
	COUNTER_OBJECTS_EMBEDDED,
	COUNTER_OBJECTS_FAILED,
	COUNTER_PAUSED_NS,	 /* no samples were taken on demand */
	COUNTER_SAMPLES_THINNED, /* left out to spare CPU; their weight is in those stored */
	COUNTER_RECORDER_CPU_NS, /* used by the recorder, its inspectors too; since 1.4 */
	COUNTER_CPU_COUNTED_NS,	 /* what the kernel counted for the first CPU clock; since 1.4 */
	COUNTERS
};

const char *counter_name(enum counter c); /* "samples stored", ... common/format/record.c */

#endif
