/*
 * A made-up program whose functions show one trap of unwinding each, its stack, and walks over it.
 * A test begins with begin() or plain_stack() and ends with end().
 */
#ifndef TESTS_UNIT_WALKS_H
#define TESTS_UNIT_WALKS_H

#include <stdint.h>

#include "common/base/arena.h"
#include "report/unwind/unwind.h"
#include "tests/unit/check.h"
#include "tests/unit/frames.h"

enum {
	PID = 42,
	STACK_WORDS = 1024,
	/* functions of the program, as linked */
	START = 0x1000,	 /* return address undefined */
	MAIN = 0x2000,	 /* rbp saved at CFA - 16, from byte 4 on CFA = rbp + 16 */
	LEAF = 0x3000,	 /* CFA = rsp + 8 */
	SUB = 0x4000,	 /* CFA = rsp + 40 */
	SIGNAL = 0x5000, /* as glibc's __restore_rt; its FDE begins one byte early */
	DRAP = 0x6000,	 /* realigned stack */
	PLT = 0x7000,
	RBX = 0x8000,	    /* CFA = rbx + 16 */
	SAVES_RBX = 0x9000, /* CFA = rsp + 16, rbx at CFA - 16 */
	VFORK = 0xa000,	    /* return address in rdi */
	NO_CFI = 0xb000,
	BAD = 0xc000,
	EPILOGUE = 0xd000,  /* rbp was popped, the rule still names its slot */
	LAST_CALL = 0xe000, /* 16 bytes, the last of them a call; CFA = rsp + 24 */
	NEXT = 0xe010,	    /* CFA = rsp + 8 */
	SELF = 0xf000,	    /* CFA = rsp: does not grow */
};

static const uint64_t BASE = 0x555500000000, SP = 0x7fff00001000;

static struct world {
	struct buf frames;
	struct elf_image image;
	struct spaces *spaces;
	struct unwinder *unwinder;
	uint64_t slot[STACK_WORDS];
	struct event event;
	struct frames got;
	uint8_t code[512];
} w;

static inline const struct elf_image *image_of(void *ctx, uint32_t object)
{
	(void)ctx;
	(void)object;
	return &w.image;
}

static inline void apply(enum event_type type, uint64_t start, uint64_t size, const char *path)
{
	struct event e = { .type = type, .pid = PID, .tid = PID };

	if (type == EVENT_MMAP) {
		e.mmap.start = start;
		e.mmap.size = size;
		e.mmap.path = path;
		e.mmap.ino = 1;
	}
	spaces_apply(w.spaces, &e);
}

static inline void add_functions(struct buf *b)
{
	size_t plain = frames_cie(b, "zR", 16, PROGRAM(X86_INITIAL));
	size_t signal = frames_cie(b, "zRS", 16, PROGRAM(X86_INITIAL));

	frames_fde(b, plain, START, 0x100, PROGRAM(DW_CFA_undefined, 16));
	frames_fde(b, plain, MAIN, 0x100,
		   PROGRAM(DW_CFA_advance_loc | 1, DW_CFA_def_cfa_offset, 16, DW_CFA_offset | 6, 2,
			   DW_CFA_advance_loc | 3, DW_CFA_def_cfa_register, 6));
	frames_fde(b, plain, LEAF, 0x100, PROGRAM(DW_CFA_nop));
	frames_fde(b, plain, SUB, 0x100, PROGRAM(DW_CFA_def_cfa_offset, 40));
	frames_fde(b, signal, SIGNAL - 1, 10,
		   PROGRAM(DW_CFA_def_cfa_expression, 4, DW_OP_breg7, 0xa0, 0x01, DW_OP_deref,
			   DW_CFA_expression, 6, 3, DW_OP_breg7, 0xf8, 0x00, DW_CFA_expression, 7,
			   3, DW_OP_breg7, 0xa0, 0x01, DW_CFA_expression, 16, 3, DW_OP_breg7, 0xa8,
			   0x01));
	frames_fde(b, plain, DRAP, 0x100,
		   PROGRAM(DW_CFA_def_cfa_expression, 3, DW_OP_breg6, 0x78, DW_OP_deref,
			   DW_CFA_expression, 6, 2, DW_OP_breg6, 0));
	frames_fde(b, plain, PLT, 0x100,
		   PROGRAM(DW_CFA_def_cfa_expression, 11, DW_OP_breg7, 8, DW_OP_breg16, 0,
			   DW_OP_lit15, DW_OP_and, DW_OP_lit10, DW_OP_ge, DW_OP_lit3, DW_OP_shl,
			   DW_OP_plus));
	frames_fde(b, plain, RBX, 0x100, PROGRAM(DW_CFA_def_cfa, 3, 16));
	frames_fde(b, plain, SAVES_RBX, 0x100,
		   PROGRAM(DW_CFA_def_cfa_offset, 16, DW_CFA_offset | 3, 2));
	frames_fde(b, plain, VFORK, 0x100,
		   PROGRAM(DW_CFA_def_cfa_offset, 0, DW_CFA_register, 16, 5));
	frames_fde(b, plain, BAD, 0x100, PROGRAM(0x3f));
	frames_fde(b, plain, EPILOGUE, 0x100, PROGRAM(DW_CFA_offset | 6, 2));
	frames_fde(b, plain, LAST_CALL, 16, PROGRAM(DW_CFA_def_cfa_offset, 24));
	frames_fde(b, plain, NEXT, 0x100, PROGRAM(DW_CFA_nop));
	frames_fde(b, plain, SELF, 0x100,
		   PROGRAM(DW_CFA_def_cfa_offset, 0, DW_CFA_offset_extended_sf, 16, 0));
}

static inline void begin(void)
{
	memset(&w, 0, sizeof(w));
	add_functions(&w.frames);
	w.image = frames_image(MACHINE_X86_64, &w.frames);
	w.spaces = spaces_new(NULL);
	REQUIRE_TRUE(w.spaces != NULL);
	apply(EVENT_SPACE, 0, 0, NULL);
	apply(EVENT_MMAP, BASE, FRAMES_ADDR, "/bin/program");
	w.unwinder = unwinder_new(MACHINE_X86_64, w.spaces, image_of, NULL);
	w.event = (struct event){ .type = EVENT_SAMPLE, .pid = PID, .tid = PID };
	w.event.sample.user = true;
	w.event.sample.regs.mask = (1 << 17) - 1;
	w.event.sample.view = (struct stack_view){ .lo = SP,
						   .hi = SP + 8 * STACK_WORDS,
						   .slot = w.slot,
						   .mask = STACK_WORDS - 1,
						   .floor = UINT64_MAX };
	w.event.sample.stack_bytes = 8 * STACK_WORDS;
}

static inline void end(void)
{
	unwinder_free(w.unwinder);
	spaces_free(w.spaces);
	buf_done(&w.frames);
}

static inline void put(uint64_t addr, uint64_t value)
{
	w.slot[addr >> 3 & (STACK_WORDS - 1)] = value;
}

static inline void reg(unsigned int number, uint64_t value)
{
	w.event.sample.regs.value[number] = value;
}

static inline void at(uint64_t elf_pc, uint64_t sp, uint64_t fp)
{
	reg(X86_PC, BASE + elf_pc);
	reg(X86_RSP, sp);
	reg(X86_RBP, fp);
	w.event.sample.view.lo = (sp + 7) & ~(uint64_t)7;
}

/* Walks and compares; the list of linked lookup addresses ends with 0. */
static inline void walk(enum unwind_stop stop, const uint64_t *want)
{
	unwind_sample(w.unwinder, &w.event, &w.got);
	CHECK_STR(unwind_stop_text(w.got.stop), unwind_stop_text(stop));
	for (uint32_t i = 0; i < w.got.n || want[i]; i++) {
		uint64_t got = i < w.got.n ? unwinder_loc(w.unwinder, w.got.frame[i].loc).addr : 0;

		CHECK_TRUE(got == want[i], "frame %u: %#jx, expected %#jx", i, (uintmax_t)got,
			   (uintmax_t)want[i]);
		if (got != want[i])
			return;
	}
}

#define WALK(stop, ...) walk(stop, (const uint64_t[]){ __VA_ARGS__, 0 })

static inline enum unwind_method method(uint32_t i)
{
	return i < w.got.n ? w.got.frame[i].method : UNWIND_METHODS;
}

/* leaf <- sub <- main <- start. The outermost return address is not read. */
static inline void plain_stack(void)
{
	begin();
	put(SP, BASE + SUB + 0x10);	  /* leaf's */
	put(SP + 40, BASE + MAIN + 0x20); /* sub's: 5 words, the last is it */
	put(SP + 0x100, 0x1234);	  /* main's saved rbp */
	put(SP + 0x108, BASE + START + 0x9);
	at(LEAF + 4, SP, SP + 0x100);
}

#endif
