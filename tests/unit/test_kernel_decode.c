#include <stdlib.h>

#include "common/base/bits.h"
#include "record/kernel/decode.h"
#include "tests/unit/check.h"
#include "tests/unit/ring_made.h"

static struct made made;

static struct decode_layout layout(bool callchain, bool stack)
{
	static struct decode_source source;

	source = (struct decode_source){ .callchain = callchain, .stack = stack };
	return (struct decode_layout){ .regs = perf_regs_of(MACHINE_X86_64),
				       .source = &source,
				       .n_sources = 1 };
}

static enum decode_result decode(bool callchain, bool stack, struct event *ret)
{
	struct decode_layout l = layout(callchain, stack);

	return decode_record(&l, made.bytes, made.n, ret);
}

static void sample_fields(void)
{
	struct event event;

	made.n = 0;
	made_sample_head(&made, PERF_RECORD_MISC_USER, 0x401000, 10, 5000);
	made_regs(&made, 17, PERF_SAMPLE_REGS_ABI_64);
	made_stack(&made, 64, 40);
	made_end(&made);
	REQUIRE_INT(decode(false, true, &event), DECODE_EVENT);
	CHECK_INT(event.type, EVENT_SAMPLE);
	CHECK_UINT(event.pid, 10);
	CHECK_UINT(event.tid, 11);
	CHECK_UINT(event.time_ns, 5000);
	CHECK_UINT(event.cpu, 3);
	CHECK_UINT(event.sample.source, 0);
	CHECK_UINT(event.sample.ip, 0x401000);
	CHECK_UINT(event.sample.period, 1001001);
	CHECK_TRUE(event.sample.user);
	CHECK_TRUE(!event.sample.in_kernel);
	CHECK_UINT(event.sample.stack_bytes, 40);
	CHECK_TRUE(!event.sample.stack_cut);
	CHECK_INT(event.sample.stack[39], 39);
}

/* Identifier 77 stands in made samples. */
static void samples_find_their_source(void)
{
	struct decode_source source[2] = { { .stack = true },
					   { .raw = true,
					     .value = DECODE_VALUE_RAW,
					     .value_at = 2,
					     .value_bytes = 4,
					     .scale = 2 } };
	struct decode_layout l = { .regs = perf_regs_of(MACHINE_X86_64),
				   .source = source,
				   .n_sources = 2 };
	struct event event;
	struct map ids;
	bool is_new;

	map_init(&ids);
	l.ids = &ids;
	made.n = 0;
	made_sample_head(&made, PERF_RECORD_MISC_USER, 1, 1, 1);
	made_2u32(&made, 12, 0x00010000); /* size; raw bytes 00 00 01 00 ... */
	made_u64(&made, 0x0000000000000203);
	made_regs(&made, 17, PERF_SAMPLE_REGS_ABI_64);
	made_end(&made);
	CHECK_INT(decode_record(&l, made.bytes, made.n, &event), DECODE_BAD_SAMPLE);
	*map_put(&ids, 77, &is_new) = 1;
	REQUIRE_INT(decode_record(&l, made.bytes, made.n, &event), DECODE_EVENT);
	CHECK_UINT(event.sample.source, 1);
	CHECK_UINT(event.sample.period, 2 * UINT64_C(0x02030001));
	source[1].value_at = 9; /* the value would pass the end of the record */
	REQUIRE_INT(decode_record(&l, made.bytes, made.n, &event), DECODE_EVENT);
	CHECK_UINT(event.sample.period, 0);
	source[1].value = DECODE_VALUE_REGISTER;
	source[1].value_at = 5; /* rdi, perf's sixth */
	REQUIRE_INT(decode_record(&l, made.bytes, made.n, &event), DECODE_EVENT);
	CHECK_UINT(event.sample.period, 2 * 0x1005);
	map_done(&ids);
}

static void registers_by_dwarf_number(void)
{
	/* perf's order: ax bx cx dx si di bp sp ip r8..r15 */
	static const uint64_t want[17] = { 0x1000, 0x1003, 0x1002, 0x1001, 0x1004, 0x1005,
					   0x1006, 0x1007, 0x1009, 0x100a, 0x100b, 0x100c,
					   0x100d, 0x100e, 0x100f, 0x1010, 0x1008 };
	struct event event;

	made.n = 0;
	made_sample_head(&made, PERF_RECORD_MISC_USER, 1, 1, 1);
	made_regs(&made, 17, PERF_SAMPLE_REGS_ABI_64);
	made_end(&made);
	REQUIRE_INT(decode(false, false, &event), DECODE_EVENT);
	CHECK_UINT(event.sample.regs.mask, 0x1ffff);
	CHECK_MEM(event.sample.regs.value, want, sizeof(want));
}

static void masks_count_their_registers(void)
{
	static const enum machine machines[] = { MACHINE_X86_64, MACHINE_AARCH64 };

	for (int i = 0; i < 2; i++) {
		const struct perf_regs *regs = perf_regs_of(machines[i]);
		uint64_t seen = 0;

		CHECK_INT(__builtin_popcountll(regs->mask), regs->n);
		for (int k = 0; k < regs->n; k++)
			seen |= UINT64_C(1) << regs->dwarf[k];
		CHECK_UINT(seen, (UINT64_C(1) << regs->n) - 1);
	}
	CHECK_TRUE(perf_regs_of(MACHINE_NONE) == NULL);
}

static void kernel_chain(void)
{
	struct event event;

	made.n = 0;
	made_sample_head(&made, PERF_RECORD_MISC_KERNEL, 0xffffffff81000010, 10, 1);
	made_u64(&made, 5);
	made_u64(&made, (uint64_t)PERF_CONTEXT_KERNEL);
	made_u64(&made, 0xffffffff81000010);
	made_u64(&made, 0xffffffff81000020);
	made_u64(&made, (uint64_t)PERF_CONTEXT_USER);
	made_u64(&made, 0x401000);
	made_regs(&made, 17, PERF_SAMPLE_REGS_ABI_64);
	made_end(&made);
	REQUIRE_INT(decode(true, false, &event), DECODE_EVENT);
	CHECK_TRUE(event.sample.in_kernel);
	REQUIRE_INT(event.sample.n_kchain, 2);
	CHECK_UINT(event.sample.kchain[0], 0xffffffff81000010);
	CHECK_UINT(event.sample.kchain[1], 0xffffffff81000020);
}

static void kernel_chain_is_bounded(void)
{
	struct event event;

	made.n = 0;
	made_sample_head(&made, PERF_RECORD_MISC_KERNEL, 1, 10, 1);
	made_u64(&made, 1000);
	made_u64(&made, (uint64_t)PERF_CONTEXT_KERNEL);
	for (int i = 1; i < 1000; i++)
		made_u64(&made, i);
	made_regs(&made, 17, PERF_SAMPLE_REGS_ABI_NONE);
	made_end(&made);
	REQUIRE_INT(decode(true, false, &event), DECODE_EVENT);
	CHECK_INT(event.sample.n_kchain, KCHAIN_MAX);
	CHECK_TRUE(!event.sample.user);
}

static void full_stack_is_cut(void)
{
	struct event event;

	made.n = 0;
	made_sample_head(&made, PERF_RECORD_MISC_USER, 1, 1, 1);
	made_regs(&made, 17, PERF_SAMPLE_REGS_ABI_64);
	made_stack(&made, 64, 64);
	made_end(&made);
	REQUIRE_INT(decode(false, true, &event), DECODE_EVENT);
	CHECK_TRUE(event.sample.stack_cut);
}

static void no_stack(void)
{
	struct event event;

	made.n = 0;
	made_sample_head(&made, PERF_RECORD_MISC_KERNEL, 1, 1, 1);
	made_regs(&made, 17, PERF_SAMPLE_REGS_ABI_NONE);
	made_stack(&made, 0, 0);
	made_end(&made);
	REQUIRE_INT(decode(false, true, &event), DECODE_EVENT);
	CHECK_TRUE(!event.sample.user);
	CHECK_TRUE(event.sample.stack == NULL);
	CHECK_UINT(event.sample.stack_bytes, 0);
}

static void compat_has_no_stack(void)
{
	struct event event;

	made.n = 0;
	made_sample_head(&made, PERF_RECORD_MISC_USER, 1, 1, 1);
	made_regs(&made, 17, PERF_SAMPLE_REGS_ABI_32);
	made_stack(&made, 64, 64);
	made_end(&made);
	REQUIRE_INT(decode(false, true, &event), DECODE_EVENT);
	CHECK_TRUE(event.sample.compat);
	CHECK_TRUE(event.sample.stack == NULL);
}

static void mmap_with_build_id(void)
{
	static const uint8_t id[] = { 4, 0, 0, 0, 0xde, 0xad, 0xbe, 0xef };
	struct event event;

	made.n = 0;
	made_begin(&made, PERF_RECORD_MMAP2, PERF_RECORD_MISC_MMAP_BUILD_ID);
	made_2u32(&made, 10, 11);
	made_u64(&made, 0x7f0000000000);
	made_u64(&made, 0x3000);
	made_u64(&made, 0x1000);
	memcpy(made.bytes + made.n, id, sizeof(id));
	memset(made.bytes + made.n + sizeof(id), 0, 24 - sizeof(id));
	made.n += 24;
	made_2u32(&made, 5 /* r-x */, 2);
	made_text(&made, "/usr/lib/libx.so.1");
	made_trailer(&made, 99, 99, 1234, 1);
	REQUIRE_INT(decode(false, false, &event), DECODE_EVENT);
	CHECK_INT(event.type, EVENT_MMAP);
	CHECK_UINT(event.pid, 10);
	CHECK_UINT(event.tid, 11);
	CHECK_UINT(event.time_ns, 1234);
	CHECK_UINT(event.mmap.start, 0x7f0000000000);
	CHECK_UINT(event.mmap.size, 0x3000);
	CHECK_UINT(event.mmap.pgoff, 0x1000);
	CHECK_INT(event.mmap.build_id.n, 4);
	CHECK_MEM(event.mmap.build_id.bytes, id + 4, 4);
	CHECK_UINT(event.mmap.ino, 0);
	CHECK_STR(event.mmap.path, "/usr/lib/libx.so.1");
}

static void make_mmap_by_inode(uint32_t prot, uint64_t size)
{
	made.n = 0;
	made_begin(&made, PERF_RECORD_MMAP2, 0);
	made_2u32(&made, 10, 11);
	made_u64(&made, 0xfffffffffffff000);
	made_u64(&made, size);
	made_u64(&made, 0);
	made_2u32(&made, 8, 1);
	made_u64(&made, 4711);
	made_u64(&made, 0);
	made_2u32(&made, prot, 2);
	made_text(&made, "//anon");
	made_trailer(&made, 10, 11, 1, 1);
}

static void mmap_with_inode(void)
{
	struct event event;

	make_mmap_by_inode(5, 0x800);
	REQUIRE_INT(decode(false, false, &event), DECODE_EVENT);
	CHECK_INT(event.mmap.build_id.n, 0);
	CHECK_UINT(event.mmap.maj, 8);
	CHECK_UINT(event.mmap.min, 1);
	CHECK_UINT(event.mmap.ino, 4711);
	make_mmap_by_inode(1, 0x800);
	CHECK_INT(decode(false, false, &event), DECODE_SKIP);
	make_mmap_by_inode(5, 0x2000);
	CHECK_INT(decode(false, false, &event), DECODE_BAD);
}

static void comm_and_exec(void)
{
	struct event event;

	made.n = 0;
	made_begin(&made, PERF_RECORD_COMM, PERF_RECORD_MISC_COMM_EXEC);
	made_2u32(&made, 10, 11);
	made_text(&made, "fifteen-letters");
	made_trailer(&made, 10, 11, 9, 1);
	REQUIRE_INT(decode(false, false, &event), DECODE_EVENT);
	CHECK_STR(event.comm.comm, "fifteen-letters");
	CHECK_TRUE(event.comm.exec);
}

static void fork_and_exit(void)
{
	struct event event;

	made.n = 0;
	made_begin(&made, PERF_RECORD_FORK, 0);
	made_2u32(&made, 20, 10);
	made_2u32(&made, 21, 11);
	made_u64(&made, 9);
	made_trailer(&made, 10, 11, 9, 1);
	REQUIRE_INT(decode(false, false, &event), DECODE_EVENT);
	CHECK_INT(event.type, EVENT_FORK);
	CHECK_UINT(event.pid, 20);
	CHECK_UINT(event.tid, 21);
	CHECK_UINT(event.fork.ppid, 10);
	CHECK_UINT(event.fork.ptid, 11);
	made.bytes[0] = PERF_RECORD_EXIT;
	REQUIRE_INT(decode(false, false, &event), DECODE_EVENT);
	CHECK_INT(event.type, EVENT_EXIT);
	CHECK_UINT(event.tid, 21);
}

/*
 * Every cut of every kind of record: refused, or sound in what it claims; never read past its end.
 */
static void cut_records(void)
{
	struct event event;

	for (int kind = 0; kind < 3; kind++) {
		made.n = 0;
		if (kind == 0) {
			made_sample_head(&made, PERF_RECORD_MISC_KERNEL, 1, 1, 1);
			made_u64(&made, 2);
			made_u64(&made, (uint64_t)PERF_CONTEXT_KERNEL);
			made_u64(&made, 5);
			made_regs(&made, 17, PERF_SAMPLE_REGS_ABI_64);
			made_stack(&made, 64, 8);
			made_end(&made);
		} else if (kind == 1) {
			make_mmap_by_inode(5, 0x800);
		} else {
			made_fork(&made, 5, 6);
		}
		for (size_t n = 0; n < made.n; n++) {
			struct decode_layout l = layout(true, true);
			uint8_t *exact = aligned_alloc(8, (n + 8) & ~(size_t)7);
			uint16_t size = (uint16_t)n;

			memcpy(exact, made.bytes, n);
			if (n >= 8)
				memcpy(exact + 6, &size, 2);
			enum decode_result r = decode_record(&l, exact, n, &event);
			if (kind == 0)
				CHECK_TRUE(r == DECODE_BAD || r == DECODE_BAD_SAMPLE,
					   "cut to %zu of %zu", n, made.n);
			free(exact);
		}
	}
}

static void lying_counts(void)
{
	struct event event;
	static const uint64_t lies[] = { 1000, UINT64_C(1) << 61, UINT64_MAX / 8 + 1, UINT64_MAX };

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		made.n = 0;
		made_sample_head(&made, PERF_RECORD_MISC_KERNEL, 1, 1, 1);
		made_u64(&made, lies[i]);
		made_regs(&made, 17, PERF_SAMPLE_REGS_ABI_NONE);
		made_end(&made);
		CHECK_INT(decode(true, false, &event), DECODE_BAD_SAMPLE);

		made.n = 0;
		made_sample_head(&made, PERF_RECORD_MISC_USER, 1, 1, 1);
		made_regs(&made, 17, PERF_SAMPLE_REGS_ABI_64);
		made_u64(&made, lies[i]);
		made_end(&made);
		CHECK_INT(decode(false, true, &event), DECODE_BAD_SAMPLE);

		made.n = 0;
		made_sample_head(&made, PERF_RECORD_MISC_USER, 1, 1, 1);
		made_regs(&made, 17, PERF_SAMPLE_REGS_ABI_64);
		made_stack(&made, 64, 8);
		memcpy(made.bytes + made.n - 8, &lies[i], 8); /* dyn_size */
		made_end(&made);
		CHECK_INT(decode(false, true, &event), DECODE_BAD_SAMPLE);
	}
}

static void switches(void)
{
	static const struct {
		uint16_t misc;
		enum switch_kind kind;
	} cases[] = {
		{ 0, SWITCH_IN },
		{ PERF_RECORD_MISC_SWITCH_OUT, SWITCH_OUT_ASLEEP },
		{ PERF_RECORD_MISC_SWITCH_OUT | PERF_RECORD_MISC_SWITCH_OUT_PREEMPT,
		  SWITCH_OUT_RUNNABLE },
	};
	struct event event;

	for (unsigned int wide = 0; wide < 2; wide++) {
		for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
			made.n = 0;
			made_begin(&made, wide ? PERF_RECORD_SWITCH_CPU_WIDE : PERF_RECORD_SWITCH,
				   cases[i].misc);
			if (wide)
				made_2u32(&made, 1, 2); /* who came next or before */
			made_trailer(&made, 10, 11, 5000, 3);
			REQUIRE_INT(decode(false, false, &event), DECODE_EVENT);
			CHECK_INT(event.type, EVENT_SWITCH);
			CHECK_INT(event.switched.kind, cases[i].kind);
			CHECK_UINT(event.pid, 10);
			CHECK_UINT(event.tid, 11);
			CHECK_UINT(event.time_ns, 5000);
			CHECK_UINT(event.cpu, 3);
		}
	}
}

/* Raw bytes of sched:sched_wakeup: the thread that was woken is at 24. */
static void wakeups(void)
{
	struct decode_source source = { .raw = true,
					.wakeup = true,
					.period = 1,
					.value = DECODE_VALUE_RAW,
					.value_at = 24,
					.value_bytes = 4 };
	struct decode_layout l = { .regs = perf_regs_of(MACHINE_X86_64),
				   .source = &source,
				   .n_sources = 1 };
	struct event event;

	made.n = 0;
	made_sample_head(&made, PERF_RECORD_MISC_KERNEL, 1, 10, 5000);
	made.n -= 8; /* no period */
	made_2u32(&made, 36, 0);
	made_u64(&made, 0);
	made_u64(&made, 0);
	made_2u32(&made, 0, 4242);
	made_2u32(&made, 120, 1);
	made_end(&made);
	REQUIRE_INT(decode_record(&l, made.bytes, made.n, &event), DECODE_EVENT);
	CHECK_INT(event.type, EVENT_SWITCH);
	CHECK_INT(event.switched.kind, SWITCH_WOKEN);
	CHECK_UINT(event.pid, 0);
	CHECK_UINT(event.tid, 4242);
	CHECK_UINT(event.time_ns, 5000);
}

/* Those of the processes that our pid namespace does not show: they are not one process. */
static void others_namespaces(void)
{
	struct event event;

	made.n = 0;
	made_begin(&made, PERF_RECORD_COMM, PERF_RECORD_MISC_COMM_EXEC);
	made_2u32(&made, 0, 0);
	made_text(&made, "elsewhere");
	made_trailer(&made, 0, 0, 9, 1);
	CHECK_INT(decode(false, false, &event), DECODE_SKIP);
	make_mmap_by_inode(5, 0x800);
	memset(made.bytes + sizeof(struct perf_event_header), 0, 8);
	CHECK_INT(decode(false, false, &event), DECODE_SKIP);
	made.n = 0;
	made_begin(&made, PERF_RECORD_FORK, 0);
	made_2u32(&made, 20, 0); /* one that came in from outside */
	made_2u32(&made, 21, 0);
	made_u64(&made, 9);
	made_trailer(&made, 0, 0, 9, 1);
	CHECK_INT(decode(false, false, &event), DECODE_EVENT);
}

SUITE(kernel_decode, { "switches say who left or came, and how", switches },
      { "a wakeup names the woken, not the waker", wakeups },
      { "a sample's fields are found", sample_fields },
      { "a sample is of the source that its identifier names, weighted as asked",
	samples_find_their_source },
      { "registers are numbered as DWARF does", registers_by_dwarf_number },
      { "each machine's mask has as many bits as registers", masks_count_their_registers },
      { "only the kernel's part of a call chain is taken", kernel_chain },
      { "a call chain that is too long is cut", kernel_chain_is_bounded },
      { "a stack copied in full length is marked as cut", full_stack_is_cut },
      { "a kernel thread has neither registers nor stack", no_stack },
      { "a 32-bit program has no stack for us", compat_has_no_stack },
      { "a mapping has the kernel's build-id", mmap_with_build_id },
      { "a mapping without build-id has its inode, and only code counts", mmap_with_inode },
      { "a name with exec", comm_and_exec }, { "fork and exit", fork_and_exit },
      { "what is told of processes outside the pid namespace is left out", others_namespaces },
      { "records cut anywhere are refused", cut_records },
      { "counts that lie are refused", lying_counts }, )
