/*
 * Any sequence of mapping and task events, 8 bytes each, and scrubs in between. Checked after
 * each: the mappings of a process are sorted, do not overlap, lie in its hulls; the scrub keeps
 * what the contract says.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/bits.h"
#include "common/space/space.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct stack_word words[STACK_WORDS_MAX];

static void check_space(void *ctx, const struct space *sp)
{
	(void)ctx;
	for (uint32_t i = 0; i < sp->n; i++) {
		const struct mapping *m = &sp->map[i];

		if (m->start >= m->end || (i && m->start < m[-1].end))
			abort();
		if (space_find(sp, m->start) != m || space_find(sp, m->end - 1) != m)
			abort();
		if (!space_has_code(sp, m->start) || !space_has_code(sp, m->end - 1))
			abort();
	}
}

static void check_thread(void *ctx, const struct thread *t)
{
	if (!spaces_find(ctx, t->pid) || spaces_thread(ctx, t->tid) != t)
		abort();
}

/* What follows in the input is a stack of another alignment. */
static void check_scrub(struct spaces *s, uint32_t pid, uint64_t sp_value, const uint8_t *stack,
			size_t n)
{
	const struct space *sp = spaces_find(s, pid);
	struct event_sample sample = { .user = true,
				       .stack = stack,
				       .stack_bytes = MIN(n, STACK_BYTES_MAX),
				       .regs.mask = (UINT64_C(1) << 17) - 1 };
	uint32_t n_words;

	for (unsigned int i = 0; i < 17; i++)
		sample.regs.value[i] = sp_value * i;
	sample.regs.value[X86_RSP] = sp_value;
	n_words = space_scrub(sp, MACHINE_X86_64, &sample, words);
	if (n_words && (!sp || !sp->known))
		abort();
	for (uint32_t i = 0; i < n_words; i++)
		if (words[i].value - sp_value >= 8 << 20 && !space_find(sp, words[i].value))
			abort();
}

static void one_event(struct spaces *s, const uint8_t *at, size_t left)
{
	uint64_t v = load_le64(at);
	char path[2] = { (char)('a' + (v >> 60)), 0 };
	struct event e = { .type = (enum event_type)(at[0] % EVENT_TYPES),
			   .pid = at[1] % 16,
			   .tid = at[2] % 32 };

	if (e.type == EVENT_MMAP)
		e.mmap = (struct event_mmap){
			.start = (uint64_t)at[3] << 12 | (at[5] & 1 ? UINT64_C(0x7f) << 40 : 0),
			.size = at[5] == 0xff ? UINT64_MAX - at[4] : (uint64_t)at[4] << 11,
			.path = path
		};
	else if (e.type == EVENT_COMM)
		e.comm.exec = at[3] & 1;
	else if (e.type == EVENT_FORK)
		e.fork = (struct event_fork){ .ppid = at[3] % 16, .ptid = at[4] % 32 };
	if (e.type == EVENT_GAP && at[3] % 16)
		return; /* now and then only */
	if (e.type == EVENT_SAMPLE)
		check_scrub(s, e.pid, v >> 16, at + 8, left - 8);
	else
		spaces_apply(s, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct spaces_limits limits = {
		.n_mappings = 2048, .n_objects = 8, .n_processes = 12, .n_threads = 20
	};
	struct spaces *s = spaces_new(&limits);

	for (size_t i = 0; i + 8 <= n && i < 8 * 4000; i += 8) {
		one_event(s, data + i, n - i);
		if (i % 128 == 0 || i + 16 > n) {
			spaces_each_space(s, check_space, NULL);
			spaces_each_thread(s, check_thread, s);
		}
	}
	spaces_free(s);
	return 0;
}
