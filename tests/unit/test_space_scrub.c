/* What is kept of a stack: common/space/{scrub,mask}.c */
#include "common/space/space.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/bits.h"
#include "common/space/mask.h"
#include "tests/unit/check.h"

#define SP UINT64_C(0x7ffc00001000)

static struct stack_word kept[STACK_WORDS_MAX];

static void map_at(struct spaces *s, uint64_t start, uint64_t end)
{
	struct event e = { .type = EVENT_MMAP,
			   .pid = 1,
			   .tid = 1,
			   .mmap = { .start = start, .size = end - start, .path = "x" } };

	spaces_apply(s, &e);
}

static struct spaces *known_process(void)
{
	struct spaces *s = spaces_new(NULL);
	struct event exec = { .type = EVENT_COMM, .pid = 1, .tid = 1, .comm.exec = true };

	spaces_apply(s, &exec);
	map_at(s, 0x400000, 0x500000);
	map_at(s, 0x7f0000000000, 0x7f0000100000);
	map_at(s, 0x7f0000300000, 0x7f0000400000);
	map_at(s, 0x7f0000800000, 0x7f0000801000);
	map_at(s, 0x7f1000000000, 0x7f1000100000);
	map_at(s, 0x7fff00000000, 0x7fff00001000);
	return s;
}

static struct event_sample sample_of(const void *stack, size_t bytes, uint64_t sp)
{
	struct event_sample s = { .user = true,
				  .stack = stack,
				  .stack_bytes = bytes,
				  .regs.mask = (UINT64_C(1) << 17) - 1 };

	s.regs.value[X86_RSP] = sp;
	return s;
}

static void pointers_only(void)
{
	struct spaces *s = known_process();
	const uint64_t stack[] = {
		0x400000,
		0x4fffff,
		0x500000,
		0x3fffff, /* code, its last byte, beyond, before */
		0,
		42,
		0x6c6c6548206f6c6c,
		UINT64_MAX, /* data */
		0x7f0000200000,
		0x7f00003fffff,
		0x7f0000801000, /* between mappings of a hull, in, behind */
		0x7f0000800fff,
		0x7f1000000000,
		0x7fff00000001,
		SP - 8,
		SP,
		SP + (8 << 20) - 8,
		SP + (8 << 20), /* the stack from sp to 8 MiB above */
		SP + 18 * 8,
		SP + 20 * 8,
		SP + 21 * 8 + 4, /* itself, above itself, no whole word */
	};
	static const unsigned int keep[] = { 19, 16, 13, 12, 11, 9, 1, 0 };
	struct event_sample sample = sample_of(stack, sizeof(stack), SP);

	CHECK_UINT(space_scrub(spaces_find(s, 1), MACHINE_X86_64, &sample, kept), N_ELEMENTS(keep));
	for (size_t i = 0; i < N_ELEMENTS(keep) && i < sample.n_words; i++) {
		CHECK_UINT(sample.words[i].addr, SP + 8 * keep[i]);
		CHECK_UINT(sample.words[i].value, stack[keep[i]]);
	}
	CHECK_TRUE(!sample.stack && sample.words == kept && !sample.stack_dropped);
	spaces_free(s);
}

static void ends_at_control_block(void)
{
	enum { TCB = SP + 64 };
	struct spaces *s = known_process();
	uint64_t stack[32] = { 0x400000, SP + 16 };
	struct event_sample sample = sample_of(stack, sizeof(stack), SP);

	stack[5] = SP + 5 * 8; /* a list head is no control block */
	stack[6] = SP + 5 * 8;
	stack[8] = TCB;
	stack[9] = 0x1234;
	stack[10] = TCB + 64;
	stack[20] = 0x400010;
	sample.stack_cut = true;
	space_scrub(spaces_find(s, 1), MACHINE_X86_64, &sample, kept);
	CHECK_UINT(sample.n_words, 4);
	CHECK_UINT(sample.stack_bytes, sizeof(stack));
	CHECK_TRUE(sample.stack_cut);

	stack[10] = TCB;
	sample = sample_of(stack, sizeof(stack), SP);
	sample.stack_cut = true;
	space_scrub(spaces_find(s, 1), MACHINE_X86_64, &sample, kept);
	CHECK_UINT(sample.n_words, 2);
	CHECK_UINT(sample.stack_bytes, TCB - SP);
	CHECK_TRUE(!sample.stack_cut);
	spaces_free(s);
}

static void registers_too(void)
{
	struct spaces *s = known_process();
	struct event_sample sample = sample_of(NULL, 0, SP);

	sample.regs.value[0] = 0x7365637265740000; /* secret */
	sample.regs.value[1] = 0x400123;
	sample.regs.value[X86_RBP] = SP + 100;
	sample.regs.value[X86_PC] = 0xdead; /* stays */
	space_scrub(spaces_find(s, 1), MACHINE_X86_64, &sample, kept);
	CHECK_UINT(sample.regs.mask, UINT64_C(1) << 1 | 1 << X86_RBP | 1 << X86_RSP | 1 << X86_PC);
	CHECK_UINT(sample.regs.value[0], 0);
	CHECK_UINT(sample.regs.value[1], 0x400123);
	CHECK_UINT(sample.regs.value[X86_RBP], SP + 100);
	CHECK_UINT(sample.regs.value[X86_PC], 0xdead);
	spaces_free(s);
}

static void unknown_process(void)
{
	struct spaces *s = spaces_new(NULL);
	const uint64_t stack[] = { 0x400000, SP };
	struct event_sample sample = sample_of(stack, sizeof(stack), SP);

	CHECK_UINT(space_scrub(NULL, MACHINE_X86_64, &sample, kept), 0);
	CHECK_TRUE(sample.stack_dropped);
	map_at(s, 0x400000, 0x500000); /* something is known, but not all */
	sample = sample_of(stack, sizeof(stack), SP);
	CHECK_UINT(space_scrub(spaces_find(s, 1), MACHINE_X86_64, &sample, kept), 0);
	CHECK_TRUE(sample.stack_dropped);
	spaces_free(s);
}

static void chains_end_at_data(void)
{
	static const uint64_t chain[] = { 0x6c6f6f6b206d65, 0x400010, 0x500000, 0x697320646e617374,
					  0x400020 };
	struct spaces *s = known_process();
	struct event_sample sample = { .uchain = chain, .n_uchain = 5 };

	space_scrub(spaces_find(s, 1), MACHINE_X86_64, &sample, kept);
	CHECK_INT(sample.n_uchain, 3); /* the return address behind the last call is code */
	sample.n_uchain = 5;
	space_scrub(NULL, MACHINE_X86_64, &sample, kept);
	CHECK_INT(sample.n_uchain, 1);
	sample.n_uchain = 5;
	space_keep_all(&sample, MACHINE_X86_64, kept);
	CHECK_INT(sample.n_uchain, 5);
	spaces_free(s);
}

static void odd_stack_pointer(void)
{
	struct spaces *s = known_process();
	uint8_t bytes[8 * 5 + 3];
	struct event_sample sample;

	for (unsigned int skew = 0; skew < 8; skew++) {
		uint64_t sp = SP + skew, first = ALIGN_UP(sp, 8);

		memset(bytes, 0, sizeof(bytes));
		for (uint64_t at = first - sp; at + 8 <= sizeof(bytes); at += 8)
			store_le64(bytes + at, 0x400000 + at);
		sample = sample_of(bytes, sizeof(bytes), sp);
		CHECK_UINT(space_scrub(spaces_find(s, 1), MACHINE_X86_64, &sample, kept),
			   (sizeof(bytes) - (first - sp)) / 8);
		CHECK_UINT(kept[sample.n_words - 1].addr, first);
		CHECK_UINT(kept[sample.n_words - 1].value, 0x400000 + first - sp);
		sample = sample_of(bytes, sizeof(bytes), sp);
		CHECK_UINT(space_keep_all(&sample, MACHINE_X86_64, kept),
			   (sizeof(bytes) - (first - sp)) / 8);
	}
	/* fewer bytes than to the first word */
	sample = sample_of(bytes, 3, SP + 1);
	CHECK_UINT(space_scrub(spaces_find(s, 1), MACHINE_X86_64, &sample, kept), 0);
	CHECK_TRUE(!sample.stack_dropped);
	spaces_free(s);
}

static void pointer_authentication(void)
{
	struct spaces *s = known_process();
	const uint64_t stack[] = { 0x00007f0000000010 | UINT64_C(0x2a55) << 48, 0x1234 };
	struct event_sample sample = { .user = true,
				       .stack = (const void *)stack,
				       .stack_bytes = sizeof(stack),
				       .regs.mask = UINT64_C(1) << A64_SP | UINT64_C(1) << A64_LR };

	sample.regs.value[A64_SP] = SP;
	sample.regs.value[A64_LR] = 0x400444 | UINT64_C(0xffaa) << 48;
	CHECK_UINT(space_scrub(spaces_find(s, 1), MACHINE_AARCH64, &sample, kept), 1);
	CHECK_UINT(kept[0].value, 0x7f0000000010);
	CHECK_UINT(sample.regs.value[A64_LR], 0x400444);
	spaces_free(s);
}

static void raw_keeps_all(void)
{
	const uint64_t stack[] = { 5, 0, UINT64_MAX };
	struct event_sample sample = sample_of(stack, sizeof(stack), SP);

	sample.regs.value[0] = 99;
	CHECK_UINT(space_keep_all(&sample, MACHINE_X86_64, kept), 3);
	CHECK_UINT(kept[0].addr, SP + 16);
	CHECK_UINT(kept[0].value, UINT64_MAX);
	CHECK_UINT(kept[2].value, 5);
	CHECK_UINT(sample.regs.value[0], 99);
}

static void stack_at_the_end_of_memory(void)
{
	struct spaces *s = known_process();
	const uint64_t stack[] = { UINT64_MAX - 8, 5, 0x400000 };
	struct event_sample sample = sample_of(stack, sizeof(stack), UINT64_MAX - 15);

	space_scrub(spaces_find(s, 1), MACHINE_X86_64, &sample, kept);
	CHECK_UINT(sample.n_words, 0);
	spaces_free(s);
}

/* Judged one by one, as the contract says it. */
static void like_the_contract(void)
{
	struct spaces *s = known_process();
	struct space *sp = spaces_find(s, 1);
	uint64_t random = 1234567, *stack = malloc(STACK_BYTES_MAX);

	for (unsigned int round = 0; round < 200; round++) {
		uint64_t base = round % 2 ? 0x7ffc00000000 : 0x500800;
		struct event_sample sample;
		uint32_t n = 0;

		for (uint32_t i = 0; i < STACK_WORDS_MAX; i++) {
			random ^= random << 13, random ^= random >> 7, random ^= random << 17;
			switch (random % 5) {
			case 0:
				stack[i] = 0x3ff000 + random / 7 % 0x103000;
				break;
			case 1:
				stack[i] = 0x7f0000000000 + random / 7 % 0x900000;
				break;
			case 2:
				stack[i] = base - 4096 + random / 7 % (9 << 20);
				break;
			case 3:
				stack[i] = random / 7 % 300;
				break;
			default:
				stack[i] = random;
			}
		}
		sample = sample_of(stack, STACK_BYTES_MAX - round * 24, base);
		space_scrub(sp, MACHINE_X86_64, &sample, kept);
		for (uint32_t i = (uint32_t)(sample.stack_bytes / 8); i-- > 0;) {
			uint64_t v = stack[i], addr = base + (uint64_t)i * 8;
			bool own = v - base < 8 << 20 && v > addr && v % 8 == 0;

			if (!own && !space_find(sp, v))
				continue;
			if (n >= sample.n_words || kept[n].value != stack[i] ||
			    kept[n].addr != base + i * 8) {
				CHECK_TRUE(false, "round %u word %u", round, i);
				break;
			}
			n++;
		}
		CHECK_UINT(n, sample.n_words);
	}
	free(stack);
	spaces_free(s);
}

static void masks_agree(void)
{
	uint8_t bytes[8 * MASK_WORDS + 1];
	uint64_t random = 99;

	for (unsigned int round = 0; round < 20000; round++) {
		struct range window[2];
		uint64_t keep = round % 3 ? UINT64_MAX : (UINT64_C(1) << 48) - 1;
		unsigned int n = 1 + round % MASK_WORDS, skew = round % 2;

		for (unsigned int i = 0; i < 4 + MASK_WORDS; i++) {
			random ^= random << 13, random ^= random >> 7, random ^= random << 17;
			uint64_t v = random >> (random % 4 * 16);

			if (i < 4)
				(i & 1 ? &window[i / 2].size : &window[i / 2].start)[0] = v;
			else
				store_le64(bytes + skew + (i - 4) * 8, v);
		}
		if (window_mask(bytes + skew, n, keep, window) !=
		    window_mask_portable(bytes + skew, n, keep, window))
			CHECK_TRUE(false, "round %u", round);
	}
	CHECK_TRUE(true);
}

SUITE(space_scrub, { "words that point into code or stack are kept, nothing else", pointers_only },
      { "registers are scrubbed likewise; sp and pc stay", registers_too },
      { "stacks of processes whose mappings are not known are dropped", unknown_process },
      { "a thread's stack ends at its control block", ends_at_control_block },
      { "a chain that the kernel walked ends before data", chains_end_at_data },
      { "words lie on the 8-byte grid whatever sp is", odd_stack_pointer },
      { "aarch64: pointer authentication is taken off before a word is judged",
	pointer_authentication },
      { "raw keeps every word and register", raw_keeps_all },
      { "a stack at the end of memory is no stack", stack_at_the_end_of_memory },
      { "a scrub keeps what judging each word keeps", like_the_contract },
      { "the vector loop agrees with the plain one", masks_agree }, )
