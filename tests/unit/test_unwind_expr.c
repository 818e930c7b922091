/* report/unwind/expr.c: expressions and what they must give. */
#include "report/unwind/expr.h"

#include <dwarf.h>

#include "common/base/bits.h"
#include "common/format/event.h"
#include "tests/unit/check.h"

enum { STACK_ADDR = 0x7000 };

/* Word at addr is addr + 1 within one page. */
static bool read_page(void *ctx, uint64_t addr, unsigned int n_bytes, uint64_t *ret)
{
	(void)ctx;
	if (addr < STACK_ADDR || addr >= STACK_ADDR + 0x1000)
		return false;
	*ret = addr + 1;
	if (n_bytes < 8)
		*ret &= ((uint64_t)1 << 8 * n_bytes) - 1;
	return true;
}

static enum expr_result run(const uint8_t *bytes, size_t n, const uint64_t *first, uint64_t *ret)
{
	struct regs regs = { .mask = 1 << X86_RSP | 1 << X86_RBP | 1 << X86_PC };

	regs.value[X86_RSP] = STACK_ADDR;
	regs.value[X86_RBP] = STACK_ADDR + 0x100;
	regs.value[X86_PC] = 0x40102b;
	return expr_run(bytes, n, &regs, first, read_page, NULL, ret);
}

static const struct {
	const char *what;
	uint8_t n, bytes[24];
	uint64_t want;
} values[] = {
	{ "literals", 1, { DW_OP_lit31 }, 31 },
	{ "const1s", 2, { DW_OP_const1s, 0xff }, UINT64_MAX },
	{ "const2u", 3, { DW_OP_const2u, 0x34, 0x12 }, 0x1234 },
	{ "const4s", 5, { DW_OP_const4s, 0xff, 0xff, 0xff, 0xff }, UINT64_MAX },
	{ "const8u", 9, { DW_OP_const8u, 1, 2, 3, 4, 5, 6, 7, 8 }, 0x0807060504030201 },
	{ "constu", 3, { DW_OP_constu, 0x80, 0x01 }, 128 },
	{ "consts", 2, { DW_OP_consts, 0x7f }, UINT64_MAX },
	{ "addr", 9, { DW_OP_addr, 0, 0x10 }, 0x1000 },
	{ "breg", 3, { DW_OP_breg7, 0xa0, 0x01 }, STACK_ADDR + 160 },
	{ "breg with a negative offset", 2, { DW_OP_breg6, 0x78 }, STACK_ADDR + 0xf8 },
	{ "bregx", 3, { DW_OP_bregx, 7, 8 }, STACK_ADDR + 8 },
	{ "deref", 3, { DW_OP_breg7, 8, DW_OP_deref }, STACK_ADDR + 9 },
	{ "deref_size", 4, { DW_OP_breg7, 8, DW_OP_deref_size, 1 }, 9 },
	{ "dup plus", 3, { DW_OP_lit5, DW_OP_dup, DW_OP_plus }, 10 },
	{ "over minus", 4, { DW_OP_lit9, DW_OP_lit2, DW_OP_over, DW_OP_minus }, (uint64_t)-7 },
	{ "pick", 5, { DW_OP_lit7, DW_OP_lit8, DW_OP_lit9, DW_OP_pick, 2 }, 7 },
	{ "swap", 4, { DW_OP_lit7, DW_OP_lit8, DW_OP_swap, DW_OP_minus }, 1 },
	{ "rot", 4, { DW_OP_lit1, DW_OP_lit2, DW_OP_lit3, DW_OP_rot }, 2 },
	{ "drop", 3, { DW_OP_lit1, DW_OP_lit2, DW_OP_drop }, 1 },
	{ "abs neg not", 4, { DW_OP_lit5, DW_OP_neg, DW_OP_abs, DW_OP_not }, ~(uint64_t)5 },
	{ "div is signed", 4, { DW_OP_lit7, DW_OP_neg, DW_OP_lit2, DW_OP_div }, (uint64_t)-3 },
	{ "mod", 3, { DW_OP_lit7, DW_OP_lit4, DW_OP_mod }, 3 },
	{ "mul", 3, { DW_OP_lit7, DW_OP_lit4, DW_OP_mul }, 28 },
	{ "and or xor", 5, { DW_OP_lit12, DW_OP_lit10, DW_OP_and, DW_OP_lit1, DW_OP_or }, 9 },
	{ "shl by 64", 4, { DW_OP_lit1, DW_OP_const1u, 64, DW_OP_shl }, 0 },
	{ "shr", 3, { DW_OP_lit16, DW_OP_lit2, DW_OP_shr }, 4 },
	{ "shra keeps the sign",
	  4,
	  { DW_OP_lit8, DW_OP_neg, DW_OP_lit2, DW_OP_shra },
	  (uint64_t)-2 },
	{ "plus_uconst", 3, { DW_OP_lit1, DW_OP_plus_uconst, 5 }, 6 },
	{ "comparisons are signed", 4, { DW_OP_lit1, DW_OP_neg, DW_OP_lit1, DW_OP_lt }, 1 },
	{ "skip", 6, { DW_OP_lit1, DW_OP_skip, 1, 0, DW_OP_lit2, DW_OP_nop }, 1 },
	{ "bra taken", 7, { DW_OP_lit3, DW_OP_lit1, DW_OP_bra, 1, 0, DW_OP_lit2, DW_OP_nop }, 3 },
	{ "bra not taken", 6, { DW_OP_lit3, DW_OP_lit0, DW_OP_bra, 1, 0, DW_OP_lit2 }, 2 },
	/* .plt: rsp + 8 + (((rip & 15) >= 11) << 3); rip ends in b */
	{ "procedure linkage table",
	  11,
	  { DW_OP_breg7, 8, DW_OP_breg16, 0, DW_OP_lit15, DW_OP_and, DW_OP_lit11, DW_OP_ge,
	    DW_OP_lit3, DW_OP_shl, DW_OP_plus },
	  STACK_ADDR + 16 },
};

static void gives_values(void)
{
	for (size_t i = 0; i < N_ELEMENTS(values); i++) {
		uint64_t got = 0;

		CHECK_TRUE(run(values[i].bytes, values[i].n, NULL, &got) == EXPR_OK, "%s",
			   values[i].what);
		CHECK_TRUE(got == values[i].want, "%s: %#jx", values[i].what, (uintmax_t)got);
	}
}

static const struct {
	const char *what;
	uint8_t n, bytes[8];
	enum expr_result want;
} refused[] = {
	{ "empty", 0, { 0 }, EXPR_BAD },
	{ "underflow", 1, { DW_OP_plus }, EXPR_BAD },
	{ "drop of nothing", 1, { DW_OP_drop }, EXPR_BAD },
	{ "rot of two", 3, { DW_OP_lit1, DW_OP_lit2, DW_OP_rot }, EXPR_BAD },
	{ "pick too deep", 3, { DW_OP_lit1, DW_OP_pick, 1 }, EXPR_BAD },
	{ "division by zero", 3, { DW_OP_lit1, DW_OP_lit0, DW_OP_div }, EXPR_BAD },
	{ "modulo zero", 3, { DW_OP_lit1, DW_OP_lit0, DW_OP_mod }, EXPR_BAD },
	{ "a cut operand", 3, { DW_OP_const4u, 1, 2 }, EXPR_BAD },
	{ "an endless loop", 3, { DW_OP_skip, 0xfd, 0xff }, EXPR_BAD },
	{ "a stack that never ends", 4, { DW_OP_lit1, DW_OP_skip, 0xfc, 0xff }, EXPR_BAD },
	{ "a jump before the start", 4, { DW_OP_lit1, DW_OP_skip, 0x00, 0x80 }, EXPR_BAD },
	{ "a jump behind the end", 4, { DW_OP_lit1, DW_OP_skip, 1, 0 }, EXPR_BAD },
	{ "deref_size 0", 3, { DW_OP_breg7, 0, DW_OP_deref_size }, EXPR_BAD },
	{ "call_frame_cfa", 1, { DW_OP_call_frame_cfa }, EXPR_BAD },
	{ "entry_value", 3, { DW_OP_entry_value, 1, DW_OP_reg5 }, EXPR_BAD },
	{ "a register name", 1, { DW_OP_reg6 }, EXPR_BAD },
	{ "fbreg", 2, { DW_OP_fbreg, 0 }, EXPR_BAD },
	{ "stack_value", 2, { DW_OP_lit1, DW_OP_stack_value }, EXPR_BAD },
	{ "piece", 3, { DW_OP_lit1, DW_OP_piece, 4 }, EXPR_BAD },
	{ "a register that is not known", 2, { DW_OP_breg3, 0 }, EXPR_NO_REGISTER },
	{ "a register that no machine has", 4, { DW_OP_bregx, 0xff, 0x7f, 0 }, EXPR_NO_REGISTER },
	{ "memory that is not there", 2, { DW_OP_lit8, DW_OP_deref }, EXPR_NO_MEMORY },
};

static void refuses(void)
{
	for (size_t i = 0; i < N_ELEMENTS(refused); i++) {
		uint64_t got = 0;
		enum expr_result r = run(refused[i].bytes, refused[i].n, NULL, &got);

		CHECK_TRUE(r == refused[i].want, "%s: %d", refused[i].what, r);
		if (r == EXPR_NO_MEMORY)
			CHECK_UINT(got, 8);
	}
}

static void starts_with_a_value(void)
{
	static const uint8_t bytes[] = { DW_OP_plus_uconst, 8 };
	uint64_t first = 100, got = 0;

	CHECK_INT(run(bytes, sizeof(bytes), &first, &got), EXPR_OK);
	CHECK_UINT(got, 108);
	CHECK_INT(run(bytes, 0, &first, &got), EXPR_OK);
	CHECK_UINT(got, 100);
}

static void smallest_divided_by_minus_one(void)
{
	static const uint8_t bytes[] = { DW_OP_lit1,	DW_OP_const1u, 63,	 DW_OP_shl,
					 DW_OP_const1s, 0xff,	       DW_OP_div };
	uint64_t got = 0;

	CHECK_INT(run(bytes, sizeof(bytes), NULL, &got), EXPR_OK);
	CHECK_UINT(got, (uint64_t)1 << 63);
}

SUITE(unwind_expr,
	{ "operations give the values of the standard", gives_values },
	{ "what is invalid or has no meaning in a frame is refused", refuses },
	{ "a register's expression starts with the CFA", starts_with_a_value },
	{ "the smallest number divided by -1 does not trap", smallest_divided_by_minus_one },
)
