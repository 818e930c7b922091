/* report/unwind/: walks over a made-up program whose functions show one trap each. */
#include "report/unwind/unwind.h"

#include <stdlib.h>

#include "common/base/arena.h"
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

static const struct elf_image *image_of(void *ctx, uint32_t object)
{
	(void)ctx;
	(void)object;
	return &w.image;
}

static void apply(enum event_type type, uint64_t start, uint64_t size, const char *path)
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

static void add_functions(struct buf *b)
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

static void begin(void)
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

static void end(void)
{
	unwinder_free(w.unwinder);
	spaces_free(w.spaces);
	buf_done(&w.frames);
}

static void put(uint64_t addr, uint64_t value)
{
	w.slot[addr >> 3 & (STACK_WORDS - 1)] = value;
}

static void reg(unsigned int number, uint64_t value)
{
	w.event.sample.regs.value[number] = value;
}

static void at(uint64_t elf_pc, uint64_t sp, uint64_t fp)
{
	reg(X86_PC, BASE + elf_pc);
	reg(X86_RSP, sp);
	reg(X86_RBP, fp);
	w.event.sample.view.lo = (sp + 7) & ~(uint64_t)7;
}

/* Walks and compares; the list of linked lookup addresses ends with 0. */
static void walk(enum unwind_stop stop, const uint64_t *want)
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

static enum unwind_method method(uint32_t i)
{
	return i < w.got.n ? w.got.frame[i].method : UNWIND_METHODS;
}

/* leaf <- sub <- main <- start. The outermost return address is not read. */
static void plain_stack(void)
{
	begin();
	put(SP, BASE + SUB + 0x10);	  /* leaf's */
	put(SP + 40, BASE + MAIN + 0x20); /* sub's: 5 words, the last is it */
	put(SP + 0x100, 0x1234);	  /* main's saved rbp */
	put(SP + 0x108, BASE + START + 0x9);
	at(LEAF + 4, SP, SP + 0x100);
}

static void plain(void)
{
	plain_stack();
	WALK(UNWIND_ROOT, LEAF + 4, SUB + 0xf, MAIN + 0x1f, START + 8);
	CHECK_INT(method(0), UNWIND_BY_SAMPLE);
	CHECK_INT(method(1), UNWIND_BY_CFI);
	CHECK_INT(w.got.n_shared, 0);
	end();
}

static void same_place_same_id(void)
{
	uint32_t first;

	plain_stack();
	WALK(UNWIND_ROOT, LEAF + 4, SUB + 0xf, MAIN + 0x1f, START + 8);
	first = w.got.frame[1].loc;
	CHECK_INT(unwinder_loc(w.unwinder, first).object, 1);
	WALK(UNWIND_ROOT, LEAF + 4, SUB + 0xf, MAIN + 0x1f, START + 8);
	CHECK_INT(w.got.frame[1].loc, first);
	CHECK_TRUE(unwinder_n_locs(w.unwinder) >= 5);
	end();
}

static void call_at_the_end(void)
{
	begin();
	put(SP, BASE + NEXT); /* the return address is the next function's first byte */
	put(SP + 24, BASE + START + 9);
	at(LEAF, SP, 0);
	WALK(UNWIND_ROOT, LEAF, LAST_CALL + 15, START + 8);
	end();
}

static void signal_frame(void)
{
	uint64_t uc = SP + 8; /* where the handler's return leaves rsp */

	begin();
	put(SP, BASE + SIGNAL);	    /* the handler's return address */
	put(uc + 120, SP + 0x300);  /* rbp */
	put(uc + 160, SP + 0x280);  /* rsp of the interrupted function */
	put(uc + 168, BASE + NEXT); /* interrupted before its first instruction */
	put(SP + 0x280, BASE + START + 9);
	at(LEAF, SP, 1);
	WALK(UNWIND_ROOT, LEAF, SIGNAL, NEXT, START + 8);
	end();
}

static void signal_on_another_stack(void)
{
	begin();
	put(SP, BASE + SIGNAL);
	put(SP + 8 + 160, 0x600000001000); /* the interrupted stack was not copied */
	put(SP + 8 + 168, BASE + LEAF + 4);
	at(LEAF, SP, 1);
	WALK(UNWIND_STACK_MISSING, LEAF, SIGNAL, LEAF + 4);
	end();
}

static void signal_by_bytes(void)
{
	static const uint8_t bytes[] = { 0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05 };
	uint64_t uc = SP + 8;

	begin();
	w.image.part[1] = (struct elf_part){
		.kind = ELF_PART_CODE, .addr = NO_CFI, .size = sizeof(bytes), .data = bytes
	};
	w.image.n_parts = 2;
	put(SP, BASE + NO_CFI);
	put(uc + 40 + 8 * 10, SP + 0x300); /* rbp */
	put(uc + 160, SP + 0x280);
	put(uc + 168, BASE + NEXT);
	put(SP + 0x280, BASE + START + 9);
	at(LEAF, SP, 1);
	WALK(UNWIND_ROOT, LEAF, NO_CFI, NEXT, START + 8);
	CHECK_INT(method(2), UNWIND_BY_PATTERN);
	end();
}

static void plt_entry(void)
{
	begin();
	put(SP, BASE + START + 9);
	at(PLT + 0x29, SP, 0); /* before the push at byte 10 of an entry */
	WALK(UNWIND_ROOT, PLT + 0x29, START + 8);
	put(SP, 7);
	put(SP + 8, BASE + START + 9);
	at(PLT + 0x2a, SP, 0);
	WALK(UNWIND_ROOT, PLT + 0x2a, START + 8);
	end();
}

static void plt_without_cfi(void)
{
	static const uint8_t bytes[32] = { 0xff, 0x35, 0, 0, 0,	   0,	 0xff, 0x25,
					   0,	 0,    0, 0, 0x0f, 0x1f, 0x40, 0,
					   0xff, 0x25, 0, 0, 0,	   0,	 0x68 };

	begin();
	w.image.part[1] = (struct elf_part){
		.kind = ELF_PART_CODE, .addr = NO_CFI, .size = sizeof(bytes), .data = bytes
	};
	w.image.n_parts = 2;
	put(SP, BASE + START + 9);
	at(NO_CFI + 16, SP, 0);
	WALK(UNWIND_ROOT, NO_CFI + 16, START + 8);
	CHECK_INT(method(1), UNWIND_BY_PATTERN);
	put(SP + 8, BASE + START + 9);
	at(NO_CFI + 27, SP, 0);
	WALK(UNWIND_ROOT, NO_CFI + 27, START + 8);
	put(SP + 16, BASE + START + 9);
	at(NO_CFI + 6, SP, 0);
	WALK(UNWIND_ROOT, NO_CFI + 6, START + 8);
	end();
}

static void init_without_cfi(void)
{
	static const uint8_t bytes[27] = { 0xf3, 0x0f, 0x1e, 0xfa, 0x48, 0x83, 0xec, 0x08, 0x48,
					   0x8b, 0x05, 0,    0,	   0,	 0,    0x48, 0x85, 0xc0,
					   0x74, 0x02, 0xff, 0xd0, 0x48, 0x83, 0xc4, 0x08, 0xc3 };

	begin();
	w.image.part[1] = (struct elf_part){
		.kind = ELF_PART_CODE, .addr = NO_CFI, .size = sizeof(bytes), .data = bytes
	};
	w.image.n_parts = 2;
	put(SP, BASE + START + 9);
	put(SP + 8, BASE + START + 0x11);
	at(NO_CFI, SP, 0);
	WALK(UNWIND_ROOT, NO_CFI, START + 8);
	CHECK_INT(method(1), UNWIND_BY_PATTERN);
	at(NO_CFI + 4, SP, 0);
	WALK(UNWIND_ROOT, NO_CFI + 4, START + 8);
	at(NO_CFI + 8, SP, 0);
	WALK(UNWIND_ROOT, NO_CFI + 8, START + 0x10);
	at(NO_CFI + 26, SP, 0);
	WALK(UNWIND_ROOT, NO_CFI + 26, START + 8);
	end();
}

static void entry_without_cfi(void)
{
	static const uint8_t bytes[64] = { 0xf3, 0x0f, 0x1e, 0xfa, 0x31, 0xed };

	begin();
	w.image.entry = NO_CFI;
	w.image.part[1] = (struct elf_part){
		.kind = ELF_PART_CODE, .addr = NO_CFI, .size = sizeof(bytes), .data = bytes
	};
	w.image.n_parts = 2;
	put(SP, BASE + NO_CFI + 0x21);
	at(LEAF, SP, 0);
	WALK(UNWIND_ROOT, LEAF, NO_CFI + 0x20);
	at(NO_CFI, SP, 0);
	WALK(UNWIND_ROOT, NO_CFI);
	end();
}

static void epilogue(void)
{
	begin();
	put(SP, BASE + MAIN + 0x20);
	put(SP + 0x108, BASE + START + 9);
	at(EPILOGUE, SP, SP + 0x100); /* rbp has its value again; its slot is below rsp */
	WALK(UNWIND_ROOT, EPILOGUE, MAIN + 0x1f, START + 8);
	end();
}

static void realigned(void)
{
	begin();
	put(SP + 0x40, SP + 0x100); /* at rbp: the caller's rbp */
	put(SP + 0x38, SP + 0x60);  /* at rbp - 8: the CFA */
	put(SP + 0x58, BASE + MAIN + 0x20);
	put(SP + 0x108, BASE + START + 9);
	at(DRAP, SP, SP + 0x40);
	WALK(UNWIND_ROOT, DRAP, MAIN + 0x1f, START + 8);
	end();
}

static void other_register_leaf(void)
{
	begin();
	reg(X86_RBX, SP + 0x40);
	put(SP + 0x48, BASE + START + 9);
	at(RBX, SP, 0);
	WALK(UNWIND_ROOT, RBX, START + 8);
	end();
}

static void other_register_inside(void)
{
	begin();
	put(SP, SP + 0x40); /* saves_rbx's slot of rbx */
	put(SP + 8, BASE + RBX + 9);
	put(SP + 0x48, BASE + START + 9);
	reg(X86_RBX, 1);
	at(SAVES_RBX, SP, 0);
	WALK(UNWIND_ROOT, SAVES_RBX, RBX + 8, START + 8);
	end();
}

static void scrubbed_register(void)
{
	begin();
	w.event.sample.regs.mask &= ~((uint64_t)1 << X86_RBX);
	at(RBX, SP, 0);
	WALK(UNWIND_SCRUBBED, RBX);
	end();
}

static void vfork_child(void)
{
	begin();
	reg(5, BASE + START + 9);
	at(VFORK, SP, 0);
	WALK(UNWIND_ROOT, VFORK, START + 8);
	end();
}

static void frame_pointer(void)
{
	begin();
	put(SP + 0x40, SP + 0x100);
	put(SP + 0x48, BASE + NO_CFI + 0x31);
	put(SP + 0x100, 0);
	put(SP + 0x108, BASE + START + 9);
	at(NO_CFI + 4, SP, SP + 0x40);
	WALK(UNWIND_ROOT, NO_CFI + 4, NO_CFI + 0x30, START + 8);
	CHECK_INT(method(1), UNWIND_BY_FRAME_POINTER);
	CHECK_INT(method(2), UNWIND_BY_FRAME_POINTER);
	end();
}

static void useless_frame_pointer(void)
{
	static const uint64_t useless[] = { 0, 1, 0x7ffe00000000, UINT64_MAX - 7, 0x7fff00001043 };

	for (size_t i = 0; i < N_ELEMENTS(useless); i++) {
		begin();
		at(NO_CFI + 4, SP, useless[i]);
		WALK(UNWIND_NO_CFI, NO_CFI + 4);
		end();
	}
}

static void invalid_cfi(void)
{
	begin();
	at(BAD, SP, 0);
	WALK(UNWIND_BAD_CFI, BAD);
	end();
}

static void no_growth(void)
{
	begin();
	put(SP, BASE + SELF + 1);
	at(SELF, SP, 0);
	unwind_sample(w.unwinder, &w.event, &w.got);
	CHECK_INT(w.got.stop, UNWIND_LOOP);
	CHECK_TRUE(w.got.n <= 2);
	end();
}

static void cut_stack(void)
{
	plain_stack();
	w.event.sample.view.hi = SP + 0x100;
	w.event.sample.stack_cut = true;
	WALK(UNWIND_STACK_CUT, LEAF + 4, SUB + 0xf, MAIN + 0x1f);
	w.event.sample.stack_cut = false;
	WALK(UNWIND_STACK_MISSING, LEAF + 4, SUB + 0xf, MAIN + 0x1f);
	end();
}

static void joined(void)
{
	plain_stack();
	WALK(UNWIND_ROOT, LEAF + 4, SUB + 0xf, MAIN + 0x1f, START + 8);
	w.event.sample.view.hi = SP + 0x100;
	w.event.sample.stack_cut = true;
	WALK(UNWIND_ROOT, LEAF + 4, SUB + 0xf, MAIN + 0x1f, START + 8);
	CHECK_INT(method(2), UNWIND_BY_CFI);
	CHECK_INT(method(3), UNWIND_BY_JOIN);
	/*
	 * and again: the joined walk is a neighbour too, but what it inferred is never called
	 * read
	 */
	WALK(UNWIND_ROOT, LEAF + 4, SUB + 0xf, MAIN + 0x1f, START + 8);
	CHECK_INT(method(3), UNWIND_BY_JOIN);
	w.event.sample.view.hi = SP + 8 * STACK_WORDS;
	w.event.sample.stack_cut = false;
	w.event.sample.view.floor = SP;
	WALK(UNWIND_ROOT, LEAF + 4, SUB + 0xf, MAIN + 0x1f, START + 8);
	CHECK_INT(method(3), UNWIND_BY_CFI);
	end();
}

/* What rbp holds where nobody uses it as a frame pointer is a number, and scrubbed away. */
static void joined_whatever_rbp_holds(void)
{
	begin();
	put(SP, BASE + SUB + 0x10);
	put(SP + 40, BASE + LAST_CALL + 8);
	put(SP + 64, BASE + START + 9);
	at(LEAF, SP, 5);
	WALK(UNWIND_ROOT, LEAF, SUB + 0xf, LAST_CALL + 7, START + 8);
	w.event.sample.view.hi = SP + 64;
	w.event.sample.stack_cut = true;
	at(LEAF, SP, 7);
	WALK(UNWIND_ROOT, LEAF, SUB + 0xf, LAST_CALL + 7, START + 8);
	CHECK_INT(method(3), UNWIND_BY_JOIN);
	/* a frame pointer into the stack is one */
	at(LEAF, SP, SP + 0x200);
	WALK(UNWIND_STACK_CUT, LEAF, SUB + 0xf, LAST_CALL + 7);
	end();
}

static void not_joined(void)
{
	plain_stack();
	WALK(UNWIND_ROOT, LEAF + 4, SUB + 0xf, MAIN + 0x1f, START + 8);
	w.event.sample.view.hi = SP + 0x100;
	w.event.sample.stack_cut = true;
	put(SP, BASE + SUB + 0x18); /* only one frame is the same */
	at(LEAF + 8, SP, SP + 0x100);
	put(SP + 40, BASE + MAIN + 0x30);
	WALK(UNWIND_STACK_CUT, LEAF + 8, SUB + 0x17, MAIN + 0x2f);
	end();
	/* another thread's walk joins nothing */
	plain_stack();
	WALK(UNWIND_ROOT, LEAF + 4, SUB + 0xf, MAIN + 0x1f, START + 8);
	w.event.tid = PID + 1;
	w.event.sample.view.hi = SP + 0x100;
	w.event.sample.stack_cut = true;
	WALK(UNWIND_STACK_CUT, LEAF + 4, SUB + 0xf, MAIN + 0x1f);
	end();
}

static void adopted(void)
{
	plain_stack();
	WALK(UNWIND_ROOT, LEAF + 4, SUB + 0xf, MAIN + 0x1f, START + 8);
	w.event.sample.view.floor = SP + 48;
	at(LEAF + 5, SP, SP + 0x100);
	put(SP, BASE + SUB + 0x20);
	WALK(UNWIND_ROOT, LEAF + 5, SUB + 0x1f, MAIN + 0x1f, START + 8);
	CHECK_INT(w.got.n_shared, 2);
	CHECK_INT(method(3), UNWIND_BY_CFI);
	end();
}

static void not_adopted(void)
{
	plain_stack();
	WALK(UNWIND_ROOT, LEAF + 4, SUB + 0xf, MAIN + 0x1f, START + 8);
	/* the same registers, but memory changed and nothing was promised */
	put(SP + 0x108, BASE + START + 0x21);
	WALK(UNWIND_ROOT, LEAF + 4, SUB + 0xf, MAIN + 0x1f, START + 0x20);
	CHECK_INT(w.got.n_shared, 0);
	/* floors add up: what changed in a sample that was not kept stays changed */
	w.event.sample.view.floor = SP + 0x200;
	put(SP + 40, 0x123);
	WALK(UNWIND_UNMAPPED, LEAF + 4, SUB + 0xf);
	w.event.sample.view.floor = SP;
	put(SP + 0x108, BASE + START + 0x31);
	put(SP + 40, BASE + MAIN + 0x20);
	WALK(UNWIND_ROOT, LEAF + 4, SUB + 0xf, MAIN + 0x1f, START + 0x30);
	CHECK_INT(w.got.n_shared, 0);
	end();
}

static void new_mappings(void)
{
	plain_stack();
	WALK(UNWIND_ROOT, LEAF + 4, SUB + 0xf, MAIN + 0x1f, START + 8);
	w.event.sample.view.floor = SP;
	apply(EVENT_MMAP, BASE + START, 0x1000, "//anon");
	WALK(UNWIND_NO_CFI, LEAF + 4, SUB + 0xf, MAIN + 0x1f, BASE + START + 8);
	end();
}

static void zero_return_address(void)
{
	plain_stack();
	put(SP + 0x108, 0);
	WALK(UNWIND_UNMAPPED, LEAF + 4, SUB + 0xf, MAIN + 0x1f);
	w.event.sample.regs.mask = 1 << X86_RSP | 1 << X86_PC | 1 << X86_RBP;
	WALK(UNWIND_SCRUBBED, LEAF + 4, SUB + 0xf, MAIN + 0x1f);
	end();
}

static void kernel_frames(void)
{
	static const uint64_t chain[] = { 0xffffffff81000010, 0xffffffff81000021 };

	plain_stack();
	w.event.sample.kchain = chain;
	w.event.sample.n_kchain = 2;
	w.event.sample.in_kernel = true;
	WALK(UNWIND_ROOT, 0xffffffff81000010, 0xffffffff81000020, LEAF + 4, SUB + 0xf, MAIN + 0x1f,
	     START + 8);
	CHECK_INT(method(0), UNWIND_BY_SAMPLE);
	CHECK_INT(method(1), UNWIND_BY_KERNEL);
	CHECK_INT(method(2), UNWIND_BY_SAMPLE);
	CHECK_TRUE(unwinder_loc(w.unwinder, w.got.frame[0].loc).object == LOC_KERNEL);
	/* exit: registers are still there, memory is not */
	w.event.sample.stack_bytes = 0;
	w.event.sample.view.hi = w.event.sample.view.lo;
	WALK(UNWIND_KERNEL_ONLY, 0xffffffff81000010, 0xffffffff81000020);
	w.event.sample.user = false;
	WALK(UNWIND_KERNEL_ONLY, 0xffffffff81000010, 0xffffffff81000020);
	end();
}

static void no_stack(void)
{
	plain_stack();
	w.event.sample.stack_bytes = 0;
	w.event.sample.view.hi = w.event.sample.view.lo;
	WALK(UNWIND_STACK_NONE, LEAF + 4);
	w.event.sample.stack_bytes = 8;
	w.event.sample.stack_dropped = true;
	WALK(UNWIND_STACK_NONE, LEAF + 4);
	end();
}

static void unknown_space(void)
{
	plain_stack();
	w.event.pid = 77;
	WALK(UNWIND_UNKNOWN_SPACE, BASE + LEAF + 4);
	end();
}

static void nowhere(void)
{
	plain_stack();
	at(0x200000, SP, 0);
	WALK(UNWIND_UNMAPPED, BASE + 0x200000);
	w.event.sample.compat = true;
	w.event.sample.ip = 0x8048000;
	WALK(UNWIND_COMPAT, 0x8048000);
	end();
}

static void unaligned_stack(void)
{
	plain_stack();
	at(LEAF, SP + 4, 0);
	WALK(UNWIND_BAD_CFI, LEAF);
	end();
}

static void too_deep(void)
{
	begin();
	for (uint64_t i = 0; i < STACK_WORDS; i++)
		put(SP + 8 * i, BASE + LEAF + 0x10);
	at(LEAF, SP, 0);
	unwind_sample(w.unwinder, &w.event, &w.got);
	CHECK_INT(w.got.n, UNWIND_DEPTH_MAX);
	CHECK_INT(w.got.stop, UNWIND_DEEP);
	end();
}

static void object_states(void)
{
	const char *reason = "x";

	plain_stack();
	CHECK_INT(unwinder_object_state(w.unwinder, 1, &reason), UNWIND_OBJECT_UNUSED);
	WALK(UNWIND_ROOT, LEAF + 4, SUB + 0xf, MAIN + 0x1f, START + 8);
	CHECK_INT(unwinder_object_state(w.unwinder, 1, &reason), UNWIND_OBJECT_OK);
	end();
	begin();
	w.image.part[0].size = 3;
	at(LEAF, SP, 0);
	WALK(UNWIND_NO_CFI, LEAF);
	CHECK_INT(unwinder_object_state(w.unwinder, 1, &reason), UNWIND_OBJECT_BAD);
	CHECK_TRUE(reason != NULL);
	end();
}

SUITE(unwind_unwind,
	{ "a plain stack is walked to its root", plain },
	{ "the same place has the same id", same_place_same_id },
	{ "a call that is a function's last instruction belongs to it", call_at_the_end },
	{ "after a signal frame the pc is exact, and the trampoline is named by its first byte",
	  signal_frame },
	{ "a signal handler's stack of its own ends the walk honestly", signal_on_another_stack },
	{ "a trampoline without CFI is known by its bytes", signal_by_bytes },
	{ "an entry of .plt uses the constant of its expression", plt_entry },
	{ "an entry of .plt without CFI is known by its bytes", plt_without_cfi },
	{ "_start without CFI is the root", entry_without_cfi },
	{ "_init without CFI is known by its bytes", init_without_cfi },
	{ "a frame pointer that was popped keeps its value", epilogue },
	{ "a realigned stack is walked through the saved CFA", realigned },
	{ "a leaf may stand on any register", other_register_leaf },
	{ "a caller that stands on another register is walked with all of them",
	  other_register_inside },
	{ "a scrubbed register says so", scrubbed_register },
	{ "a return address may be in a register", vfork_child },
	{ "code without CFI is walked by frame pointer, and labelled", frame_pointer },
	{ "a frame pointer that leads nowhere ends the walk", useless_frame_pointer },
	{ "invalid CFI ends the walk", invalid_cfi },
	{ "a frame address that does not grow ends the walk", no_growth },
	{ "a cut stack keeps the frames that were walked", cut_stack },
	{ "a cut stack continues with its neighbour's frames, labelled", joined },
	{ "numbers in the frame pointer do not keep stacks from joining",
	  joined_whatever_rbp_holds },
	{ "one equal frame, or another thread's, is not enough to join", not_joined },
	{ "frames above the floor are adopted", adopted },
	{ "changed memory is walked again", not_adopted },
	{ "changed mappings are walked again", new_mappings },
	{ "a return address of zero is no root", zero_return_address },
	{ "kernel frames come first, and are all there is of a process that leaves",
	  kernel_frames },
	{ "without a stack there is the pc", no_stack },
	{ "a process that is not known stays unresolved", unknown_space },
	{ "a pc outside of every mapping, and 32-bit code, are kept as they are", nowhere },
	{ "a stack pointer that is not aligned ends the walk", unaligned_stack },
	{ "a walk is bounded", too_deep },
	{ "what is known of an object can be asked", object_states },
)
