/*
 * Compiled rows and the complete interpreter against libdw's dwarf_cfi_addrframe, for every row
 * of every ELF file
 * under the given roots:	rows [-q] PATH...
 * CFA, return address, frame pointer and (from the interpreter) every other register are
 * compared as values, on made-up registers and memory. Prints counts and each class of
 * difference; exit status 1 when there is one.
 */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <gelf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/map.h"
#include "common/elf/image.h"
#include "report/unwind/expr.h"
#include "report/unwind/table.h"

enum difference {
	DIFF_COVERAGE, /* only one side has a row */
	DIFF_SIGNAL,
	DIFF_CFA,
	DIFF_RA,
	DIFF_FP,
	DIFF_OTHER,	 /* another register, interpreter only */
	DIFF_TABLE_KIND, /* table says root or none, libdw something else */
	DIFFS
};

static const char *const difference_text[DIFFS] = {
	[DIFF_COVERAGE] = "only one side has a row",
	[DIFF_SIGNAL] = "signal frame",
	[DIFF_CFA] = "CFA",
	[DIFF_RA] = "return address",
	[DIFF_FP] = "frame pointer",
	[DIFF_OTHER] = "other register",
	[DIFF_TABLE_KIND] = "kind of compiled row",
};

static struct {
	uint64_t n_files, n_without, n_unreadable, n_fdes, n_rows, n_points, n_exact, n_both_bad,
		n_libdw_invalid;
	uint64_t diff[DIFFS];
	int n_shown;
	struct map seen;
} all;

/* Where a value comes from, reduced to numbers. */
struct place {
	enum { PLACE_UNDEFINED, PLACE_SAME, PLACE_AT, PLACE_VALUE, PLACE_BAD } kind;
	uint64_t n;
};

struct file {
	const char *path;
	struct elf_image image;
	struct table *table;
	Dwarf_CFI *eh, *debug;
	uint64_t bias_eh;
	struct regs regs;
	uint32_t n_row;
};

static bool made_up_memory(void *ctx, uint64_t addr, unsigned int n_bytes, uint64_t *ret)
{
	(void)ctx;
	*ret = hash_u64(addr | 1);
	if (n_bytes < 8)
		*ret &= ((uint64_t)1 << 8 * n_bytes) - 1;
	return true;
}

/* ---- libdw's side: a small evaluator of its decoded operations ---- */

static bool operand_step(uint64_t *stack, int *n, const Dwarf_Op *op, const struct regs *regs,
			 uint64_t cfa)
{
	uint64_t a, b;

	if (*n >= 60)
		return false;
	if (op->atom >= DW_OP_lit0 && op->atom <= DW_OP_lit31)
		return stack[(*n)++] = op->atom - DW_OP_lit0, true;
	if (op->atom >= DW_OP_breg0 && op->atom <= DW_OP_breg31)
		return stack[(*n)++] = regs->value[op->atom - DW_OP_breg0] + op->number, true;
	switch (op->atom) {
	case DW_OP_bregx:
		if (op->number >= REGS_MAX)
			return false;
		return stack[(*n)++] = regs->value[op->number] + op->number2, true;
	case DW_OP_call_frame_cfa:
		return stack[(*n)++] = cfa, true;
	case DW_OP_const1u:
	case DW_OP_const1s:
	case DW_OP_const2u:
	case DW_OP_const2s:
	case DW_OP_const4u:
	case DW_OP_const4s:
	case DW_OP_const8u:
	case DW_OP_const8s:
	case DW_OP_constu:
	case DW_OP_consts:
	case DW_OP_addr:
		return stack[(*n)++] = op->number, true;
	case DW_OP_nop:
		return true;
	}
	if (*n < 1)
		return false;
	a = stack[*n - 1];
	switch (op->atom) {
	case DW_OP_plus_uconst:
		return stack[*n - 1] = a + op->number, true;
	case DW_OP_deref:
		return made_up_memory(NULL, a, 8, &stack[*n - 1]);
	case DW_OP_deref_size:
		return made_up_memory(NULL, a, (unsigned int)op->number, &stack[*n - 1]);
	case DW_OP_dup:
		return stack[(*n)++] = a, true;
	case DW_OP_drop:
		return --*n, true;
	case DW_OP_neg:
		return stack[*n - 1] = -a, true;
	case DW_OP_not:
		return stack[*n - 1] = ~a, true;
	}
	if (*n < 2)
		return false;
	b = a;
	a = stack[*n - 2];
	--*n;
	switch (op->atom) {
	case DW_OP_plus:
		return stack[*n - 1] = a + b, true;
	case DW_OP_minus:
		return stack[*n - 1] = a - b, true;
	case DW_OP_and:
		return stack[*n - 1] = a & b, true;
	case DW_OP_or:
		return stack[*n - 1] = a | b, true;
	case DW_OP_mul:
		return stack[*n - 1] = a * b, true;
	case DW_OP_shl:
		return stack[*n - 1] = b < 64 ? a << b : 0, true;
	case DW_OP_shr:
		return stack[*n - 1] = b < 64 ? a >> b : 0, true;
	case DW_OP_ge:
		return stack[*n - 1] = (int64_t)a >= (int64_t)b, true;
	case DW_OP_gt:
		return stack[*n - 1] = (int64_t)a > (int64_t)b, true;
	case DW_OP_lt:
		return stack[*n - 1] = (int64_t)a < (int64_t)b, true;
	case DW_OP_le:
		return stack[*n - 1] = (int64_t)a <= (int64_t)b, true;
	case DW_OP_eq:
		return stack[*n - 1] = a == b, true;
	case DW_OP_ne:
		return stack[*n - 1] = a != b, true;
	default:
		return false;
	}
}

static struct place evaluate(const Dwarf_Op *ops, size_t n_ops, const struct regs *regs,
			     uint64_t cfa)
{
	uint64_t stack[64];
	int n = 0;

	for (size_t i = 0; i < n_ops; i++) {
		if (ops[i].atom == DW_OP_stack_value && n > 0)
			return (struct place){ PLACE_VALUE, stack[n - 1] };
		if (ops[i].atom == DW_OP_regx && ops[i].number < REGS_MAX)
			return (struct place){ PLACE_VALUE, regs->value[ops[i].number] };
		if (ops[i].atom >= DW_OP_reg0 && ops[i].atom <= DW_OP_reg31)
			return (struct place){ PLACE_VALUE, regs->value[ops[i].atom - DW_OP_reg0] };
		if (!operand_step(stack, &n, &ops[i], regs, cfa))
			return (struct place){ PLACE_BAD, ops[i].atom };
	}
	return n ? (struct place){ PLACE_AT, stack[n - 1] } : (struct place){ PLACE_BAD, 0 };
}

static struct place libdw_register(Dwarf_Frame *frame, int reg, const struct regs *regs,
				   uint64_t cfa)
{
	Dwarf_Op mem[3], *ops;
	size_t n;

	if (dwarf_frame_register(frame, reg, mem, &ops, &n) != 0)
		return (struct place){ PLACE_BAD, 0 };
	if (n == 0)
		return (struct place){ ops == mem ? PLACE_UNDEFINED : PLACE_SAME, 0 };
	return evaluate(ops, n, regs, cfa);
}

/* ---- our side ---- */

static bool our_expr(const struct table_row *row, int64_t off, uint32_t n, const struct regs *regs,
		     const uint64_t *first, uint64_t *ret)
{
	return expr_run(row->section.bytes + off, n, regs, first, made_up_memory, NULL, ret) ==
	       EXPR_OK;
}

static struct place our_register(const struct table_row *row, uint32_t reg, const struct regs *regs,
				 uint64_t cfa)
{
	const struct cfi_rule *rule = &row->state.rule[reg];
	uint64_t v = 0;

	switch (rule->how) {
	case CFI_UNDEFINED:
		return (struct place){ PLACE_UNDEFINED, 0 };
	case CFI_OFFSET:
		return (struct place){ PLACE_AT, cfa + (uint64_t)rule->off };
	case CFI_VAL_OFFSET:
		return (struct place){ PLACE_VALUE, cfa + (uint64_t)rule->off };
	case CFI_REGISTER:
		return (struct place){ PLACE_VALUE, regs->value[rule->off % REGS_MAX] };
	case CFI_EXPR:
	case CFI_VAL_EXPR:
		if (!our_expr(row, rule->off, rule->expr_bytes, regs, &cfa, &v))
			return (struct place){ PLACE_BAD, 0 };
		return (struct place){ rule->how == CFI_EXPR ? PLACE_AT : PLACE_VALUE, v };
	default:
		return (struct place){ PLACE_SAME, 0 };
	}
}

static bool our_cfa(const struct table_row *row, const struct regs *regs, uint64_t *ret)
{
	const struct cfi_state *s = &row->state;

	if (s->cfa == CFI_CFA_EXPR)
		return our_expr(row, s->cfa_expr, s->cfa_expr_bytes, regs, NULL, ret);
	if (s->cfa != CFI_CFA_OFFSET || s->cfa_reg >= REGS_MAX)
		return false;
	*ret = regs->value[s->cfa_reg] + (uint64_t)s->cfa_off;
	return true;
}

static bool same_place(struct place a, struct place b)
{
	return a.kind == b.kind && a.n == b.n;
}

/*
 * Registers without any rule: libdw puts the ABI's defaults there (callee-saved: same, others
 * undefined, sp: the CFA); we keep the value.
 */
static bool same_register(const struct file *f, const struct table_row *row, uint32_t reg,
			  struct place ours, struct place theirs, uint64_t cfa)
{
	if (same_place(ours, theirs))
		return true;
	if (row->state.rule[reg].how != CFI_UNSPECIFIED)
		return false;
	if (reg == machine_sp(f->image.machine))
		return same_place(theirs, (struct place){ PLACE_VALUE, cfa }) ||
		       theirs.kind == PLACE_UNDEFINED;
	return theirs.kind == PLACE_SAME || theirs.kind == PLACE_UNDEFINED;
}

/* ---- comparing ---- */

static void differ(const struct file *f, enum difference d, uint64_t addr, struct place ours,
		   struct place theirs)
{
	all.diff[d]++;
	if (all.n_shown++ < 40)
		printf("%s %#" PRIx64 ": %s: ours %d %#" PRIx64 ", libdw %d %#" PRIx64 "\n",
		       f->path, addr, difference_text[d], ours.kind, ours.n, theirs.kind, theirs.n);
}

static Dwarf_Frame *libdw_frame(const struct file *f, uint64_t addr)
{
	Dwarf_Frame *frame = NULL;

	if (f->eh && dwarf_cfi_addrframe(f->eh, addr, &frame) == 0)
		return frame;
	if (f->debug && dwarf_cfi_addrframe(f->debug, addr, &frame) == 0)
		return frame;
	return NULL;
}

static void compare_table(const struct file *f, uint64_t addr, const struct regs *regs,
			  struct place cfa, struct place ra, struct place fp, bool signal)
{
	const struct table_rule *r = table_find(f->table, addr);
	enum machine m = f->image.machine;
	struct place our_fp = { PLACE_SAME, 0 }, our_ra, none = { PLACE_BAD, r->kind };
	uint64_t our = 0;

	switch (r->kind) {
	case TABLE_EXACT:
		all.n_exact++;
		return; /* the interpreter is compared by itself */
	case TABLE_NONE:
		differ(f, DIFF_TABLE_KIND, addr, none, cfa);
		return;
	case TABLE_ROOT:
		if (ra.kind != PLACE_UNDEFINED)
			differ(f, DIFF_TABLE_KIND, addr, none, ra);
		return;
	case TABLE_SP:
		our = regs->value[machine_sp(m)] + (uint64_t)(int64_t)r->cfa_off;
		break;
	case TABLE_FP:
		our = regs->value[machine_fp(m)] + (uint64_t)(int64_t)r->cfa_off;
		break;
	case TABLE_FP_DEREF:
		made_up_memory(NULL, regs->value[machine_fp(m)] + (uint64_t)(int64_t)r->cfa_off, 8,
			       &our);
		break;
	case TABLE_PLT:
		our = regs->value[X86_RSP] + (uint64_t)(int64_t)r->cfa_off +
		      ((regs->value[X86_PC] & 15) >= r->plt_at ? 8 : 0);
		break;
	}
	if (cfa.n != our)
		differ(f, DIFF_CFA, addr, (struct place){ PLACE_VALUE, our }, cfa);
	if (signal != !!(r->flags & TABLE_SIGNAL))
		differ(f, DIFF_SIGNAL, addr, none, none);
	our_ra = r->flags & TABLE_RA_IN_LR ?
			 (struct place){ PLACE_SAME, 0 } :
			 (struct place){ PLACE_AT, our + (uint64_t)(int64_t)r->ra_off };
	if (!same_place(our_ra, ra) && !(our_ra.kind == PLACE_SAME && ra.kind == PLACE_UNDEFINED))
		differ(f, DIFF_RA, addr, our_ra, ra);
	if (r->flags & TABLE_FP_SAVED)
		our_fp = (struct place){
			PLACE_AT, (r->flags & TABLE_FP_AT_FP ? regs->value[machine_fp(m)] : our) +
					  (uint64_t)(int64_t)r->fp_off
		};
	if (!same_place(our_fp, fp) && !(our_fp.kind == PLACE_SAME && fp.kind == PLACE_UNDEFINED))
		differ(f, DIFF_FP, addr, our_fp, fp);
}

static void compare_point(struct file *f, uint64_t addr)
{
	enum machine m = f->image.machine;
	struct place bad = { PLACE_BAD, 0 }, cfa = { PLACE_VALUE, 0 }, ra, fp;
	struct regs regs = f->regs;
	struct table_row row;
	bool have = table_row(f->table, addr, &row), signal;
	Dwarf_Frame *frame = libdw_frame(f, addr);
	Dwarf_Addr start, end;
	Dwarf_Op *ops;
	size_t n;
	uint64_t our;
	int ra_reg;

	all.n_points++;
	regs.value[machine_pc(m)] = addr;
	if (!have || !frame) {
		if (have || frame)
			differ(f, DIFF_COVERAGE, addr, (struct place){ PLACE_BAD, have }, bad);
		else
			all.n_both_bad++;
		free(frame);
		return;
	}
	ra_reg = dwarf_frame_info(frame, &start, &end, &signal);
	if (dwarf_frame_cfa(frame, &ops, &n) != 0 || n == 0)
		cfa = bad;
	else
		cfa.n = evaluate(ops, n, &regs, 0).n;
	ra = libdw_register(frame, ra_reg, &regs, cfa.n);
	fp = libdw_register(frame, (int)machine_fp(m), &regs, cfa.n);
	/*
	 * DW_CFA_def_cfa_register after an expression: libdw calls the CFA invalid, libgcc and
	 * readelf bring the offset from before the expression back, as we do (libgcrypt's
	 * assembler code means it).
	 */
	if (cfa.kind == PLACE_BAD && row.state.cfa == CFI_CFA_OFFSET) {
		all.n_libdw_invalid++;
		free(frame);
		return;
	}
	if (signal != row.cie.signal)
		differ(f, DIFF_SIGNAL, addr, bad, bad);
	if (ra.kind != PLACE_UNDEFINED &&
	    (!our_cfa(&row, &regs, &our) || our != cfa.n || cfa.kind == PLACE_BAD))
		differ(f, DIFF_CFA, addr, (struct place){ PLACE_VALUE, our }, cfa);
	for (uint32_t reg = 0; reg < machine_pc(m); reg++) {
		struct place ours = our_register(&row, reg, &regs, cfa.n);
		struct place theirs = libdw_register(frame, (int)reg, &regs, cfa.n);

		if (!same_register(f, &row, reg, ours, theirs, cfa.n))
			differ(f, reg == machine_fp(m) ? DIFF_FP : DIFF_OTHER, addr, ours, theirs);
	}
	if (row.cie.ra == (uint32_t)ra_reg && ra_reg < REGS_MAX) {
		struct place ours = our_register(&row, (uint32_t)ra_reg, &regs, cfa.n);

		if (!same_register(f, &row, (uint32_t)ra_reg, ours, ra, cfa.n))
			differ(f, DIFF_RA, addr, ours, ra);
	} else {
		differ(f, DIFF_RA, addr, bad, ra);
	}
	compare_table(f, addr, &regs, cfa, ra, fp, signal);
	free(frame);
}

static void compare_fde(void *ctx, uint64_t begin, uint64_t end)
{
	struct file *f = ctx;
	uint64_t addr = begin;

	all.n_fdes++;
	while (addr < end) {
		struct table_row row;

		compare_point(f, addr);
		all.n_rows++;
		if (!table_row(f->table, addr, &row))
			break;
		if (f->n_row++ % 16 == 0 && row.end - row.begin > 1)
			compare_point(f, row.begin + (row.end - row.begin) / 2);
		addr = row.end;
	}
}

static void compare_file(const char *path, int fd)
{
	struct file f = { .path = path };
	struct err err;
	Elf *elf;
	Dwarf *dwarf;

	if (elf_image_read(fd, ELF_TAKE_UNWIND, &f.image, &err) < 0) {
		all.n_unreadable += err.code != -ENOEXEC;
		return;
	}
	all.n_files++;
	f.table = table_new(&f.image, &err);
	if (!f.table) {
		all.n_without++;
		if (err.code != -ENODATA)
			printf("%s: %s\n", path, err.text);
		elf_image_done(&f.image);
		return;
	}
	for (int i = 0; i < REGS_MAX; i++)
		f.regs.value[i] = hash_u64((uint64_t)i + 1) & ~(uint64_t)7;
	f.regs.mask = ((uint64_t)1 << REGS_MAX) - 1;
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	f.eh = dwarf_getcfi_elf(elf);
	dwarf = elf_image_part(&f.image, ELF_PART_DEBUG_FRAME) ?
			dwarf_begin_elf(elf, DWARF_C_READ, NULL) :
			NULL;
	f.debug = dwarf ? dwarf_getcfi(dwarf) : NULL;
	table_each_fde(f.table, compare_fde, &f);
	if (f.eh)
		dwarf_cfi_end(f.eh);
	if (dwarf)
		dwarf_end(dwarf);
	elf_end(elf);
	table_free(f.table);
	elf_image_done(&f.image);
}

static int visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	bool new;
	int fd;

	(void)ftw;
	if (type != FTW_F || st->st_size < 64)
		return 0;
	map_put(&all.seen, (uint64_t)st->st_ino << 8 ^ st->st_dev, &new);
	if (!new)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return 0;
	compare_file(path, fd);
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t n_diffs = 0;

	elf_version(EV_CURRENT);
	map_init(&all.seen);
	for (int i = 1; i < argc; i++)
		nftw(argv[i], visit, 64, FTW_PHYS);
	for (int d = 0; d < DIFFS; d++)
		n_diffs += all.diff[d];
	printf("%" PRIu64 " ELF files, %" PRIu64 " without call frame information, %" PRIu64
	       " unreadable\n"
	       "%" PRIu64 " FDEs, %" PRIu64 " rows, %" PRIu64 " points compared, %" PRIu64
	       " of them left to the interpreter, %" PRIu64 " invalid on both sides, %" PRIu64
	       " to libdw\n"
	       "%" PRIu64 " differences\n",
	       all.n_files, all.n_without, all.n_unreadable, all.n_fdes, all.n_rows, all.n_points,
	       all.n_exact, all.n_both_bad, all.n_libdw_invalid, n_diffs);
	for (int d = 0; d < DIFFS; d++)
		if (all.diff[d])
			printf("  %" PRIu64 " %s\n", all.diff[d], difference_text[d]);
	map_done(&all.seen);
	return n_diffs ? 1 : all.n_files ? 0 : 2;
}
