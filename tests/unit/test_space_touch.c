#include <stdlib.h>

#include "common/space/touch.h"
#include "tests/unit/check.h"

static uint32_t told[16], n_told;
static uint64_t pcs[16], n_pcs;

static void on_object(void *ctx, const struct space *space, const struct mapping *mapping)
{
	(void)ctx, (void)space;
	told[n_told++ % 16] = mapping->object;
}

static void on_kernel(void *ctx, uint64_t pc)
{
	(void)ctx;
	pcs[n_pcs++ % 16] = pc;
}

static void map(struct spaces *spaces, uint64_t start, const char *path)
{
	struct event event = {
		.type = EVENT_MMAP,
		.pid = 5,
		.tid = 5,
		.mmap = { .start = start, .size = 0x1000, .path = path, .ino = start }
	};

	spaces_apply(spaces, &event);
}

static struct touch *touch_new(void)
{
	struct touch *t = calloc(1, sizeof(*t));

	t->on_object = on_object;
	t->on_kernel = on_kernel;
	n_told = 0;
	n_pcs = 0;
	return t;
}

static void each_file_once(void)
{
	struct spaces *spaces = spaces_new(NULL);
	struct touch *t = touch_new();
	struct stack_word words[] = { { 0x7ffe0010, 0x20000010 },
				      { 0x7ffe0008, 0x7ffe0100 },
				      { 0x7ffe0000, 0x99 } };
	struct event_sample sample = { .ip = 0x10000500, .words = words, .n_words = 3 };

	map(spaces, 0x10000000, "/a");
	map(spaces, 0x20000000, "/b");
	map(spaces, 0x30000000, "/c");
	const struct space *space = spaces_find(spaces, 5);
	sample.regs.mask = 1u << X86_RSP | 1u << X86_RBX;
	sample.regs.value[X86_RSP] = 0x7ffe0000;
	sample.regs.value[X86_RBX] = 0x30000001;
	for (int i = 0; i < 3; i++)
		touch_sample(t, space, MACHINE_X86_64, &sample);
	REQUIRE_INT(n_told, 3);
	CHECK_UINT(told[0], 1); /* ip */
	CHECK_UINT(told[1], 3); /* register */
	CHECK_UINT(told[2], 2); /* word */

	/* another file where one was: met again, although the page was seen before */
	map(spaces, 0x10000000, "/d");
	touch_sample(t, space, MACHINE_X86_64, &sample);
	REQUIRE_INT(n_told, 4);
	CHECK_UINT(told[3], 4);
	free(t);
	spaces_free(spaces);
}

static void kernel_once(void)
{
	struct touch *t = touch_new();
	uint64_t chain[] = { 0xffffffff81000010, 0xffffffff81000020, 0xffffffff81000010 };
	struct event_sample sample = { .in_kernel = true, .kchain = chain, .n_kchain = 3 };

	touch_sample(t, NULL, MACHINE_X86_64, &sample);
	touch_sample(t, NULL, MACHINE_X86_64, &sample);
	CHECK_UINT(n_pcs, 2);
	free(t);
}

static void kernel_table_ends(void)
{
	struct touch *t = touch_new();

	for (uint64_t i = 1; i <= TOUCH_KERNEL_PCS * 2; i++) {
		uint64_t pc = 0xffffffff81000000 + i;
		struct event_sample sample = { .in_kernel = true, .kchain = &pc, .n_kchain = 1 };

		touch_sample(t, NULL, MACHINE_X86_64, &sample);
	}
	CHECK_UINT(n_pcs, TOUCH_KERNEL_PCS / 4 * 3);
	free(t);
}

SUITE(space_touch,
      { "each file is told once, and again when another takes its place", each_file_once },
      { "each kernel address is told once", kernel_once },
      { "more kernel addresses than there is room for end nothing", kernel_table_ends }, )
