/* report/unwind/history: what one walk of a thread takes over from the walk before. */
#include "report/unwind/unwind.h"

#include "tests/unit/walks.h"

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

SUITE(unwind_history,
	{ "a cut stack keeps the frames that were walked", cut_stack },
	{ "a cut stack continues with its neighbour's frames, labelled", joined },
	{ "numbers in the frame pointer do not keep stacks from joining",
	  joined_whatever_rbp_holds },
	{ "one equal frame, or another thread's, is not enough to join", not_joined },
	{ "frames above the floor are adopted", adopted },
	{ "changed memory is walked again", not_adopted },
	{ "changed mappings are walked again", new_mappings },
)
