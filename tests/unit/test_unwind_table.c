/* report/unwind/table.c, index.c, compile.c: what rows compile to, and tables of odd objects. */
#include "report/unwind/table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/err.h"
#include "tests/unit/check.h"
#include "tests/unit/frames.h"

static struct table *table_of(struct buf *b, enum machine machine)
{
	static struct elf_image image; /* a table refers to it */
	struct table *t;
	struct err err = { 0 };

	image = frames_image(machine, b);
	t = table_new(&image, &err);
	REQUIRE_TRUE(t != NULL, "%s", err.text);
	return t;
}

static void kinds(void)
{
	struct buf b = { 0 };
	size_t cie = frames_cie(&b, "zR", 16, PROGRAM(X86_INITIAL));
	struct table *t;
	const struct table_rule *r;

	frames_fde(&b, cie, 0x1000, 0x100,
		   PROGRAM(DW_CFA_def_cfa_offset, 48, DW_CFA_offset | 6, 2));
	frames_fde(&b, cie, 0x2000, 0x100, PROGRAM(DW_CFA_def_cfa, 6, 16, DW_CFA_offset | 6, 2));
	frames_fde(&b, cie, 0x3000, 0x100, PROGRAM(DW_CFA_undefined, 16));
	frames_fde(&b, cie, 0x4000, 0x100, PROGRAM(DW_CFA_def_cfa, 10, 0));
	frames_fde(&b, cie, 0x5000, 0x100, PROGRAM(DW_CFA_register, 16, 5));
	frames_fde(&b, cie, 0x6000, 0x100,
		   PROGRAM(DW_CFA_def_cfa, 7, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f));
	frames_fde(&b, cie, 0x7000, 0x100, PROGRAM(DW_CFA_val_offset, 6, 1));
	frames_fde(&b, cie, 0x8000, 0x100,
		   PROGRAM(DW_CFA_def_cfa_expression, 3, DW_OP_breg6, 0x78, DW_OP_deref,
			   DW_CFA_expression, 6, 2, DW_OP_breg6, 0));
	frames_fde(&b, cie, 0x9000, 0x100,
		   PROGRAM(DW_CFA_def_cfa_expression, 4, DW_OP_breg7, 0xa0, 1, DW_OP_deref));
	t = table_of(&b, MACHINE_X86_64);
	r = table_find(t, 0x1010);
	CHECK_INT(r->kind, TABLE_SP);
	CHECK_INT(r->cfa_off, 48);
	CHECK_INT(r->fp_off, -16);
	CHECK_INT(r->ra_off, -8);
	CHECK_INT(r->flags, TABLE_FP_SAVED);
	CHECK_INT(table_find(t, 0x2010)->kind, TABLE_FP);
	CHECK_INT(table_find(t, 0x3010)->kind, TABLE_ROOT);
	CHECK_INT(table_find(t, 0x4010)->kind, TABLE_EXACT);
	CHECK_INT(table_find(t, 0x5010)->kind, TABLE_EXACT);
	CHECK_INT(table_find(t, 0x6010)->kind, TABLE_EXACT);
	CHECK_INT(table_find(t, 0x7010)->kind, TABLE_EXACT);
	CHECK_INT(table_find(t, 0x8010)->kind, TABLE_FP_DEREF);
	CHECK_INT(table_find(t, 0x8010)->flags, TABLE_FP_SAVED | TABLE_FP_AT_FP);
	CHECK_INT(table_find(t, 0x9010)->kind, TABLE_EXACT);
	CHECK_INT(table_find(t, 0xfff)->kind, TABLE_NONE);
	CHECK_INT(table_find(t, 0x1200)->kind, TABLE_NONE);
	CHECK_INT(table_find(t, 0x9100)->kind, TABLE_NONE);
	CHECK_INT(table_find(t, UINT64_MAX)->kind, TABLE_NONE);
	table_free(t);
	buf_done(&b);
}

static void unsorted_and_padded(void)
{
	struct buf b = { 0 };
	size_t cie = frames_cie(&b, "zR", 16, PROGRAM(X86_INITIAL));
	struct table *t;
	struct table_row row;

	frames_fde(&b, cie, 0x2000, 0x10, PROGRAM(DW_CFA_def_cfa_offset, 24));
	frames_fde(&b, cie, 0x1ff0, 0x9, PROGRAM(DW_CFA_def_cfa_offset, 16));
	frames_fde(&b, cie, 0x2020, 0x10, PROGRAM(DW_CFA_def_cfa_offset, 32));
	t = table_of(&b, MACHINE_X86_64);
	CHECK_INT(table_find(t, 0x1ff0)->cfa_off, 16);
	CHECK_INT(table_find(t, 0x1fff)->cfa_off, 16); /* 7 bytes of padding keep the row */
	CHECK_INT(table_find(t, 0x2000)->cfa_off, 24);
	CHECK_INT(table_find(t, 0x2018)->kind,
		  TABLE_NONE); /* 16 bytes are a function without CFI */
	CHECK_TRUE(table_row(t, 0x1fff, &row) && row.state.cfa_off == 16);
	CHECK_TRUE(!table_row(t, 0x201f, &row) || row.state.cfa_off == 24);
	table_free(t);
	buf_done(&b);
}

static void overlapping(void)
{
	struct buf b = { 0 };
	size_t cie = frames_cie(&b, "zR", 16, PROGRAM(X86_INITIAL));
	struct table *t;

	frames_fde(&b, cie, 0x1000, 0x100, PROGRAM(DW_CFA_def_cfa_offset, 16));
	frames_fde(&b, cie, 0x1000, 0x100,
		   PROGRAM(DW_CFA_def_cfa_offset, 24)); /* folded functions: the first wins */
	frames_fde(&b, cie, 0x1080, 0x80, PROGRAM(DW_CFA_def_cfa_offset, 32));
	t = table_of(&b, MACHINE_X86_64);
	CHECK_INT(table_find(t, 0x107f)->cfa_off, 16);
	CHECK_INT(table_find(t, 0x1080)->cfa_off, 32);
	table_free(t);
	buf_done(&b);
}

static void tombstones(void)
{
	struct buf b = { 0 };
	size_t cie = frames_cie(&b, "zR", 16, PROGRAM(X86_INITIAL));
	struct table *t;

	frames_fde(&b, cie, FRAMES_ADDR + 0x7000000, 0x100,
		   PROGRAM(DW_CFA_nop)); /* outside of all code */
	frames_fde(&b, cie, 0x1000, 0x10, PROGRAM(DW_CFA_nop));
	t = table_of(&b, MACHINE_X86_64);
	CHECK_INT(table_counts(t).n_fdes, 1);
	table_free(t);
	buf_done(&b);
}

/* Header with a right count: what lies behind a zero terminator still counts. */
static void zero_in_the_middle(void)
{
	uint8_t hdr[12] = { 1, 0x1b, 0x03, 0x3b };
	struct buf b = { 0 };
	size_t cie = frames_cie(&b, "zR", 16, PROGRAM(X86_INITIAL));
	struct elf_image image;
	struct table *t;
	struct err err;

	frames_fde(&b, cie, 0x1000, 0x10, PROGRAM(DW_CFA_def_cfa_offset, 16));
	frames_u32(&b, 0);
	cie = frames_cie(&b, "zR", 16, PROGRAM(X86_INITIAL));
	frames_fde(&b, cie, 0x2000, 0x10, PROGRAM(DW_CFA_def_cfa_offset, 24));
	image = frames_image(MACHINE_X86_64, &b);
	t = table_new(&image, &err);
	CHECK_INT(table_counts(t).n_fdes, 1); /* no header says that there is more */
	table_free(t);
	store_le32(hdr + 8, 2);
	image.part[1] = (struct elf_part){
		.kind = ELF_PART_EH_FRAME_HDR, .addr = 0x900000, .size = 12, .data = hdr
	};
	image.n_parts = 2;
	t = table_new(&image, &err);
	CHECK_INT(table_counts(t).n_fdes, 2);
	CHECK_INT(table_find(t, 0x2001)->cfa_off, 24);
	table_free(t);
	/* a header that lies about the count costs nothing */
	store_le32(hdr + 8, UINT32_MAX);
	t = table_new(&image, &err);
	CHECK_INT(table_counts(t).n_fdes, 2);
	table_free(t);
	buf_done(&b);
}

enum { HDR_ADDR = 0xf0000 };

/* A linker's header for FDEs at given offsets. */
static size_t put_header(uint8_t *hdr, const uint64_t *begin, const size_t *off, uint32_t n)
{
	memcpy(hdr, (uint8_t[]){ 1, 0x1b, 0x03, 0x3b }, 4);
	store_le32(hdr + 4, FRAMES_ADDR - (HDR_ADDR + 4));
	store_le32(hdr + 8, n);
	for (uint32_t i = 0; i < n; i++) {
		store_le32(hdr + 12 + 8 * i, (uint32_t)(begin[i] - HDR_ADDR));
		store_le32(hdr + 16 + 8 * i, (uint32_t)(FRAMES_ADDR + off[i] - HDR_ADDR));
	}
	return 12 + 8 * n;
}

static void headers(void)
{
	static const uint64_t begin[] = { 0x1000, 0x2000, 0x3000 };
	uint8_t hdr[64];
	struct buf b = { 0 };
	size_t cie = frames_cie(&b, "zR", 16, PROGRAM(X86_INITIAL)), off[3], swapped[3];
	struct elf_image image;
	struct table *t;
	struct err err;

	for (int i = 0; i < 3; i++) {
		off[i] = b.n;
		frames_fde(&b, cie, begin[i], 0x10, PROGRAM(DW_CFA_def_cfa_offset, 16));
	}
	image = frames_image(MACHINE_X86_64, &b);
	image.n_parts = 2;
	image.part[1] =
		(struct elf_part){ .kind = ELF_PART_EH_FRAME_HDR, .addr = HDR_ADDR, .data = hdr };
	/* right; lacking the last; pointing at the wrong ones; not sorted */
	for (int kind = 0; kind < 4; kind++) {
		static const uint64_t unsorted[] = { 0x2000, 0x1000, 0x3000 };

		memcpy(swapped, off, sizeof(off));
		if (kind == 2) {
			swapped[0] = off[1];
			swapped[1] = off[0] + 4;
		}
		image.part[1].size =
			put_header(hdr, kind == 3 ? unsorted : begin, swapped, kind == 1 ? 2 : 3);
		t = table_new(&image, &err);
		REQUIRE_TRUE(t != NULL);
		for (int i = 0; i < 3; i++)
			CHECK_TRUE(table_find(t, begin[i] + 4)->cfa_off == 16,
				   "header %d, function %d", kind, i);
		CHECK_INT(table_find(t, 0x1800)->kind, TABLE_NONE);
		table_free(t);
	}
	buf_done(&b);
}

static void two_sections(void)
{
	struct buf eh = { 0 }, debug = { 0 };
	size_t cie = frames_cie(&eh, "zR", 16, PROGRAM(X86_INITIAL)), at;
	struct elf_image image;
	struct table *t;
	struct err err;

	frames_fde(&eh, cie, 0x1000, 0x10, PROGRAM(DW_CFA_def_cfa_offset, 16));
	frames_u32(&debug, 0);
	frames_u32(&debug, UINT32_MAX);
	buf_put(&debug, (uint8_t[]){ 3, 0, 1, 0x78, 16, X86_INITIAL }, 10);
	frames_close(&debug, 0);
	for (uint64_t begin = 0x1000; begin <= 0x2000; begin += 0x1000) {
		at = debug.n;
		frames_u32(&debug, 0);
		frames_u32(&debug, 0);
		frames_u64(&debug, begin);
		frames_u64(&debug, 0x10);
		buf_put(&debug, (uint8_t[]){ DW_CFA_def_cfa_offset, 32 }, 2);
		frames_close(&debug, at);
	}
	image = frames_image(MACHINE_X86_64, &eh);
	image.part[1] = (struct elf_part){ .kind = ELF_PART_DEBUG_FRAME,
					   .size = debug.n,
					   .data = (const uint8_t *)debug.data };
	image.n_parts = 2;
	t = table_new(&image, &err);
	REQUIRE_TRUE(t != NULL);
	CHECK_INT(table_find(t, 0x1001)->cfa_off, 16);
	CHECK_INT(table_find(t, 0x2001)->cfa_off, 32);
	table_free(t);
	buf_done(&eh);
	buf_done(&debug);
}

static void sparse(void)
{
	struct buf b = { 0 };
	size_t cie = frames_cie(&b, "zR", 16, PROGRAM(X86_INITIAL));
	struct elf_image image;
	struct table *t;
	struct err err;

	frames_fde(&b, cie, 0x1000, 0x10, PROGRAM(DW_CFA_def_cfa_offset, 16));
	frames_fde(&b, cie, 0x70000000, 0x10, PROGRAM(DW_CFA_def_cfa_offset, 16));
	image = frames_image(MACHINE_X86_64, &b);
	image.load[0].mem_size = UINT32_MAX;
	t = table_new(&image, &err);
	REQUIRE_TRUE(t != NULL);
	CHECK_INT(table_find(t, 0x70000000)->cfa_off, 16);
	CHECK_INT(table_find(t, 0x1008)->cfa_off, 16);
	CHECK_INT(table_find(t, 0x2000)->kind, TABLE_NONE);
	CHECK_INT(table_counts(t).n_rows, 4);
	table_free(t);
	buf_done(&b);
}

static void aarch64_rules(void)
{
	struct buf b = { 0 };
	size_t cie = frames_cie(&b, "zR", 30, PROGRAM(DW_CFA_def_cfa, 31, 0));
	struct table *t;
	const struct table_rule *r;

	frames_fde(&b, cie, 0x1000, 0x100,
		   PROGRAM(DW_CFA_advance_loc | 4, DW_CFA_def_cfa_offset, 32, DW_CFA_offset | 29, 4,
			   DW_CFA_offset | 30, 3));
	t = table_of(&b, MACHINE_AARCH64);
	r = table_find(t, 0x1000);
	CHECK_INT(r->kind, TABLE_SP);
	CHECK_INT(r->flags, TABLE_RA_IN_LR);
	r = table_find(t, 0x1004);
	CHECK_INT(r->cfa_off, 32);
	CHECK_INT(r->fp_off, -32);
	CHECK_INT(r->ra_off, -24);
	CHECK_INT(r->flags, TABLE_FP_SAVED);
	table_free(t);
	buf_done(&b);
}

static void nothing(void)
{
	struct elf_image image = { .machine = MACHINE_X86_64 };
	struct buf b = { 0 };
	struct err err = { 0 };

	CHECK_TRUE(!table_new(&image, &err));
	CHECK_INT(err.code, -ENODATA);
	frames_u32(&b, 0x100);
	image = frames_image(MACHINE_X86_64, &b);
	CHECK_TRUE(!table_new(&image, &err));
	CHECK_INT(err.code, -EBADMSG);
	buf_done(&b);
}

/* Rows of a real object: the table says what the interpreter says, everywhere. */
static void compare_fde(void *ctx, uint64_t begin, uint64_t end)
{
	struct table *t = ctx;
	static const uint8_t x86_slots[] = {
		[TABLE_SLOT_RA] = X86_PC, [TABLE_SLOT_FP] = X86_RBP, [TABLE_SLOT_SP] = X86_RSP
	};
	static const uint8_t a64_slots[] = {
		[TABLE_SLOT_RA] = A64_LR, [TABLE_SLOT_FP] = A64_FP, [TABLE_SLOT_SP] = A64_SP
	};
	struct table_row row;

	for (uint64_t addr = begin; addr < end; addr = row.end) {
		const struct table_rule *r = table_find(t, addr);
		const uint8_t *slots;
		struct cfi_state state;
		struct table_rule want;

		if (!table_row(t, addr, &row)) {
			CHECK_INT(r->kind, TABLE_EXACT);
			return;
		}
		slots = row.section.machine == MACHINE_X86_64 ? x86_slots : a64_slots;
		state = row.state;
		for (int i = 0; i < TABLE_SLOTS; i++)
			state.rule[i] = row.state.rule[slots[i]];
		want = table_compile(&row.section, &row.cie, &state);
		if (memcmp(r, &want, offsetof(struct table_rule, plt_at) + 1) != 0)
			CHECK_TRUE(false, "row at %#jx", (uintmax_t)addr);
	}
}

static void real_object(void)
{
	struct elf_image image;
	struct table *t;
	struct err err;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	REQUIRE_TRUE(elf_image_read(fd, ELF_TAKE_UNWIND, &image, &err) == 0);
	t = table_new(&image, &err);
	REQUIRE_TRUE(t != NULL, "%s", err.text);
	CHECK_TRUE(table_counts(t).n_fdes > 10);
	table_each_fde(t, compare_fde, t);
	table_free(t);
	elf_image_done(&image);
	close(fd);
}

SUITE(unwind_table,
	{ "each form of a row has its kind, what is not provably plain is exact", kinds },
	{ "frames need no order, padding keeps the row, code without CFI has none",
	  unsorted_and_padded },
	{ "of overlapping frames the first, up to where the next begins", overlapping },
	{ "frames of code that the linker dropped are left out", tombstones },
	{ "a zero terminator in the middle does not hide the rest", zero_in_the_middle },
	{ "a header that lacks frames or points at wrong ones is not believed", headers },
	{ ".debug_frame fills what .eh_frame leaves open", two_sections },
	{ "code spread over gigabytes costs no memory", sparse },
	{ "aarch64 rows know the link register", aarch64_rules },
	{ "no frames, and no valid ones, have their reasons", nothing },
	{ "compiled rows of this program equal the interpreter's", real_object },
)
