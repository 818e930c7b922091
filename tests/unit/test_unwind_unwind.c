/* report/unwind/: walks over a made-up program whose functions show one trap each. */
#include "report/unwind/unwind.h"

#include "tests/unit/walks.h"

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

static void chain_of_the_kernel(void)
{
	static const uint64_t kernel[] = { 0xffffffff81000010 };
	uint64_t chain[] = { BASE + LEAF + 4, BASE + SUB + 0x10, BASE + MAIN + 0x20,
			     BASE + START + 9, 0x1234 };

	plain_stack();
	w.event.sample.user = false;
	w.event.sample.stack_bytes = 0;
	w.event.sample.uchain = chain;
	w.event.sample.n_uchain = 4;
	WALK(UNWIND_ROOT, LEAF + 4, SUB + 0xf, MAIN + 0x1f, START + 8);
	CHECK_INT(method(0), UNWIND_BY_SAMPLE);
	CHECK_INT(method(1), UNWIND_BY_FRAME_POINTER);
	w.event.sample.n_uchain = 3;
	WALK(UNWIND_CHAIN, LEAF + 4, SUB + 0xf, MAIN + 0x1f);
	chain[3] = 0; /* astray: what follows is nothing */
	w.event.sample.n_uchain = 5;
	w.event.sample.kchain = kernel;
	w.event.sample.n_kchain = 1;
	w.event.sample.in_kernel = true;
	WALK(UNWIND_UNMAPPED, 0xffffffff81000010, LEAF + 4, SUB + 0xf, MAIN + 0x1f);
	w.event.pid = 77; /* nothing is known: the addresses are all there is */
	WALK(UNWIND_UNKNOWN_SPACE, 0xffffffff81000010, BASE + LEAF + 4, BASE + SUB + 0xf,
	     BASE + MAIN + 0x1f, UINT64_MAX, 0x1233);
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
	{ "a return address of zero is no root", zero_return_address },
	{ "kernel frames come first, and are all there is of a process that leaves",
	  kernel_frames },
	{ "a chain that the kernel walked becomes frames, up to the first that is nowhere",
	  chain_of_the_kernel },
	{ "without a stack there is the pc", no_stack },
	{ "a process that is not known stays unresolved", unknown_space },
	{ "a pc outside of every mapping, and 32-bit code, are kept as they are", nowhere },
	{ "a stack pointer that is not aligned ends the walk", unaligned_stack },
	{ "a walk is bounded", too_deep },
	{ "what is known of an object can be asked", object_states },
)
