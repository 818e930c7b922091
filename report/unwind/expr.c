#include "report/unwind/expr.h"

#include <dwarf.h>

#include "common/base/cursor.h"
#include "common/format/event.h"

struct expr {
	struct cursor c;
	const uint8_t *begin;
	const struct regs *regs;
	expr_read *read;
	void *ctx;
	uint64_t stack[EXPR_STACK_MAX];
	uint32_t n;
	uint64_t missing; /* address that could not be read */
};

static enum expr_result push(struct expr *x, uint64_t v)
{
	if (x->n == EXPR_STACK_MAX)
		return EXPR_BAD;
	x->stack[x->n++] = v;
	return EXPR_OK;
}

static enum expr_result push_register(struct expr *x, uint64_t reg, int64_t off)
{
	if (reg >= REGS_MAX || !(x->regs->mask >> reg & 1))
		return EXPR_NO_REGISTER;
	return push(x, x->regs->value[reg] + (uint64_t)off);
}

/* i = 0 is the top. */
static enum expr_result push_copy(struct expr *x, uint64_t i)
{
	return i < x->n ? push(x, x->stack[x->n - 1 - i]) : EXPR_BAD;
}

static enum expr_result deref(struct expr *x, uint8_t n_bytes)
{
	uint64_t *top;

	if (x->n == 0 || n_bytes == 0 || n_bytes > 8)
		return EXPR_BAD;
	top = &x->stack[x->n - 1];
	if (x->read(x->ctx, *top, n_bytes, top))
		return EXPR_OK;
	x->missing = *top;
	return EXPR_NO_MEMORY;
}

static enum expr_result jump(struct expr *x, bool taken)
{
	int64_t by = (int16_t)cursor_u16(&x->c);

	if (x->c.bad)
		return EXPR_BAD;
	if (!taken)
		return EXPR_OK;
	if (by > x->c.end - x->c.at || by < x->begin - x->c.at)
		return EXPR_BAD;
	x->c.at += by;
	return EXPR_OK;
}

static enum expr_result rotate(struct expr *x)
{
	uint64_t *s = &x->stack[x->n];
	uint64_t top;

	if (x->n < 3)
		return EXPR_BAD;
	top = s[-1];
	s[-1] = s[-2];
	s[-2] = s[-3];
	s[-3] = top;
	return EXPR_OK;
}

static enum expr_result swap(struct expr *x)
{
	uint64_t *s = &x->stack[x->n];
	uint64_t top;

	if (x->n < 2)
		return EXPR_BAD;
	top = s[-1];
	s[-1] = s[-2];
	s[-2] = top;
	return EXPR_OK;
}

static enum expr_result one_operand(struct expr *x, uint8_t op)
{
	uint64_t *v;

	if (x->n == 0)
		return EXPR_BAD;
	v = &x->stack[x->n - 1];
	if (op == DW_OP_neg || (op == DW_OP_abs && (int64_t)*v < 0))
		*v = -*v;
	else if (op == DW_OP_not)
		*v = ~*v;
	else if (op == DW_OP_plus_uconst)
		*v += cursor_uleb(&x->c);
	return EXPR_OK;
}

static enum expr_result two_operands(struct expr *x, uint8_t op)
{
	uint64_t a, b, v;

	if (x->n < 2)
		return EXPR_BAD;
	b = x->stack[--x->n];
	a = x->stack[x->n - 1];
	switch (op) {
	case DW_OP_and:
		v = a & b;
		break;
	case DW_OP_div:
		if (b == 0)
			return EXPR_BAD;
		v = b == UINT64_MAX ? -a : (uint64_t)((int64_t)a / (int64_t)b);
		break;
	case DW_OP_minus:
		v = a - b;
		break;
	case DW_OP_mod:
		if (b == 0)
			return EXPR_BAD;
		v = a % b;
		break;
	case DW_OP_mul:
		v = a * b;
		break;
	case DW_OP_or:
		v = a | b;
		break;
	case DW_OP_plus:
		v = a + b;
		break;
	case DW_OP_shl:
		v = b < 64 ? a << b : 0;
		break;
	case DW_OP_shr:
		v = b < 64 ? a >> b : 0;
		break;
	case DW_OP_shra:
		v = (uint64_t)((int64_t)a >> (b < 64 ? b : 63));
		break;
	case DW_OP_xor:
		v = a ^ b;
		break;
	case DW_OP_eq:
		v = a == b;
		break;
	case DW_OP_ne:
		v = a != b;
		break;
	case DW_OP_ge:
		v = (int64_t)a >= (int64_t)b;
		break;
	case DW_OP_gt:
		v = (int64_t)a > (int64_t)b;
		break;
	case DW_OP_le:
		v = (int64_t)a <= (int64_t)b;
		break;
	case DW_OP_lt:
		v = (int64_t)a < (int64_t)b;
		break;
	default:
		return EXPR_BAD;
	}
	x->stack[x->n - 1] = v;
	return EXPR_OK;
}

static enum expr_result step(struct expr *x)
{
	struct cursor *c = &x->c;
	uint8_t op = cursor_u8(c);
	uint64_t reg;

	if (op >= DW_OP_lit0 && op <= DW_OP_lit31)
		return push(x, op - DW_OP_lit0);
	if (op >= DW_OP_breg0 && op <= DW_OP_breg31)
		return push_register(x, op - DW_OP_breg0, cursor_sleb(c));
	switch (op) {
	case DW_OP_nop:
		return EXPR_OK;
	case DW_OP_addr:
	case DW_OP_const8u:
	case DW_OP_const8s:
		return push(x, cursor_u64(c));
	case DW_OP_const1u:
		return push(x, cursor_u8(c));
	case DW_OP_const1s:
		return push(x, (uint64_t)(int64_t)(int8_t)cursor_u8(c));
	case DW_OP_const2u:
		return push(x, cursor_u16(c));
	case DW_OP_const2s:
		return push(x, (uint64_t)(int64_t)(int16_t)cursor_u16(c));
	case DW_OP_const4u:
		return push(x, cursor_u32(c));
	case DW_OP_const4s:
		return push(x, (uint64_t)(int64_t)(int32_t)cursor_u32(c));
	case DW_OP_constu:
		return push(x, cursor_uleb(c));
	case DW_OP_consts:
		return push(x, (uint64_t)cursor_sleb(c));
	case DW_OP_bregx:
		reg = cursor_uleb(c);
		return push_register(x, reg, cursor_sleb(c));
	case DW_OP_deref:
		return deref(x, 8);
	case DW_OP_deref_size:
		return deref(x, cursor_u8(c));
	case DW_OP_dup:
		return push_copy(x, 0);
	case DW_OP_over:
		return push_copy(x, 1);
	case DW_OP_pick:
		return push_copy(x, cursor_u8(c));
	case DW_OP_drop:
		return x->n ? (x->n--, EXPR_OK) : EXPR_BAD;
	case DW_OP_swap:
		return swap(x);
	case DW_OP_rot:
		return rotate(x);
	case DW_OP_abs:
	case DW_OP_neg:
	case DW_OP_not:
	case DW_OP_plus_uconst:
		return one_operand(x, op);
	case DW_OP_skip:
		return jump(x, true);
	case DW_OP_bra:
		if (x->n == 0)
			return EXPR_BAD;
		return jump(x, x->stack[--x->n] != 0);
	default:
		return two_operands(x, op);
	}
}

enum expr_result expr_run(const uint8_t *bytes, size_t n, const struct regs *regs,
			  const uint64_t *first, expr_read *read, void *ctx, uint64_t *ret)
{
	struct expr x = {
		.c = cursor_of(bytes, n),
		.begin = bytes,
		.regs = regs,
		.read = read,
		.ctx = ctx,
	};
	enum expr_result r;

	if (first)
		x.stack[x.n++] = *first;
	for (int fuel = EXPR_STEPS_MAX; x.c.at < x.c.end; fuel--) {
		if (fuel == 0)
			return EXPR_BAD;
		r = step(&x);
		if (x.c.bad)
			return EXPR_BAD;
		if (r == EXPR_NO_MEMORY)
			*ret = x.missing;
		if (r != EXPR_OK)
			return r;
	}
	if (x.n == 0)
		return EXPR_BAD;
	*ret = x.stack[x.n - 1];
	return EXPR_OK;
}
