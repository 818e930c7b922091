/* report/unwind/cfi.c, entry.c: entries and programs made by hand. */
#include "report/unwind/cfi.h"

#include <stdlib.h>

#include "common/base/arena.h"
#include "tests/unit/check.h"
#include "tests/unit/frames.h"

enum { CODE = 0x1000 };

struct made {
	struct buf b;
	struct cfi_section section;
	struct cfi_cie cie;
	struct cfi_fde fde;
	struct cfi_run run;
	bool ok;
};

/* Parses the CIE at 0 and the first FDE, and runs the CIE. */
static void made_open(struct made *m, bool debug_frame)
{
	uint64_t off = 0, next, cie_off;
	enum cfi_entry kind;

	m->section = (struct cfi_section){ .bytes = (const uint8_t *)m->b.data,
					   .n = m->b.n,
					   .addr = FRAMES_ADDR,
					   .debug_frame = debug_frame,
					   .machine = MACHINE_X86_64,
					   .text_base = 0x20000,
					   .data_base = 0x30000 };
	for (; (kind = cfi_entry_at(&m->section, off, &next, &cie_off)) == CFI_ENTRY_CIE;
	     off = next)
		;
	m->ok = kind == CFI_ENTRY_FDE && cfi_cie_at(&m->section, cie_off, &m->cie) &&
		cfi_fde_at(&m->section, off, &m->cie, &m->fde) &&
		cfi_run_cie(&m->run, &m->section, &m->cie, &cfi_all_slots);
	if (m->ok)
		cfi_run_fde(&m->run, &m->fde);
}

static void made_program(struct made *m, const uint8_t *program, size_t n)
{
	size_t cie;

	memset(m, 0, sizeof(*m));
	cie = frames_cie(&m->b, "zR", 16, PROGRAM(X86_INITIAL));
	frames_fde(&m->b, cie, CODE, 0x100, program, n);
	made_open(m, false);
	REQUIRE_TRUE(m->ok);
}

/* State of the row at CODE + at; false: no row there. */
static bool row_at(struct made *m, uint64_t at, struct cfi_state *ret)
{
	uint64_t begin, end;

	cfi_run_fde(&m->run, &m->fde);
	while (cfi_run_next(&m->run, &begin, &end) == CFI_NEXT_ROW)
		if (CODE + at < end) {
			*ret = m->run.state;
			return true;
		}
	return false;
}

static void plain(void)
{
	struct made m;
	struct cfi_state s = { 0 };

	made_program(&m,
		     PROGRAM(DW_CFA_advance_loc | 1, DW_CFA_def_cfa_offset, 16, DW_CFA_offset | 6,
			     2, DW_CFA_advance_loc | 3, DW_CFA_def_cfa_register, 6));
	REQUIRE_TRUE(row_at(&m, 0, &s));
	CHECK_INT(s.cfa_reg, 7);
	CHECK_INT(s.cfa_off, 8);
	CHECK_INT(s.rule[16].how, CFI_OFFSET);
	CHECK_INT(s.rule[16].off, -8);
	CHECK_INT(s.rule[6].how, CFI_UNSPECIFIED);
	REQUIRE_TRUE(row_at(&m, 1, &s));
	CHECK_INT(s.cfa_off, 16);
	CHECK_INT(s.rule[6].off, -16);
	REQUIRE_TRUE(row_at(&m, 4, &s));
	CHECK_INT(s.cfa_reg, 6);
	CHECK_INT(s.cfa_off, 16);
	REQUIRE_TRUE(row_at(&m, 0xff, &s));
	CHECK_TRUE(!row_at(&m, 0x100, &s));
	buf_done(&m.b);
}

static void remember_restore(void)
{
	struct made m;
	struct cfi_state s = { 0 };

	made_program(&m, PROGRAM(DW_CFA_def_cfa, 6, 16, DW_CFA_offset | 6, 2, DW_CFA_remember_state,
				 DW_CFA_advance_loc | 4, DW_CFA_def_cfa, 7, 8, DW_CFA_restore | 6,
				 DW_CFA_advance_loc | 4, DW_CFA_restore_state));
	REQUIRE_TRUE(row_at(&m, 4, &s));
	CHECK_INT(s.cfa_reg, 7);
	CHECK_INT(s.rule[6].how, CFI_UNSPECIFIED);
	REQUIRE_TRUE(row_at(&m, 8, &s));
	CHECK_INT(s.cfa_reg, 6);
	CHECK_INT(s.cfa_off, 16);
	CHECK_INT(s.rule[6].how, CFI_OFFSET);
	buf_done(&m.b);
}

static void register_after_expression(void)
{
	struct made m;
	struct cfi_state s = { 0 };

	made_program(&m,
		     PROGRAM(DW_CFA_def_cfa_offset, 56, DW_CFA_def_cfa_expression, 3, DW_OP_breg7,
			     0, DW_OP_deref, DW_CFA_advance_loc | 4, DW_CFA_def_cfa_register, 7));
	REQUIRE_TRUE(row_at(&m, 0, &s));
	CHECK_INT(s.cfa, CFI_CFA_EXPR);
	REQUIRE_TRUE(row_at(&m, 4, &s));
	CHECK_INT(s.cfa, CFI_CFA_OFFSET);
	CHECK_INT(s.cfa_off, 56);
	buf_done(&m.b);
}

static void nested_remember(void)
{
	struct made m;
	struct cfi_state s = { 0 };

	made_program(&m, PROGRAM(DW_CFA_remember_state, DW_CFA_def_cfa_offset, 16,
				 DW_CFA_remember_state, DW_CFA_def_cfa_offset, 24,
				 DW_CFA_advance_loc | 1, DW_CFA_restore_state,
				 DW_CFA_advance_loc | 1, DW_CFA_restore_state));
	REQUIRE_TRUE(row_at(&m, 0, &s));
	CHECK_INT(s.cfa_off, 24);
	REQUIRE_TRUE(row_at(&m, 1, &s));
	CHECK_INT(s.cfa_off, 16);
	REQUIRE_TRUE(row_at(&m, 2, &s));
	CHECK_INT(s.cfa_off, 8);
	buf_done(&m.b);
}

static void all_advances(void)
{
	struct made m;
	struct cfi_state s = { 0 };

	made_program(&m, PROGRAM(DW_CFA_advance_loc1, 0x10, DW_CFA_def_cfa_offset, 16,
				 DW_CFA_advance_loc2, 0x20, 0, DW_CFA_def_cfa_offset, 24,
				 DW_CFA_advance_loc4, 0x30, 0, 0, 0, DW_CFA_def_cfa_offset, 32,
				 DW_CFA_advance_loc | 0, DW_CFA_nop, DW_CFA_MIPS_advance_loc8, 8, 0,
				 0, 0, 0, 0, 0, 0, DW_CFA_def_cfa_offset, 40));
	REQUIRE_TRUE(row_at(&m, 0x0f, &s));
	CHECK_INT(s.cfa_off, 8);
	REQUIRE_TRUE(row_at(&m, 0x2f, &s));
	CHECK_INT(s.cfa_off, 16);
	REQUIRE_TRUE(row_at(&m, 0x5f, &s));
	CHECK_INT(s.cfa_off, 24);
	REQUIRE_TRUE(row_at(&m, 0x60, &s));
	CHECK_INT(s.cfa_off, 32);
	REQUIRE_TRUE(row_at(&m, 0x68, &s));
	CHECK_INT(s.cfa_off, 40);
	buf_done(&m.b);
}

static void set_loc_encoded(void)
{
	struct made m;
	struct cfi_state s = { 0 };
	uint8_t program[] = { DW_CFA_set_loc, 0, 0, 0, 0, DW_CFA_def_cfa_offset, 16 };
	size_t cie;

	memset(&m, 0, sizeof(m));
	cie = frames_cie(&m.b, "zR", 16, PROGRAM(X86_INITIAL));
	/*
	 * the operand is pc-relative like every address under this CIE; it lies 17 + 1 bytes
	 * into the FDE
	 */
	store_le32(program + 1, (uint32_t)(CODE + 0x20 - (FRAMES_ADDR + m.b.n + 18)));
	frames_fde(&m.b, cie, CODE, 0x100, program, sizeof(program));
	made_open(&m, false);
	REQUIRE_TRUE(m.ok);
	REQUIRE_TRUE(row_at(&m, 0x1f, &s));
	CHECK_INT(s.cfa_off, 8);
	REQUIRE_TRUE(row_at(&m, 0x20, &s));
	CHECK_INT(s.cfa_off, 16);
	buf_done(&m.b);
}

static void other_rules(void)
{
	struct made m;
	struct cfi_state s = { 0 };

	made_program(&m,
		     PROGRAM(DW_CFA_offset_extended, 3, 3, DW_CFA_offset_extended_sf, 12, 0x7e,
			     DW_CFA_undefined, 13, DW_CFA_same_value, 14, DW_CFA_register, 16, 5,
			     DW_CFA_val_offset, 7, 0, DW_CFA_val_offset_sf, 15, 0x7f,
			     DW_CFA_GNU_args_size, 32, DW_CFA_GNU_negative_offset_extended, 2, 1,
			     DW_CFA_def_cfa_sf, 6, 0x7e, DW_CFA_expression, 6, 2, DW_OP_breg6, 0,
			     DW_CFA_val_expression, 1, 1, DW_OP_lit0, DW_CFA_offset | 40, 1));
	REQUIRE_TRUE(row_at(&m, 0, &s));
	CHECK_INT(s.rule[3].off, -24);
	CHECK_INT(s.rule[12].off, 16);
	CHECK_INT(s.rule[13].how, CFI_UNDEFINED);
	CHECK_INT(s.rule[14].how, CFI_SAME);
	CHECK_INT(s.rule[16].how, CFI_REGISTER);
	CHECK_INT(s.rule[16].off, 5);
	CHECK_INT(s.rule[7].how, CFI_VAL_OFFSET);
	CHECK_INT(s.rule[15].off, 8);
	CHECK_INT(s.rule[2].off, 8);
	CHECK_INT(s.cfa_reg, 6);
	CHECK_INT(s.cfa_off, 16);
	CHECK_INT(s.rule[6].how, CFI_EXPR);
	CHECK_INT(s.rule[6].expr_bytes, 2);
	CHECK_INT(m.b.data[s.rule[6].off], DW_OP_breg6);
	CHECK_INT(s.rule[1].how, CFI_VAL_EXPR);
	buf_done(&m.b);
}

static const struct {
	const char *what;
	uint8_t n, bytes[8];
} invalid[] = {
	{ "an offset after an expression",
	  6,
	  { DW_CFA_def_cfa_expression, 1, DW_OP_lit0, DW_CFA_def_cfa_offset, 8, DW_CFA_nop } },
	{ "restore without remember", 1, { DW_CFA_restore_state } },
	{ "an unknown instruction", 1, { 0x3f } },
	{ "a cut expression", 2, { DW_CFA_def_cfa_expression, 0x7f } },
	{ "negate_ra_state on x86-64", 1, { DW_CFA_GNU_window_save } },
	{ "an advance that wraps",
	  8,
	  { DW_CFA_MIPS_advance_loc8, 255, 255, 255, 255, 255, 255, 255 } },
};

static void invalid_programs(void)
{
	for (size_t i = 0; i < N_ELEMENTS(invalid); i++) {
		uint8_t program[16] = { DW_CFA_advance_loc | 4 };
		struct made m;
		struct cfi_state s = { 0 };

		memcpy(program + 1, invalid[i].bytes, invalid[i].n);
		if (program[1] == DW_CFA_MIPS_advance_loc8)
			program[9] = 255;
		made_program(&m, program,
			     invalid[i].n + 1u + (program[1] == DW_CFA_MIPS_advance_loc8));
		CHECK_TRUE(row_at(&m, 3, &s), "%s: the row before it", invalid[i].what);
		CHECK_TRUE(!row_at(&m, 4, &s), "%s", invalid[i].what);
		buf_done(&m.b);
	}
}

static void deep_remember(void)
{
	uint8_t program[CFI_REMEMBER_MAX + 2];
	struct made m;
	struct cfi_state s = { 0 };

	memset(program, DW_CFA_remember_state, sizeof(program));
	made_program(&m, program, CFI_REMEMBER_MAX);
	CHECK_TRUE(row_at(&m, 0, &s));
	buf_done(&m.b);
	made_program(&m, program, CFI_REMEMBER_MAX + 1);
	CHECK_TRUE(!row_at(&m, 0, &s));
	buf_done(&m.b);
}

/* CIE and FDE of .debug_frame: absolute addresses, ids of their own, optionally 64-bit. */
static void debug_entries(struct buf *b, bool wide, uint8_t version)
{
	size_t at = b->n, length_at;

	for (int entry = 0; entry < 2; entry++) {
		if (wide)
			frames_u32(b, 0xffffffff);
		length_at = b->n;
		if (wide)
			frames_u64(b, 0);
		else
			frames_u32(b, 0);
		at = b->n;
		if (wide)
			frames_u64(b, entry ? 0 : UINT64_MAX);
		else
			frames_u32(b, entry ? 0 : UINT32_MAX);
		if (entry == 0) {
			buf_putc(b, (char)version);
			buf_putc(b, 0);
			if (version == 4)
				buf_put(b, (uint8_t[]){ 8, 0 }, 2);
			buf_put(b, (uint8_t[]){ 1, 0x78, 16, X86_INITIAL }, 8);
		} else {
			frames_u64(b, CODE);
			frames_u64(b, 0x100);
			buf_put(b, (uint8_t[]){ DW_CFA_advance_loc | 1, DW_CFA_def_cfa_offset, 16 },
				3);
		}
		store_le32(b->data + length_at, (uint32_t)(b->n - at));
	}
}

static void debug_frame(void)
{
	static const uint8_t versions[] = { 1, 3, 4 };

	for (size_t i = 0; i < N_ELEMENTS(versions); i++)
		for (int wide = 0; wide < 2; wide++) {
			struct made m = { 0 };
			struct cfi_state s = { 0 };

			debug_entries(&m.b, wide, versions[i]);
			made_open(&m, true);
			REQUIRE_TRUE(m.ok, "version %d, wide %d", versions[i], wide);
			CHECK_UINT(m.fde.begin, CODE);
			CHECK_UINT(m.cie.ra, 16);
			CHECK_TRUE(row_at(&m, 1, &s) && s.cfa_off == 16);
			buf_done(&m.b);
		}
}

static void unknown_versions(void)
{
	struct made m = { 0 };

	debug_entries(&m.b, false, 5);
	made_open(&m, true);
	CHECK_TRUE(!m.ok);
	buf_done(&m.b);
}

static void encodings(void)
{
	static const struct {
		uint8_t enc, n, bytes[10];
		uint64_t want;
	} cases[] = {
		{ DW_EH_PE_absptr, 8, { 1, 2, 3, 4, 5, 6, 7, 8 }, 0x0807060504030201 },
		{ DW_EH_PE_udata2, 2, { 0xff, 0xff }, 0xffff },
		{ DW_EH_PE_sdata2, 2, { 0xff, 0xff }, UINT64_MAX },
		{ DW_EH_PE_udata4, 4, { 0xff, 0xff, 0xff, 0xff }, 0xffffffff },
		{ DW_EH_PE_sdata4, 4, { 0xfe, 0xff, 0xff, 0xff }, (uint64_t)-2 },
		{ DW_EH_PE_udata8, 8, { 9 }, 9 },
		{ DW_EH_PE_sdata8, 8, { 9 }, 9 },
		{ DW_EH_PE_uleb128, 2, { 0x80, 1 }, 128 },
		{ DW_EH_PE_sleb128, 1, { 0x7f }, UINT64_MAX },
		{ DW_EH_PE_pcrel | DW_EH_PE_sdata4,
		  4,
		  { 0xf0, 0xff, 0xff, 0xff },
		  FRAMES_ADDR - 16 },
		{ DW_EH_PE_textrel | DW_EH_PE_udata4, 4, { 0x10 }, 0x20010 },
		{ DW_EH_PE_datarel | DW_EH_PE_udata4, 4, { 0x10 }, 0x30010 },
	};
	static const uint8_t word[8] = { 0x78, 0x56, 0x34, 0x12 };
	struct elf_image image = {
		.n_parts = 1,
		.part = { { .kind = ELF_PART_CODE, .addr = 0x5000, .size = 8, .data = word } }
	};
	struct cfi_section s = {
		.addr = FRAMES_ADDR, .text_base = 0x20000, .data_base = 0x30000, .image = &image
	};
	struct cursor c;
	uint64_t got;

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		c = cursor_of(cases[i].bytes, cases[i].n);
		CHECK_TRUE(cfi_pointer(&s, &c, cases[i].enc, FRAMES_ADDR, &got), "encoding %#x",
			   cases[i].enc);
		CHECK_TRUE(got == cases[i].want, "encoding %#x: %#jx", cases[i].enc,
			   (uintmax_t)got);
		c = cursor_of(cases[i].bytes, cases[i].n - 1u);
		CHECK_TRUE(!cfi_pointer(&s, &c, cases[i].enc, FRAMES_ADDR, &got),
			   "encoding %#x, cut", cases[i].enc);
	}
	c = cursor_of((const uint8_t[]){ 0, 0x50, 0, 0 }, 4);
	CHECK_TRUE(cfi_pointer(&s, &c, DW_EH_PE_indirect | DW_EH_PE_udata4, FRAMES_ADDR, &got));
	CHECK_UINT(got, 0x12345678);
	c = cursor_of((const uint8_t[]){ 0, 0x60, 0, 0 }, 4);
	CHECK_TRUE(!cfi_pointer(&s, &c, DW_EH_PE_indirect | DW_EH_PE_udata4, FRAMES_ADDR, &got));
	c = cursor_of(word, 8);
	CHECK_TRUE(!cfi_pointer(&s, &c, DW_EH_PE_funcrel, FRAMES_ADDR, &got));
	CHECK_TRUE(!cfi_pointer(&s, &c, 0x0d, FRAMES_ADDR, &got));
	c = cursor_of((const uint8_t[]){ 0xee, 0xee, 0x34, 0x12, 0, 0, 0, 0, 0, 0 }, 10);
	CHECK_TRUE(cfi_pointer(&s, &c, DW_EH_PE_aligned, FRAMES_ADDR + 6, &got));
	CHECK_UINT(got, 0x1234);
}

static void signal_letter(void)
{
	struct made m = { 0 };
	size_t cie = frames_cie(&m.b, "zRS", 16, PROGRAM(X86_INITIAL));

	frames_fde(&m.b, cie, CODE, 0x10, PROGRAM(DW_CFA_nop));
	made_open(&m, false);
	REQUIRE_TRUE(m.ok);
	CHECK_TRUE(m.cie.signal);
	buf_done(&m.b);
}

static void b_letter(void)
{
	struct made m = { 0 };
	size_t cie = frames_cie(&m.b, "zRB", 30, PROGRAM(DW_CFA_def_cfa, 31, 0));

	frames_fde(
		&m.b, cie, CODE, 0x10,
		PROGRAM(DW_CFA_GNU_window_save, DW_CFA_advance_loc | 4, DW_CFA_def_cfa_offset, 16));
	made_open(&m, false);
	REQUIRE_TRUE(m.ok);
	m.section.machine = MACHINE_AARCH64;
	CHECK_TRUE(cfi_run_cie(&m.run, &m.section, &m.cie, &cfi_all_slots));
	CHECK_TRUE(row_at(&m, 4, &(struct cfi_state){ 0 }));
	buf_done(&m.b);
}

static void every_cut(void)
{
	struct made whole;

	made_program(&whole,
		     PROGRAM(DW_CFA_advance_loc | 1, DW_CFA_def_cfa_expression, 3, DW_OP_breg6,
			     0x78, DW_OP_deref, DW_CFA_expression, 6, 2, DW_OP_breg6, 0));
	for (size_t n = 0; n < whole.b.n; n++) {
		struct made m = { 0 };
		uint8_t *exact = mem_alloc(n ? n : 1);
		struct cfi_state s = { 0 };

		memcpy(exact, whole.b.data, n);
		buf_put(&m.b, exact, n);
		made_open(&m, false);
		if (m.ok)
			row_at(&m, 0xf0, &s);
		CHECK_TRUE(!m.ok, "cut at %zu", n);
		buf_done(&m.b);
		free(exact);
	}
	buf_done(&whole.b);
}

SUITE(unwind_cfi,
	{ "rows follow the advances of a plain function", plain },
	{ "remember and restore include the CFA", remember_restore },
	{ "remember nests", nested_remember },
	{ "a register after an expression brings the offset back", register_after_expression },
	{ "advances of every size move on, one by nothing does not", all_advances },
	{ "set_loc is decoded in the encoding of the CIE", set_loc_encoded },
	{ "every kind of rule is kept, args_size and vector registers are skipped", other_rules },
	{ "an invalid instruction ends the rows, those before it stay", invalid_programs },
	{ "remember is bounded", deep_remember },
	{ ".debug_frame of versions 1, 3 and 4, 32-bit and 64-bit, is read", debug_frame },
	{ "an unknown version is refused", unknown_versions },
	{ "pointers are decoded in every encoding", encodings },
	{ "the letter S makes a signal frame", signal_letter },
	{ "the letter B and negate_ra_state are taken on aarch64", b_letter },
	{ "a section cut anywhere gives no row", every_cut },
)
