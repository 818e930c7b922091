/*
 * Unwinding: registers and stack words of one sample -> program counters.
 * Knows call frame information and frame pointers; knows no names (report/symbol/) and no
 * weights (report/profile/).
 *
 * Order of attempts for each frame: compiled call frame rows (table.h), the complete CFI and
 * expression interpreter (cfi.h) for rows that are not CFA = SP/FP + k, patterns (signal
 * trampolines, PLT, entry point), the frame pointer where the object has no CFI, then stop. The
 * stack is never scanned.
 */
#ifndef REPORT_UNWIND_H
#define REPORT_UNWIND_H

#include <stdbool.h>
#include <stdint.h>

#include "common/format/event.h"
#include "common/space/space.h"

struct elf_image;
struct jit;
struct unwinder;

enum { UNWIND_DEPTH_MAX = 1024 };

/* How a frame was found; kept with each frame. */
enum unwind_method {
	UNWIND_BY_SAMPLE, /* the interrupted pc itself */
	UNWIND_BY_CFI,
	UNWIND_BY_FRAME_POINTER,
	UNWIND_BY_PATTERN, /* signal trampoline, PLT or entry code known by its bytes */
	UNWIND_BY_KERNEL,  /* the kernel's callchain */
	UNWIND_BY_JOIN,	   /* inferred from the thread's neighbouring sample: the stack was cut */
	UNWIND_METHODS
};

/* Why a walk ended; kept with the sample, never logged. ROOT and KERNEL_ONLY are complete. */
enum unwind_stop {
	/* outermost frame of the process or thread: no return address, or entry code */
	UNWIND_ROOT,
	UNWIND_KERNEL_ONLY, /* no user registers: kernel thread, exec or exit in progress */
	UNWIND_NO_CFI, /* code without call frame information, and the frame pointer did not help */
	UNWIND_NO_TABLES, /* the object's tables are neither in the recording nor on this machine */
	UNWIND_UNMAPPED,  /* return address outside every executable mapping */
	UNWIND_UNKNOWN_SPACE, /* mappings of the process are not known (gap, lost records) */
	UNWIND_STACK_CUT,     /* needs stack beyond what was asked for */
	UNWIND_STACK_MISSING, /* needs stack that was not copied (page not present, other stack) */
	UNWIND_SCRUBBED,      /* needs a word or register that the scrub dropped */
	UNWIND_BAD_CFI,	      /* call frame information or expression is invalid */
	UNWIND_LOOP,	      /* the frame address did not grow */
	UNWIND_DEEP,	      /* UNWIND_DEPTH_MAX */
	UNWIND_COMPAT,	      /* 32-bit code */
	UNWIND_STACK_NONE,    /* stack not recorded or dropped */
	UNWIND_CHAIN, /* the kernel walked it by frame pointers; it may have missed callers */
	UNWIND_STACK_SPARED, /* needs stack that the recorder left out to spare CPU */
	UNWIND_STOPS
};

const char *unwind_stop_text(enum unwind_stop stop);
const char *unwind_method_text(enum unwind_method method);
static inline bool unwind_stop_complete(enum unwind_stop stop)
{
	return stop <= UNWIND_KERNEL_ONLY;
}

/*
 * A place in code, interned: dense ids from 0, the same (object, addr) always the same id.
 * object 0: addr is a run-time address outside every object (kernel: LOC_KERNEL; unmapped:
 * LOC_UNMAPPED). LOC_JIT: code made at run time that somebody described, addr is code << 32 |
 * offset in it (report/jit/jit.h). LOC_LABEL: no code, addr is whatever unwinder_label was given.
 */
enum {
	LOC_UNMAPPED = 0,
	LOC_KERNEL = UINT32_MAX,
	LOC_JIT = UINT32_MAX - 1,
	LOC_LABEL = UINT32_MAX - 2,
};
struct loc {
	uint32_t object; /* of the struct spaces given to unwinder_new; or LOC_ above */
	/* as linked (elf address) for files; run-time for anonymous, kernel, unmapped */
	uint64_t addr;
};

struct frame {
	uint32_t loc; /* lookup place: callers already minus 1 */
	enum unwind_method method : 8;
};

struct frames {
	const struct frame *frame; /* innermost first; kernel frames before user frames */
	uint32_t n;
	enum unwind_stop stop;
	/*
	 * Frames [n - n_shared, n) are the same as the last n_shared of this thread's previous
	 * call. A hint; 0 is always right.
	 */
	uint32_t n_shared;
};

/*
 * `image` finds the ELF parts of an object (called once per object, then cached): NULL when
 * there are none. They must live until unwinder_free.
 */
typedef const struct elf_image *unwind_image(void *ctx, uint32_t object);
struct unwinder *unwinder_new(enum machine machine, struct spaces *spaces, unwind_image *image,
			      void *ctx);
void unwinder_free(struct unwinder *u);
/* Sealed; NULL: none. It must live until unwinder_free. */
void unwinder_set_jit(struct unwinder *u, struct jit *jit);

/*
 * Walks one sample (event->type EVENT_SAMPLE, stack in sample.view) in the address space its
 * process has now. Cannot fail: what could not be walked shows in ret->stop. Owner:
 * ret->frame belongs to u and lives until the next call. Threads: one caller at a time per
 * unwinder; unwinders are independent. Source:  DWARF 5, 6.4; System V psABI x86-64, 3.7;
 * AArch64 DWARF (aadwarf64).
 */
void unwind_sample(struct unwinder *u, const struct event *event, struct frames *ret);

uint32_t unwinder_n_locs(const struct unwinder *u);
uint32_t unwinder_label(struct unwinder *u, uint32_t label);
struct loc unwinder_loc(const struct unwinder *u, uint32_t loc);
/* What is known of an object after unwinding, for the completeness table. */
enum unwind_object_state {
	UNWIND_OBJECT_UNUSED,
	UNWIND_OBJECT_OK,
	UNWIND_OBJECT_NO_IMAGE,
	UNWIND_OBJECT_NO_CFI,
	UNWIND_OBJECT_BAD
};
enum unwind_object_state unwinder_object_state(const struct unwinder *u, uint32_t object,
					       const char **ret_reason);

#endif
