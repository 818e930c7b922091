/* One sample of a perf.data: every field, branches, stacks, damage. */
#include <stdlib.h>

#include "common/base/bits.h"
#include "tests/unit/perfdata_made.h"

#define ALL_FIELDS                                                                              \
	(MADE_TYPE | PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_ADDR | PERF_SAMPLE_ID |               \
	 PERF_SAMPLE_STREAM_ID | PERF_SAMPLE_CPU | PERF_SAMPLE_PERIOD | PERF_SAMPLE_CALLCHAIN | \
	 PERF_SAMPLE_RAW | PERF_SAMPLE_BRANCH_STACK | PERF_SAMPLE_REGS_USER |                   \
	 PERF_SAMPLE_STACK_USER | PERF_SAMPLE_WEIGHT | PERF_SAMPLE_DATA_SRC |                   \
	 PERF_SAMPLE_TRANSACTION | PERF_SAMPLE_REGS_INTR | PERF_SAMPLE_PHYS_ADDR |              \
	 PERF_SAMPLE_CGROUP)

enum { STACK_SIZE = 64, STACK_USED = 40, REGS = 20 };
static const uint64_t stack_pointer = 0x7ffc00001000;

/* ax bx cx dx si di bp sp ip flags cs ss r8..r15 are 100, 101, ...; but sp. */
static void put_regs_and_stack(struct made_perf *m, uint64_t sp)
{
	made_u64(m, PERF_SAMPLE_REGS_ABI_64);
	for (uint64_t i = 0; i < REGS; i++)
		made_u64(m, i == 7 ? sp : 100 + i);
	made_u64(m, STACK_SIZE);
	for (uint64_t i = 0; i < STACK_SIZE / 8; i++)
		made_u64(m, 0x1000 + i);
	made_u64(m, STACK_USED);
}

static struct made_perf file_with_all_fields(void)
{
	struct made_perf m = made_file(ALL_FIELDS);

	made_record(&m, PERF_RECORD_SAMPLE, PERF_RECORD_MISC_KERNEL);
	made_u64(&m, 7);		  /* identifier */
	made_u64(&m, 0xffffffff81000100); /* ip */
	made_u32(&m, 11);
	made_u32(&m, 12);
	made_u64(&m, 5000); /* time */
	made_u64(&m, 1);    /* addr */
	made_u64(&m, 7);
	made_u64(&m, 8); /* stream */
	made_u32(&m, 3);
	made_u32(&m, 0);
	made_u64(&m, 999); /* period */
	made_chain(&m);
	made_u32(&m, 12); /* raw: its bytes fill up to 8 */
	made_zeros(&m, 12);
	made_u64(&m, 1); /* branches */
	made_zeros(&m, 24);
	put_regs_and_stack(&m, stack_pointer);
	made_zeros(&m, 6 * 8);
	made_record_end(&m);
	return m;
}

static void all_fields(void)
{
	static const uint64_t kernel[] = { 0xffffffff81000100, 0xffffffff81000200 },
			      user[] = { 0x401000, 0x402000, 0x403000 };
	struct made_perf m = file_with_all_fields();
	struct recording *r = made_require_open(&m);
	const struct event *e = next(r, EVENT_SAMPLE);
	const struct event_sample *s = &e->sample;

	CHECK_UINT(e->time_ns, 5000);
	CHECK_UINT(e->pid, 11);
	CHECK_UINT(e->tid, 12);
	CHECK_UINT(e->cpu, 3);
	CHECK_UINT(s->period, 999);
	CHECK_TRUE(s->user && s->in_kernel && !s->stack_cut && !s->compat);
	REQUIRE_INT(s->n_kchain, 2);
	CHECK_MEM(s->kchain, kernel, sizeof(kernel));
	REQUIRE_INT(s->n_uchain, 3);
	CHECK_MEM(s->uchain, user, sizeof(user));
	CHECK_UINT(s->regs.mask, 0x1ffff);
	CHECK_UINT(s->regs.value[0], 100); /* rax */
	CHECK_UINT(s->regs.value[1], 103); /* rdx: DWARF's order is another one */
	CHECK_UINT(s->regs.value[X86_RBX], 101);
	CHECK_UINT(s->regs.value[X86_RBP], 106);
	CHECK_UINT(s->regs.value[X86_RSP], stack_pointer);
	CHECK_UINT(s->regs.value[8], 112); /* r8: behind flags, cs and ss */
	CHECK_UINT(s->regs.value[X86_PC], 108);
	CHECK_UINT(s->stack_bytes, STACK_USED);
	CHECK_UINT(s->view.lo, stack_pointer);
	REQUIRE_INT(s->view.hi, stack_pointer + STACK_USED);
	for (uint64_t i = 0; i < STACK_USED / 8; i++)
		CHECK_UINT(s->view.slot[((s->view.lo + i * 8) >> 3) & s->view.mask], 0x1000 + i);
	check_end(r);
	CHECK_UINT(recording_state(r)->counters.n[COUNTER_SAMPLES_STORED], 1);
	CHECK_TRUE(recording_state(r)->ended);
	CHECK_STR(recording_source(r, 0)->name, "cpu-clock");
	made_done(&m, r);
}

/* --call-graph lbr: branch records of the calls that have not returned. */
static void branch_records(void)
{
	static const uint64_t want[] = { 0x401000, 0x402005, 0x403005 },
			      in_kernel[] = { 0x400ff0, 0x402005, 0x403005 };

	for (int kernel = 0; kernel < 2; kernel++) {
		struct made_perf m = made_file(MADE_TYPE | PERF_SAMPLE_BRANCH_STACK);
		struct recording *r;
		const struct event_sample *s;

		made_set_u64(&m, MADE_FILE_HEADER + 72,
			     PERF_SAMPLE_BRANCH_CALL_STACK | PERF_SAMPLE_BRANCH_HW_INDEX);
		made_record(&m, PERF_RECORD_SAMPLE,
			    kernel ? PERF_RECORD_MISC_KERNEL : PERF_RECORD_MISC_USER);
		made_u64(&m, kernel ? 0xffffffff81000100 : 0x401000);
		made_task(&m, 1);
		made_u64(&m, 5000);
		made_u64(&m, 2);
		made_u64(&m, 0); /* hw_idx */
		made_u64(&m, 0x402004);
		made_u64(&m, 0x400ff0);
		made_u64(&m, 0);
		made_u64(&m, 0x403004);
		made_u64(&m, 0x402000);
		made_u64(&m, 0);
		made_record_end(&m);
		r = made_require_open(&m);
		s = &next(r, EVENT_SAMPLE)->sample;
		REQUIRE_INT(s->n_uchain, 3);
		CHECK_MEM(s->uchain, kernel ? in_kernel : want, sizeof(want));
		CHECK_INT(s->n_kchain, kernel);
		made_done(&m, r);
	}
}

/* The stack is read the same wherever it lies: in memory, and in the address space. */
static void odd_stacks(void)
{
	static const uint64_t sps[] = { stack_pointer, stack_pointer + 3, (UINT64_C(5) << 35) - 16,
					UINT64_C(1) << 35 };

	for (size_t k = 0; k < N_ELEMENTS(sps); k++) {
		struct made_perf m =
			made_file(MADE_TYPE | PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER);
		uint64_t lo = ALIGN_UP(sps[k], UINT64_C(8)),
			 hi = (sps[k] + STACK_USED) & ~UINT64_C(7);
		struct recording *r;
		const struct stack_view *v;

		made_record(&m, PERF_RECORD_SAMPLE, PERF_RECORD_MISC_USER);
		made_u64(&m, 0x401000);
		made_task(&m, 1);
		made_u64(&m, 5000);
		put_regs_and_stack(&m, sps[k]);
		made_record_end(&m);
		r = made_require_open(&m);
		v = &next(r, EVENT_SAMPLE)->sample.view;
		REQUIRE_INT(v->lo, lo);
		REQUIRE_INT(v->hi, hi);
		for (uint64_t addr = lo; addr < hi; addr += 8) {
			uint64_t off = addr - sps[k], want;
			uint8_t bytes[STACK_SIZE];

			for (uint64_t i = 0; i < STACK_SIZE / 8; i++)
				store_le64(bytes + i * 8, 0x1000 + i);
			want = load_le64(bytes + off);
			CHECK_UINT(v->slot[(addr >> 3) & v->mask], want);
		}
		made_done(&m, r);
	}
}

/* Cut anywhere, or with any 8 bytes at an extreme: no crash, and never two samples out of one. */
static void damaged_samples(void)
{
	static const uint64_t values[] = { 0,	       1,	   0x7fffffff,	     0x80000000,
					   UINT32_MAX, UINT64_MAX, UINT64_C(1) << 63 };
	struct made_perf whole = file_with_all_fields();

	for (size_t n = 0; n < whole.b.n; n++) {
		struct made_perf m = made_begin();
		struct recording *r = NULL;
		const struct event *event;
		struct err err = { 0 };

		buf_put(&m.b, whole.b.data, n);
		if (made_open(&m, &r, &err) == 0) {
			CHECK_INT(recording_next(r, &event), RECORDING_END);
			CHECK_TRUE(!recording_state(r)->ended, "cut after %zu bytes", n);
		} else {
			CHECK_TRUE(err.text[0] != 0);
		}
		made_done(&m, r);
	}
	made_set_u64(&whole, 48, whole.b.n - whole.data);
	for (size_t at = 0; at + 8 <= whole.b.n; at += 4)
		for (size_t v = 0; v < N_ELEMENTS(values); v++) {
			struct made_perf m = made_begin();
			struct recording *r = NULL;
			const struct event *event;
			unsigned int n = 0;

			buf_put(&m.b, whole.b.data, whole.b.n);
			made_set_u64(&m, at, values[v]);
			if (made_open(&m, &r, NULL) == 0)
				while (recording_next(r, &event) == RECORDING_EVENT)
					n += event->type == EVENT_SAMPLE;
			CHECK_TRUE(n <= 1, "%zu: %u samples", at, n);
			made_done(&m, r);
		}
	buf_done(&whole.b);
}

SUITE(read_perfdata_sample, { "all fields of a sample are found", all_fields },
      { "branch records of calls are a chain", branch_records },
      { "a stack reads the same wherever it lies", odd_stacks },
      { "a damaged sample is one or none", damaged_samples }, )
