/*
 * Any bytes as call frame information: index, compiled rows, interpreter; and the rows must say
 * what the interpreter says. Input: a byte of flags, then .eh_frame or .debug_frame of code at
 * 0..16 MiB.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"
#include "common/elf/image.h"
#include "report/unwind/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum {
	FLAG_AARCH64 = 1,
	FLAG_DEBUG_FRAME = 2,
	SECTION_ADDR = 1 << 24,
	ROWS_MAX = 64,
	FDES_MAX = 256
};

struct check {
	struct table *table;
	enum machine machine;
	int n_fdes;
};

static void check_row(const struct check *c, const struct table_row *row, uint64_t addr)
{
	const struct table_rule *got = table_find(c->table, addr);
	struct cfi_state state = row->state;
	struct table_rule want;

	if (row->cie.ra >= REGS_MAX || got->kind == TABLE_EXACT)
		return;
	state.rule[TABLE_SLOT_RA] = row->state.rule[row->cie.ra];
	state.rule[TABLE_SLOT_FP] = row->state.rule[machine_fp(c->machine)];
	state.rule[TABLE_SLOT_SP] = row->state.rule[machine_sp(c->machine)];
	want = table_compile(&row->section, &row->cie, &state);
	if (got->kind != want.kind || got->flags != want.flags || got->cfa_off != want.cfa_off ||
	    got->ra_off != want.ra_off || got->fp_off != want.fp_off || got->plt_at != want.plt_at)
		abort();
}

static void check_fde(void *ctx, uint64_t begin, uint64_t end)
{
	struct check *c = ctx;
	struct table_row row;
	uint64_t addr = begin;

	if (c->n_fdes++ >= FDES_MAX)
		return;
	for (int i = 0; i < ROWS_MAX && addr < end; i++) {
		if (!table_row(c->table, addr, &row))
			return;
		if (addr < row.begin || addr >= row.end)
			abort();
		/*
		 * where FDEs overlap another one answers, and behind them is padding: only this one
		 * is compared
		 */
		if (row.fde.begin == begin && addr < row.fde.end)
			check_row(c, &row, addr);
		addr = row.end;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct elf_image image = { .n_loads = 1, .n_parts = 1 };
	struct check c = { 0 };
	struct err err = { 0 };

	if (n < 1)
		return 0;
	c.machine = data[0] & FLAG_AARCH64 ? MACHINE_AARCH64 : MACHINE_X86_64;
	image.machine = c.machine;
	image.load[0] = (struct elf_load){ .file_size = SECTION_ADDR,
					   .mem_size = SECTION_ADDR,
					   .flags = 5 };
	image.part[0] = (struct elf_part){
		.kind = data[0] & FLAG_DEBUG_FRAME ? ELF_PART_DEBUG_FRAME : ELF_PART_EH_FRAME,
		.addr = SECTION_ADDR,
		.size = n - 1,
		.data = data + 1,
	};
	c.table = table_new(&image, &err);
	if (!c.table) {
		if (!err.text[0])
			abort();
		return 0;
	}
	for (uint64_t addr = 0; addr < SECTION_ADDR; addr += 65521)
		table_find(c.table, addr);
	table_each_fde(c.table, check_fde, &c);
	table_free(c.table);
	return 0;
}
