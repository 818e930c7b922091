#include "report/unwind/exact.h"

#include "report/unwind/expr.h"
#include "report/unwind/memory.h"
#include "report/unwind/table.h"

struct frame_step {
	const struct table_row *row;
	const struct regs *from;
	const struct stack_view *view;
	uint64_t cfa, sp;
	uint64_t missing;
};

bool memory_read(void *ctx, uint64_t addr, unsigned int n_bytes, uint64_t *ret)
{
	const struct stack_view *v = ctx;
	unsigned int in = addr & 7;
	uint64_t word;

	if (in + n_bytes > 8 || !memory_word(v, addr - in, &word))
		return false;
	word >>= in * 8;
	*ret = n_bytes < 8 ? word & (((uint64_t)1 << n_bytes * 8) - 1) : word;
	return true;
}

static enum exact_result from_expr(enum expr_result r)
{
	switch (r) {
	case EXPR_OK:
		return EXACT_OK;
	case EXPR_NO_REGISTER:
		return EXACT_NEEDS_REGISTER;
	case EXPR_NO_MEMORY:
		return EXACT_NEEDS_MEMORY;
	default:
		return EXACT_BAD;
	}
}

static enum exact_result run_expr(struct frame_step *f, int64_t off, uint32_t n,
				  const uint64_t *first, uint64_t *ret)
{
	enum expr_result r = expr_run(f->row->section.bytes + off, n, f->from, first, memory_read,
				      (void *)f->view, ret);

	if (r == EXPR_NO_MEMORY)
		f->missing = *ret;
	return from_expr(r);
}

static enum exact_result find_cfa(struct frame_step *f)
{
	const struct cfi_state *s = &f->row->state;

	if (s->cfa == CFI_CFA_EXPR)
		return run_expr(f, s->cfa_expr, s->cfa_expr_bytes, NULL, &f->cfa);
	if (s->cfa != CFI_CFA_OFFSET || s->cfa_reg >= REGS_MAX)
		return EXACT_BAD;
	if (!(f->from->mask >> s->cfa_reg & 1))
		return EXACT_NEEDS_REGISTER;
	f->cfa = f->from->value[s->cfa_reg] + (uint64_t)s->cfa_off;
	return EXACT_OK;
}

static enum exact_result read_saved(struct frame_step *f, uint64_t addr, uint32_t reg,
				    uint64_t *ret)
{
	/*
	 * Epilogues do not say that a register was popped: its rule still names the slot, now below
	 * the stack pointer. The register has its value again.
	 */
	if (addr < f->sp && f->row->state.rule[reg].how == CFI_OFFSET) {
		*ret = f->from->value[reg];
		return f->from->mask >> reg & 1 ? EXACT_OK : EXACT_NEEDS_REGISTER;
	}
	f->missing = addr;
	return memory_word(f->view, addr, ret) ? EXACT_OK : EXACT_NEEDS_MEMORY;
}

static enum exact_result find_register(struct frame_step *f, uint32_t reg, uint64_t *ret)
{
	const struct cfi_rule *rule = &f->row->state.rule[reg];
	enum exact_result r;
	uint64_t addr;

	switch (rule->how) {
	case CFI_UNSPECIFIED:
	case CFI_SAME:
		*ret = f->from->value[reg];
		return f->from->mask >> reg & 1 ? EXACT_OK : EXACT_NEEDS_REGISTER;
	case CFI_OFFSET:
		return read_saved(f, f->cfa + (uint64_t)rule->off, reg, ret);
	case CFI_VAL_OFFSET:
		*ret = f->cfa + (uint64_t)rule->off;
		return EXACT_OK;
	case CFI_REGISTER:
		if (rule->off < 0 || rule->off >= REGS_MAX)
			return EXACT_BAD;
		*ret = f->from->value[rule->off];
		return f->from->mask >> rule->off & 1 ? EXACT_OK : EXACT_NEEDS_REGISTER;
	case CFI_EXPR:
		r = run_expr(f, rule->off, rule->expr_bytes, &f->cfa, &addr);
		return r == EXACT_OK ? read_saved(f, addr, reg, ret) : r;
	case CFI_VAL_EXPR:
		return run_expr(f, rule->off, rule->expr_bytes, &f->cfa, ret);
	default: /* CFI_UNDEFINED */
		return EXACT_NEEDS_REGISTER;
	}
}

enum exact_result exact_step(const struct table *t, uint64_t elf_addr, enum machine machine,
			     const struct stack_view *view, struct exact *x)
{
	uint32_t sp = machine_sp(machine), pc = machine_pc(machine), n = pc;
	struct table_row row;
	struct frame_step f = {
		.row = &row, .from = &x->regs, .view = view, .sp = x->regs.value[sp]
	};
	struct regs to = { 0 };
	enum exact_result r;
	uint64_t ra;

	if (!table_row(t, elf_addr, &row) || row.cie.ra >= REGS_MAX)
		return EXACT_BAD;
	if (row.state.rule[row.cie.ra].how == CFI_UNDEFINED)
		return EXACT_ROOT;
	if ((r = find_cfa(&f)) == EXACT_OK)
		r = find_register(&f, row.cie.ra, &ra);
	if (r != EXACT_OK) {
		x->missing = f.missing;
		return r;
	}
	if (machine == MACHINE_X86_64 && row.state.rule[row.cie.ra].how == CFI_UNSPECIFIED)
		return EXACT_BAD; /* the caller would be this very place again */
	for (uint32_t reg = 0; reg < n; reg++)
		if (find_register(&f, reg, &to.value[reg]) == EXACT_OK)
			to.mask |= (uint64_t)1 << reg;
		else
			to.value[reg] = 0;
	if (row.state.rule[sp].how == CFI_UNSPECIFIED) {
		to.value[sp] = f.cfa;
		to.mask |= (uint64_t)1 << sp;
	}
	if (!(to.mask >> sp & 1))
		return EXACT_NEEDS_REGISTER;
	/* The link register holds a return address only in a leaf: a caller has made a call. */
	if (machine == MACHINE_AARCH64 && !row.cie.signal)
		to.mask &= ~((uint64_t)1 << A64_LR);
	to.value[pc] = ra;
	to.mask |= (uint64_t)1 << pc;
	x->regs = to;
	x->signal = row.cie.signal;
	return EXACT_OK;
}
