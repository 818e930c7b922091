/* Symbols of a module against sorted addresses. */
#include "tests/unit/check.h"

#include <elf.h>
#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "common/elf/image.h"
#include "report/symbol/symbol.h"

enum { SYMBOLS_MAX = 16, NAMES_BYTES = 512 };

/* An image with one code segment, [0x1000, 0x9000), and the symbols that are added. */
struct fake {
	struct elf_image image;
	Elf64_Sym symbol[SYMBOLS_MAX];
	uint32_t n;
	char names[NAMES_BYTES];
	size_t names_n;
	struct intern strings;
};

static struct fake *fake_new(void)
{
	struct fake *f = mem_zalloc(sizeof(*f));

	f->image.machine = MACHINE_X86_64;
	f->image.n_loads = 1;
	f->image.load[0] = (struct elf_load){
		.addr = 0x1000, .mem_size = 0x8000, .file_size = 0x8000, .flags = PF_R | PF_X
	};
	f->names_n = 1;
	intern_init(&f->strings);
	return f;
}

static void fake_free(struct fake *f)
{
	intern_done(&f->strings);
	free(f);
}

static uint32_t fake_name(struct fake *f, const char *name)
{
	uint32_t at = (uint32_t)f->names_n;

	strcpy(f->names + f->names_n, name);
	f->names_n += strlen(name) + 1;
	return at;
}

static void fake_add(struct fake *f, const char *name, uint64_t value, uint64_t size,
		     unsigned int bind, unsigned int type)
{
	f->symbol[f->n++] = (Elf64_Sym){
		.st_name = fake_name(f, name),
		.st_value = value,
		.st_size = size,
		.st_info = ELF64_ST_INFO(bind, type),
		.st_shndx = 1,
	};
}

static void fake_parts(struct fake *f)
{
	f->image.n_parts = 2;
	f->image.part[0] = (struct elf_part){ .kind = ELF_PART_SYMTAB,
					      .size = f->n * sizeof(Elf64_Sym),
					      .data = (const uint8_t *)f->symbol };
	f->image.part[1] = (struct elf_part){ .kind = ELF_PART_STRTAB,
					      .size = f->names_n,
					      .data = (const uint8_t *)f->names };
}

static const char *name_at(struct fake *f, uint64_t addr, uint64_t *ret_start)
{
	struct symbol symbol = { .start = addr };
	struct symbol_batch batch = {
		.addr = &addr, .n = 1, .symbol = &symbol, .names = &f->strings
	};

	fake_parts(f);
	symbol_from_image(&f->image, &batch);
	if (ret_start)
		*ret_start = symbol.start;
	return intern_text(&f->strings, symbol.name);
}

static void covers(void)
{
	struct fake *f = fake_new();
	uint64_t start;

	fake_add(f, "before", 0x1000, 0x100, STB_GLOBAL, STT_FUNC);
	fake_add(f, "here", 0x1100, 0x100, STB_LOCAL, STT_FUNC);
	fake_add(f, "after", 0x1200, 0x100, STB_GLOBAL, STT_FUNC);
	CHECK_STR(name_at(f, 0x1100, &start), "here");
	CHECK_UINT(start, 0x1100);
	CHECK_STR(name_at(f, 0x11ff, NULL), "here");
	CHECK_STR(name_at(f, 0x1200, NULL), "after");
	CHECK_STR(name_at(f, 0x12ff, NULL), "after");
	CHECK_STR(name_at(f, 0x1300, NULL), "");
	CHECK_STR(name_at(f, 0xfff, NULL), "");
	fake_free(f);
}

static void ties(void)
{
	static const struct {
		const char *a, *b;
		unsigned int bind_a, bind_b;
		const char *want;
	} tie[] = {
		{ "local", "global", STB_LOCAL, STB_GLOBAL, "global" },
		{ "weak", "local", STB_WEAK, STB_LOCAL, "weak" },
		{ "global", "weak", STB_GLOBAL, STB_WEAK, "global" },
		{ "__read", "read", STB_GLOBAL, STB_GLOBAL, "read" },
		{ "_a", "__a", STB_WEAK, STB_WEAK, "_a" },
		{ "beta", "alpha", STB_GLOBAL, STB_GLOBAL, "alpha" },
		{ "alpha", "beta", STB_GLOBAL, STB_GLOBAL, "alpha" },
	};

	for (size_t i = 0; i < N_ELEMENTS(tie); i++) {
		struct fake *f = fake_new();

		fake_add(f, tie[i].a, 0x2000, 0x40, tie[i].bind_a, STT_FUNC);
		fake_add(f, tie[i].b, 0x2000, 0x40, tie[i].bind_b, STT_FUNC);
		CHECK_STR(name_at(f, 0x2010, NULL), tie[i].want);
		fake_free(f);
	}
}

static void sized_wins(void)
{
	struct fake *f = fake_new();

	fake_add(f, "big", 0x2000, 0x1000, STB_GLOBAL, STT_FUNC);
	fake_add(f, "mark", 0x2100, 0, STB_GLOBAL, STT_NOTYPE);
	CHECK_STR(name_at(f, 0x2200, NULL), "big");
	fake_add(f, "inner", 0x2300, 0x10, STB_LOCAL, STT_FUNC);
	CHECK_STR(name_at(f, 0x2308, NULL), "inner");
	CHECK_STR(name_at(f, 0x2310, NULL), "big");
	fake_free(f);
}

static void sizeless(void)
{
	struct fake *f = fake_new();

	fake_add(f, "assembly", 0x3000, 0, STB_GLOBAL, STT_NOTYPE);
	fake_add(f, "next", 0x3100, 0x10, STB_GLOBAL, STT_FUNC);
	CHECK_STR(name_at(f, 0x30f0, NULL), "assembly");
	CHECK_STR(name_at(f, 0x3110, NULL), ""); /* behind "next", which ended: not assembly's */
	fake_free(f);
}

/* .eh_frame_hdr with functions at 0x3000 and 0x3080, loaded at 0x8000. */
static void sizeless_ends(void)
{
	struct fake *f = fake_new();
	uint8_t hdr[12 + 2 * 8] = { 1, 0x1b, 0x03, 0x3b };
	uint64_t start, addr = 0x3090;
	struct symbol symbol = { .start = addr };
	struct symbol_batch batch = {
		.addr = &addr, .n = 1, .symbol = &symbol, .names = &f->strings
	};

	store_le32(hdr + 8, 2);
	store_le32(hdr + 12, (uint32_t)(0x3000 - 0x8000));
	store_le32(hdr + 20, (uint32_t)(0x3080 - 0x8000));
	fake_add(f, "assembly", 0x3000, 0, STB_GLOBAL, STT_NOTYPE);
	fake_parts(f);
	f->image.part[f->image.n_parts++] = (struct elf_part){
		.kind = ELF_PART_EH_FRAME_HDR, .addr = 0x8000, .size = sizeof(hdr), .data = hdr
	};
	symbol_from_image(&f->image, &batch);
	CHECK_STR(intern_text(&f->strings, symbol.name), "");
	start = symbol_function_start(&f->image, 0x3090);
	CHECK_UINT(start, 0x3080);
	CHECK_UINT(symbol_function_start(&f->image, 0x307f), 0x3000);
	CHECK_UINT(symbol_function_start(&f->image, 0x2fff), UINT64_MAX);
	fake_free(f);
}

static void not_code(void)
{
	struct fake *f = fake_new();

	fake_add(f, "data", 0x2000, 0x100, STB_GLOBAL, STT_OBJECT);
	fake_add(f, "$x", 0x2000, 0, STB_LOCAL, STT_NOTYPE);
	fake_add(f, ".L3", 0x2000, 0x100, STB_LOCAL, STT_NOTYPE);
	fake_add(f, "tls", 0x2000, 0x100, STB_GLOBAL, STT_TLS);
	fake_add(f, "outside", 0x100000, 0x100, STB_GLOBAL, STT_NOTYPE);
	CHECK_STR(name_at(f, 0x2010, NULL), "");
	CHECK_STR(name_at(f, 0x100010, NULL), "");
	fake_add(f, "imported", 0x2000, 0x100, STB_GLOBAL, STT_FUNC);
	f->symbol[f->n - 1].st_shndx = SHN_UNDEF;
	CHECK_STR(name_at(f, 0x2010, NULL), "");
	fake_add(f, "versioned@@V_1.2", 0x2000, 0x100, STB_GLOBAL, STT_FUNC);
	CHECK_STR(name_at(f, 0x2010, NULL), "versioned");
	fake_free(f);
}

static void hostile(void)
{
	struct fake *f = fake_new();

	fake_add(f, "everything", 0, UINT64_MAX, STB_GLOBAL, STT_FUNC);
	fake_add(f, "wraps", UINT64_MAX, UINT64_MAX, STB_GLOBAL, STT_FUNC);
	fake_add(f, "nameless", 0x2000, 0x100, STB_GLOBAL, STT_FUNC);
	f->symbol[f->n - 1].st_name = 0x7fffffff;
	CHECK_STR(name_at(f, 0x2010, NULL), "everything");
	CHECK_STR(name_at(f, UINT64_MAX - 1, NULL), "everything");
	CHECK_STR(name_at(f, 0, NULL), "everything");
	f->image.part[0].size = 5; /* not even one symbol */
	fake_free(f);
}

/* Many addresses in one batch get the same names as each alone, whatever their spacing. */
static void batches(void)
{
	enum { N = 1000 };
	struct fake *f = fake_new();
	uint64_t *addr = mem_alloc(N * sizeof(*addr));
	struct symbol *symbol = mem_zalloc(N * sizeof(*symbol));
	struct symbol_batch batch = {
		.addr = addr, .n = N, .symbol = symbol, .names = &f->strings
	};

	for (uint64_t i = 0; i < N; i++)
		addr[i] = 0x1000 + i * i % 7 + i * 30;
	for (unsigned int i = 0; i < 10; i++) {
		char name[] = "function0";

		name[8] = (char)('0' + i);
		fake_add(f, name, 0x1200 + i * 0x700, i % 3 ? 0x350 : 0x700, STB_GLOBAL, STT_FUNC);
	}
	fake_parts(f);
	symbol_from_image(&f->image, &batch);
	for (uint64_t i = 0; i < N; i++)
		CHECK_STR(intern_text(&f->strings, symbol[i].name), name_at(f, addr[i], NULL));
	free(symbol);
	free(addr);
	fake_free(f);
}

/*
 * A PLT with IBT: .plt.sec entry "endbr64; bnd jmp *slot(%rip)", and .plt's "endbr64; push; bnd
 * jmp".
 */
static void plt(void)
{
	struct fake *f = fake_new();
	uint8_t sec[32] = { 0xf3, 0x0f, 0x1e, 0xfa, 0xf2, 0xff, 0x25 };
	uint8_t lazy[16] = { 0xf3, 0x0f, 0x1e, 0xfa, 0x68, 1 };
	Elf64_Rela rela[2] = {
		{ .r_offset = 0x8010, .r_info = ELF64_R_INFO(1, R_X86_64_JUMP_SLOT) },
		{ .r_offset = 0x8018, .r_info = ELF64_R_INFO(2, R_X86_64_JUMP_SLOT) },
	};
	Elf64_Sym imported[3] = { { 0 }, { .st_name = 0 }, { .st_name = 0 } };
	struct elf_part *part = f->image.part;

	imported[1].st_name = fake_name(f, "read");
	imported[2].st_name = fake_name(f, "_ZN1a1bEv");
	store_le32(sec + 7, 0x8018 - (0x4000 + 11));
	part[0] = (struct elf_part){
		.kind = ELF_PART_CODE, .addr = 0x4000, .size = sizeof(sec), .data = sec
	};
	part[1] = (struct elf_part){
		.kind = ELF_PART_CODE, .addr = 0x5000, .size = sizeof(lazy), .data = lazy
	};
	part[2] = (struct elf_part){ .kind = ELF_PART_RELA_PLT,
				     .size = sizeof(rela),
				     .data = (const uint8_t *)rela };
	part[3] = (struct elf_part){ .kind = ELF_PART_DYNSYM,
				     .size = sizeof(imported),
				     .data = (const uint8_t *)imported };
	part[4] = (struct elf_part){ .kind = ELF_PART_DYNSTR,
				     .size = f->names_n,
				     .data = (const uint8_t *)f->names };
	f->image.n_parts = 5;

	uint64_t addr[] = { 0x4004, 0x4010, 0x5005 };
	struct symbol symbol[3] = { 0 };
	struct symbol_batch batch = {
		.addr = addr, .n = 3, .symbol = symbol, .names = &f->strings
	};

	symbol_from_image(&f->image, &batch);
	CHECK_STR(intern_text(&f->strings, symbol[0].name), "_ZN1a1bEv@plt");
	CHECK_STR(intern_text(&f->strings, symbol[1].name), ""); /* no jump there */
	CHECK_STR(intern_text(&f->strings, symbol[2].name), "_ZN1a1bEv@plt");
	rela[1].r_info = ELF64_R_INFO(77, R_X86_64_JUMP_SLOT); /* outside .dynsym */
	memset(symbol, 0, sizeof(symbol));
	symbol_from_image(&f->image, &batch);
	CHECK_STR(intern_text(&f->strings, symbol[0].name), "");
	fake_free(f);
}

SUITE(symbol_table, { "a symbol names the addresses its size covers and no other", covers },
      { "of several names global beats weak beats local, then fewer underscores, then the alphabet",
	ties },
      { "a size that covers beats a symbol without size, the inner symbol the outer",
	sized_wins },
      { "a symbol without size reaches to the next symbol", sizeless },
      { "a symbol without size ends where call frame information begins another function",
	sizeless_ends },
      { "data, marks, thread-local and imported symbols name no code", not_code },
      { "symbols that lie about address, size and name do no harm", hostile },
      { "a batch gives each address the name it gets alone", batches },
      { "a PLT entry is called after the function it jumps to", plt }, )
