/*
 * One CFI state -> one compiled rule. Whatever is not exactly one of the forms below becomes
 * TABLE_EXACT.
 */
#include <dwarf.h>

#include "report/unwind/table.h"

/* DW_OP_bregN off; DW_OP_deref with nothing else */
static bool is_breg_deref(struct cursor c, uint64_t reg, int64_t *ret_off)
{
	if (cursor_u8(&c) != DW_OP_breg0 + reg)
		return false;
	*ret_off = cursor_sleb(&c);
	return cursor_u8(&c) == DW_OP_deref && !c.bad && cursor_left(&c) == 0;
}

static bool is_breg(struct cursor c, uint64_t reg, int64_t *ret_off)
{
	if (cursor_u8(&c) != DW_OP_breg0 + reg)
		return false;
	*ret_off = cursor_sleb(&c);
	return !c.bad && cursor_left(&c) == 0;
}

/*
 * What linkers write for lazy .plt: each 16-byte entry pushes a word from byte K on, K = 11, or 10
 * with endbr64:	breg7 8; breg16 0; lit15; and; litK; ge; lit3; shl; plus
 */
static bool is_plt(struct cursor c, int64_t *ret_off, uint8_t *ret_at)
{
	static const uint8_t before[] = { DW_OP_breg16, 0, DW_OP_lit15, DW_OP_and };
	static const uint8_t after[] = { DW_OP_ge, DW_OP_lit3, DW_OP_shl, DW_OP_plus };
	const uint8_t *p;

	if (cursor_u8(&c) != DW_OP_breg0 + X86_RSP)
		return false;
	*ret_off = cursor_sleb(&c);
	if (!cursor_take(&c, sizeof(before), &p) || memcmp(p, before, sizeof(before)) != 0)
		return false;
	*ret_at = (uint8_t)(cursor_u8(&c) - DW_OP_lit0);
	if (!cursor_take(&c, sizeof(after), &p) || memcmp(p, after, sizeof(after)) != 0)
		return false;
	return *ret_at < 16 && cursor_left(&c) == 0;
}

static struct cursor expr_of(const struct cfi_section *s, int64_t off, uint32_t n)
{
	return cursor_of(s->bytes + off, n);
}

static bool compile_cfa(const struct cfi_section *s, const struct cfi_state *state,
			struct table_rule *r)
{
	int64_t off = state->cfa_off;
	struct cursor expr;

	if (state->cfa == CFI_CFA_OFFSET) {
		if (state->cfa_reg == machine_sp(s->machine))
			r->kind = TABLE_SP;
		else if (state->cfa_reg == machine_fp(s->machine))
			r->kind = TABLE_FP;
		else
			return false;
	} else if (state->cfa == CFI_CFA_EXPR) {
		expr = expr_of(s, state->cfa_expr, state->cfa_expr_bytes);
		if (is_breg_deref(expr, machine_fp(s->machine), &off))
			r->kind = TABLE_FP_DEREF;
		else if (s->machine == MACHINE_X86_64 && is_plt(expr, &off, &r->plt_at))
			r->kind = TABLE_PLT;
		else
			return false;
	} else {
		return false;
	}
	r->cfa_off = (int32_t)off;
	return r->cfa_off == off;
}

static bool compile_ra(const struct cfi_section *s, const struct cfi_rule *ra, struct table_rule *r)
{
	if (ra->how == CFI_OFFSET) {
		r->ra_off = (int16_t)ra->off;
		return r->ra_off == ra->off;
	}
	if (s->machine == MACHINE_AARCH64 && (ra->how == CFI_UNSPECIFIED || ra->how == CFI_SAME)) {
		r->flags |= TABLE_RA_IN_LR;
		return true;
	}
	return false;
}

static bool compile_fp(const struct cfi_section *s, const struct cfi_rule *fp, struct table_rule *r)
{
	int64_t off = fp->off;

	switch (fp->how) {
	case CFI_UNSPECIFIED:
	case CFI_SAME:
	case CFI_UNDEFINED: /* then nobody above may depend on it */
		return true;
	case CFI_OFFSET:
		r->flags |= TABLE_FP_SAVED;
		break;
	case CFI_EXPR:
		if (!is_breg(expr_of(s, fp->off, fp->expr_bytes), machine_fp(s->machine), &off))
			return false;
		r->flags |= TABLE_FP_SAVED | TABLE_FP_AT_FP;
		break;
	default:
		return false;
	}
	r->fp_off = (int16_t)off;
	return r->fp_off == off;
}

struct table_rule table_compile(const struct cfi_section *s, const struct cfi_cie *cie,
				const struct cfi_state *state)
{
	const struct cfi_rule *sp = &state->rule[TABLE_SLOT_SP];
	const struct cfi_rule *ra = &state->rule[TABLE_SLOT_RA];
	uint8_t signal = cie->signal ? TABLE_SIGNAL : 0;
	struct table_rule r = { .flags = signal };
	bool sp_is_cfa = sp->how == CFI_UNSPECIFIED || (sp->how == CFI_VAL_OFFSET && sp->off == 0);

	if (ra->how == CFI_UNDEFINED)
		return (struct table_rule){ .kind = TABLE_ROOT };
	if (sp_is_cfa && compile_cfa(s, state, &r) && compile_ra(s, ra, &r) &&
	    compile_fp(s, &state->rule[TABLE_SLOT_FP], &r))
		return r;
	return (struct table_rule){ .kind = TABLE_EXACT, .flags = signal };
}
