/* Call frame programs: one switch, states as plain arrays, nothing allocated. */
#include "report/unwind/cfi.h"

#include <dwarf.h>
#include <string.h>

enum { DW_CFA_negate_ra_state = 0x2d, DW_CFA_negate_ra_state_with_pc = 0x2c };

/* What one instruction did. */
enum step { STEP_ON, STEP_ADVANCED, STEP_BAD };

#define SLOT(r) [r] = (r)
const struct cfi_slots cfi_all_slots = {
	.n = REGS_MAX,
	.slot = { SLOT(0),  SLOT(1),  SLOT(2),	SLOT(3),  SLOT(4),  SLOT(5),  SLOT(6),
		  SLOT(7),  SLOT(8),  SLOT(9),	SLOT(10), SLOT(11), SLOT(12), SLOT(13),
		  SLOT(14), SLOT(15), SLOT(16), SLOT(17), SLOT(18), SLOT(19), SLOT(20),
		  SLOT(21), SLOT(22), SLOT(23), SLOT(24), SLOT(25), SLOT(26), SLOT(27),
		  SLOT(28), SLOT(29), SLOT(30), SLOT(31), SLOT(32) },
};

static void state_copy(struct cfi_state *to, const struct cfi_state *from, uint8_t n_slots)
{
	memcpy(to, from, offsetof(struct cfi_state, rule) + n_slots * sizeof(from->rule[0]));
}

/* NULL: a register that is not followed (vector registers, say). */
static inline struct cfi_rule *rule_of(struct cfi_run *run, uint64_t reg)
{
	if (reg >= REGS_MAX || run->slots->slot[reg] == UINT8_MAX)
		return NULL;
	return &run->state.rule[run->slots->slot[reg]];
}

static inline void set_rule(struct cfi_run *run, uint64_t reg, enum cfi_how how, int64_t off)
{
	struct cfi_rule *rule = rule_of(run, reg);

	if (rule)
		*rule = (struct cfi_rule){ .how = (uint8_t)how, .off = off };
}

/* Factored offsets of hostile programs may overflow: they wrap, as unsigned numbers do. */
static inline int64_t scaled(const struct cfi_run *run, uint64_t factor)
{
	return (int64_t)(factor * (uint64_t)run->cie->data_align);
}

static inline void restore(struct cfi_run *run, uint64_t reg)
{
	struct cfi_rule *rule = rule_of(run, reg);

	if (rule)
		*rule = run->initial.rule[run->slots->slot[reg]];
}

static bool take_expr(struct cfi_run *run, int64_t *ret_off, uint32_t *ret_bytes)
{
	uint64_t n = cursor_uleb(&run->at);
	const uint8_t *p;

	if (n > UINT32_MAX || !cursor_take(&run->at, n, &p))
		return false;
	*ret_off = p - run->section->bytes;
	*ret_bytes = (uint32_t)n;
	return true;
}

static enum step set_expr_rule(struct cfi_run *run, enum cfi_how how)
{
	uint64_t reg = cursor_uleb(&run->at);
	struct cfi_rule made = { .how = (uint8_t)how };
	struct cfi_rule *rule = rule_of(run, reg);

	if (!take_expr(run, &made.off, &made.expr_bytes))
		return STEP_BAD;
	if (rule)
		*rule = made;
	return STEP_ON;
}

static enum step set_cfa(struct cfi_run *run, uint64_t reg, int64_t off)
{
	run->state.cfa = CFI_CFA_OFFSET;
	run->state.cfa_reg = (uint32_t)MIN(reg, (uint64_t)UINT32_MAX);
	run->state.cfa_off = off;
	return STEP_ON;
}

/*
 * An offset alone means nothing after an expression. A register alone does: libgcrypt's
 * assembler code goes back from an expression to the offset before it, and unwinders agree to
 * follow.
 */
static enum step set_cfa_off(struct cfi_run *run, int64_t off)
{
	if (run->state.cfa != CFI_CFA_OFFSET)
		return STEP_BAD;
	run->state.cfa_off = off;
	return STEP_ON;
}

static enum step set_cfa_reg(struct cfi_run *run, uint64_t reg)
{
	return run->state.cfa == CFI_CFA_NONE ? STEP_BAD : set_cfa(run, reg, run->state.cfa_off);
}

static enum step advance_to(struct cfi_run *run, uint64_t loc)
{
	if (loc < run->loc)
		return STEP_BAD;
	run->loc = loc;
	return STEP_ADVANCED;
}

static enum step advance(struct cfi_run *run, uint64_t delta)
{
	uint64_t bytes, loc;

	if (__builtin_mul_overflow(delta, run->cie->code_align, &bytes) ||
	    __builtin_add_overflow(run->loc, bytes, &loc))
		return STEP_BAD;
	return advance_to(run, loc);
}

static enum step set_loc(struct cfi_run *run)
{
	const struct cfi_section *s = run->section;
	uint64_t at = s->addr + (uint64_t)(run->at.at - s->bytes), loc;

	if (!cfi_pointer(s, &run->at, run->cie->fde_encoding, at, &loc))
		return STEP_BAD;
	return advance_to(run, loc);
}

static enum step remember(struct cfi_run *run)
{
	if (run->n_remembered == CFI_REMEMBER_MAX)
		return STEP_BAD;
	state_copy(&run->remembered[run->n_remembered++], &run->state, run->slots->n);
	return STEP_ON;
}

static enum step recall(struct cfi_run *run)
{
	if (run->n_remembered == 0)
		return STEP_BAD;
	state_copy(&run->state, &run->remembered[--run->n_remembered], run->slots->n);
	return STEP_ON;
}

/* Instructions whose operand does not stand in the opcode byte. */
static enum step step_extended(struct cfi_run *run, uint8_t op, bool initial)
{
	struct cursor *c = &run->at;
	uint64_t reg;

	switch (op) {
	case DW_CFA_nop:
		return STEP_ON;
	case DW_CFA_set_loc:
		return set_loc(run);
	case DW_CFA_advance_loc1:
		return advance(run, cursor_u8(c));
	case DW_CFA_advance_loc2:
		return advance(run, cursor_u16(c));
	case DW_CFA_advance_loc4:
		return advance(run, cursor_u32(c));
	case DW_CFA_MIPS_advance_loc8:
		return advance(run, cursor_u64(c));
	case DW_CFA_offset_extended:
		reg = cursor_uleb(c);
		set_rule(run, reg, CFI_OFFSET, scaled(run, cursor_uleb(c)));
		return STEP_ON;
	case DW_CFA_offset_extended_sf:
		reg = cursor_uleb(c);
		set_rule(run, reg, CFI_OFFSET, scaled(run, (uint64_t)cursor_sleb(c)));
		return STEP_ON;
	case DW_CFA_GNU_negative_offset_extended:
		reg = cursor_uleb(c);
		set_rule(run, reg, CFI_OFFSET, scaled(run, -cursor_uleb(c)));
		return STEP_ON;
	case DW_CFA_val_offset:
		reg = cursor_uleb(c);
		set_rule(run, reg, CFI_VAL_OFFSET, scaled(run, cursor_uleb(c)));
		return STEP_ON;
	case DW_CFA_val_offset_sf:
		reg = cursor_uleb(c);
		set_rule(run, reg, CFI_VAL_OFFSET, scaled(run, (uint64_t)cursor_sleb(c)));
		return STEP_ON;
	case DW_CFA_restore_extended:
		if (initial)
			return STEP_BAD;
		restore(run, cursor_uleb(c));
		return STEP_ON;
	case DW_CFA_undefined:
		set_rule(run, cursor_uleb(c), CFI_UNDEFINED, 0);
		return STEP_ON;
	case DW_CFA_same_value:
		set_rule(run, cursor_uleb(c), CFI_SAME, 0);
		return STEP_ON;
	case DW_CFA_register:
		reg = cursor_uleb(c);
		set_rule(run, reg, CFI_REGISTER, (int64_t)cursor_uleb(c));
		return STEP_ON;
	case DW_CFA_remember_state:
		return remember(run);
	case DW_CFA_restore_state:
		return recall(run);
	case DW_CFA_def_cfa:
		reg = cursor_uleb(c);
		return set_cfa(run, reg, (int64_t)cursor_uleb(c));
	case DW_CFA_def_cfa_sf:
		reg = cursor_uleb(c);
		return set_cfa(run, reg, scaled(run, (uint64_t)cursor_sleb(c)));
	case DW_CFA_def_cfa_register:
		return set_cfa_reg(run, cursor_uleb(c));
	case DW_CFA_def_cfa_offset:
		return set_cfa_off(run, (int64_t)cursor_uleb(c));
	case DW_CFA_def_cfa_offset_sf:
		return set_cfa_off(run, scaled(run, (uint64_t)cursor_sleb(c)));
	case DW_CFA_def_cfa_expression:
		run->state.cfa = CFI_CFA_EXPR;
		return take_expr(run, &run->state.cfa_expr, &run->state.cfa_expr_bytes) ? STEP_ON :
											  STEP_BAD;
	case DW_CFA_expression:
		return set_expr_rule(run, CFI_EXPR);
	case DW_CFA_val_expression:
		return set_expr_rule(run, CFI_VAL_EXPR);
	case DW_CFA_GNU_args_size: /* of interest to exceptions only */
		cursor_uleb(c);
		return STEP_ON;
	case DW_CFA_negate_ra_state:
	case DW_CFA_negate_ra_state_with_pc:
		/* Signed or not, the signature is stripped from every return address. */
		return run->section->machine == MACHINE_AARCH64 ? STEP_ON : STEP_BAD;
	default:
		return STEP_BAD;
	}
}

static inline enum step step(struct cfi_run *run, bool initial)
{
	uint8_t op = cursor_u8(&run->at);
	enum step r;

	switch (op >> 6) {
	case DW_CFA_advance_loc >> 6:
		r = advance(run, op & 0x3f);
		break;
	case DW_CFA_offset >> 6:
		set_rule(run, op & 0x3f, CFI_OFFSET, scaled(run, cursor_uleb(&run->at)));
		r = STEP_ON;
		break;
	case DW_CFA_restore >> 6:
		if (initial)
			return STEP_BAD;
		restore(run, op & 0x3f);
		r = STEP_ON;
		break;
	default:
		r = step_extended(run, op, initial);
	}
	return run->at.bad ? STEP_BAD : r;
}

bool cfi_run_cie(struct cfi_run *run, const struct cfi_section *s, const struct cfi_cie *cie,
		 const struct cfi_slots *slots)
{
	run->section = s;
	run->cie = cie;
	run->slots = slots;
	run->at = (struct cursor){ .at = cie->program, .end = cie->program_end };
	run->loc = 0;
	run->n_remembered = 0;
	memset(&run->state, 0, sizeof(run->state));
	while (run->at.at < run->at.end)
		if (step(run, true) != STEP_ON)
			return false;
	state_copy(&run->initial, &run->state, slots->n);
	return true;
}

void cfi_run_fde(struct cfi_run *run, const struct cfi_fde *fde)
{
	run->at = (struct cursor){ .at = fde->program, .end = fde->program_end };
	run->loc = fde->begin;
	run->end = fde->end;
	run->n_remembered = 0;
	state_copy(&run->state, &run->initial, run->slots->n);
}

/*
 * The state that holds from run->loc on is complete when an advance is met; the caller reads it
 * before the next call, so nothing is copied.
 */
enum cfi_next cfi_run_next(struct cfi_run *run, uint64_t *ret_begin, uint64_t *ret_end)
{
	uint64_t begin = run->loc;

	if (begin >= run->end)
		return CFI_NEXT_END;
	while (run->at.at < run->at.end) {
		switch (step(run, false)) {
		case STEP_ON:
			continue;
		case STEP_ADVANCED:
			if (run->loc == begin)
				continue;
			*ret_begin = begin;
			*ret_end = MIN(run->loc, run->end);
			return CFI_NEXT_ROW;
		case STEP_BAD:
			*ret_begin = begin;
			*ret_end = run->end;
			run->loc = run->end;
			return CFI_NEXT_BAD;
		}
	}
	*ret_begin = begin;
	*ret_end = run->end;
	run->loc = run->end;
	return CFI_NEXT_ROW;
}
