/*
 * Any stack of any program: walks with made-up registers over call frame information from the
 * input.
 *
 *	{ flags u8, cut u8, offsets u8[4], n_words u16,
 *	  word { kind u8, value u16 }[n_words], .eh_frame }
 *
 * A word is an address in the code, in the stack, or any number, so that walks go on for a while.
 * Three samples are walked, the last two promising that memory did not change: the same walk must
 * come out.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cursor.h"
#include "common/elf/image.h"
#include "report/unwind/unwind.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum {
	FLAG_AARCH64 = 1,
	FLAG_CUT = 2,
	FLAG_ANON = 4,
	FLAG_SOME_REGISTERS = 8,
	WORDS = 256,
	CODE_BYTES = 1 << 16,
	PID = 7
};

static const uint64_t BASE = 0x550000000000, SP = 0x7fff00000000;

static uint64_t word_of(uint8_t kind, uint16_t value)
{
	switch (kind % 4) {
	case 0:
		return BASE + value;
	case 1:
		return SP + (value & (WORDS - 1)) * 8u;
	case 2:
		return value;
	default:
		return hash_u64(value);
	}
}

static const struct elf_image *image_of(void *ctx, uint32_t object)
{
	(void)object;
	return ctx;
}

static struct spaces *make_space(bool anonymous)
{
	struct spaces_limits limits = { 16, 16, 16, 16 };
	struct spaces *spaces = spaces_new(&limits);
	struct event e = { .type = EVENT_SPACE, .pid = PID, .tid = PID };

	if (!spaces)
		abort();
	spaces_apply(spaces, &e);
	e.type = EVENT_MMAP;
	e.mmap.start = BASE;
	e.mmap.size = CODE_BYTES / 2;
	e.mmap.path = "/program";
	e.mmap.ino = 1;
	spaces_apply(spaces, &e);
	e.mmap.start += CODE_BYTES / 2;
	e.mmap.pgoff = CODE_BYTES / 2;
	e.mmap.path = anonymous ? "//anon" : "/program";
	spaces_apply(spaces, &e);
	return spaces;
}

static void check_frames(const struct unwinder *u, const struct frames *f)
{
	if (f->n > UNWIND_DEPTH_MAX || f->stop >= UNWIND_STOPS || f->n_shared > f->n)
		abort();
	for (uint32_t i = 0; i < f->n; i++)
		if (f->frame[i].loc >= unwinder_n_locs(u) || f->frame[i].method >= UNWIND_METHODS)
			abort();
}

static void walk(struct unwinder *u, struct event *e)
{
	static struct frame first[UNWIND_DEPTH_MAX];
	struct frames f;
	uint32_t n;

	unwind_sample(u, e, &f);
	check_frames(u, &f);
	n = f.n;
	memcpy(first, f.frame, n * sizeof(*first));
	e->sample.view.floor = SP;
	for (int i = 0; i < 2; i++) {
		unwind_sample(u, e, &f);
		check_frames(u, &f);
		if (f.n != n)
			abort();
		for (uint32_t k = 0; k < n; k++)
			if (f.frame[k].loc != first[k].loc)
				abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static uint64_t slot[WORDS];
	struct cursor c = cursor_of(data, n);
	uint8_t flags = cursor_u8(&c), cut = cursor_u8(&c), offset[4];
	enum machine machine = flags & FLAG_AARCH64 ? MACHINE_AARCH64 : MACHINE_X86_64;
	struct elf_image image = { .machine = machine, .n_loads = 1, .n_parts = 1 };
	struct event e = { .type = EVENT_SAMPLE, .pid = PID, .tid = PID };
	struct event_sample *s = &e.sample;
	struct spaces *spaces = make_space(flags & FLAG_ANON);
	struct unwinder *u;
	uint16_t n_words;

	for (int i = 0; i < 4; i++)
		offset[i] = cursor_u8(&c);
	n_words = cursor_u16(&c);
	memset(slot, 0, sizeof(slot));
	for (uint16_t i = 0; i < n_words && i < WORDS; i++) {
		uint8_t kind = cursor_u8(&c);

		slot[i] = word_of(kind, cursor_u16(&c));
	}
	image.load[0] =
		(struct elf_load){ .file_size = CODE_BYTES, .mem_size = CODE_BYTES, .flags = 5 };
	image.part[0] = (struct elf_part){
		.kind = ELF_PART_EH_FRAME, .addr = CODE_BYTES, .size = cursor_left(&c), .data = c.at
	};
	image.entry = 16;
	s->user = true;
	s->stack_cut = flags & FLAG_CUT;
	s->stack_bytes = WORDS * 8;
	s->regs.mask = flags & FLAG_SOME_REGISTERS ? hash_u64(offset[3]) : UINT64_MAX;
	for (uint32_t i = 0; i < REGS_MAX; i++)
		s->regs.value[i] = word_of((uint8_t)i, (uint16_t)(offset[2] * i));
	s->regs.value[machine_pc(machine)] = BASE + offset[0] * 16u;
	s->regs.value[machine_sp(machine)] = SP + (offset[1] & 0x3f) * 8u;
	s->view = (struct stack_view){ .lo = s->regs.value[machine_sp(machine)],
				       .hi = SP + 8 * WORDS - 8 * (cut & 0x7fu),
				       .slot = slot,
				       .mask = WORDS - 1,
				       .floor = UINT64_MAX };
	u = unwinder_new(machine, spaces, image_of, &image);
	walk(u, &e);
	unwinder_free(u);
	spaces_free(spaces);
	return 0;
}
