/*
 * Sections of ELF files made by hand: what is packed, what claims more than it has, what points
 * to another file, what lies outside.
 */
#include "report/dwarf/sections.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <zlib.h>
#include <zstd.h>

#include "common/base/auto.h"
#include "common/base/bits.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "tests/unit/check.h"

enum { TEXT_BYTES = 5000, PACK_ZLIB_TYPE = 1, PACK_ZSTD_TYPE = 2 };

/* An ELF file with one section of interest; the others are none and the names. */
struct made_elf {
	const char *name;
	uint64_t flags;
	uint64_t off, size; /* 0, 0: as they are */
};

static int elf_fd(const struct made_elf *m, const void *bytes, size_t n)
{
	Elf64_Ehdr eh = {
		.e_ident = ELFMAG,
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_shoff = sizeof(eh),
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = 3,
		.e_shstrndx = 2,
	};
	Elf64_Shdr sh[3] = { 0 };
	char names[64] = "";
	struct buf b;
	int fd = memfd_create("sections", MFD_CLOEXEC);

	eh.e_ident[EI_CLASS] = ELFCLASS64;
	eh.e_ident[EI_DATA] = ELFDATA2LSB;
	snprintf(names + 1, sizeof(names) - 1, "%s", m->name);
	sh[1] = (Elf64_Shdr){ .sh_name = 1, .sh_type = SHT_PROGBITS, .sh_flags = m->flags };
	sh[1].sh_offset = m->off ? m->off : sizeof(eh) + sizeof(sh) + sizeof(names);
	sh[1].sh_size = m->size ? m->size : n;
	sh[2] = (Elf64_Shdr){ .sh_type = SHT_STRTAB,
			      .sh_offset = sizeof(eh) + sizeof(sh),
			      .sh_size = sizeof(names) };
	buf_init(&b);
	buf_put(&b, &eh, sizeof(eh));
	buf_put(&b, sh, sizeof(sh));
	buf_put(&b, names, sizeof(names));
	buf_put(&b, bytes, n);
	REQUIRE_TRUE(fd >= 0 && io_write(fd, b.data, b.n, NULL) == 0);
	buf_done(&b);
	return fd;
}

static struct sections *open_made(const struct made_elf *m, const void *bytes, size_t n)
{
	AUTO_CLOSE int fd = elf_fd(m, bytes, n);
	struct sections *s;
	struct err err = { 0 };

	REQUIRE_INT(sections_open(fd, false, &s, &err), 0);
	return s;
}

/* What .debug_info gives; `text` (256 bytes) gets what is said. */
static int get_info(const struct made_elf *m, const struct buf *b, struct buf *ret, char *text)
{
	struct sections *s = open_made(m, b->data, b->n);
	struct section section = { 0 };
	struct err err = { 0 };
	int status = sections_get(s, SECTION_INFO, &section, &err);

	snprintf(text, 256, "%.255s", err.text);
	buf_reset(ret);
	buf_put(ret, section.data, section.n);
	/* the same again */
	CHECK_INT(sections_get(s, SECTION_INFO, &section, NULL), status);
	sections_close(s);
	return status;
}

/* ---- packed ---- */

static void fill_text(uint8_t *text)
{
	for (size_t i = 0; i < TEXT_BYTES; i++)
		text[i] = (uint8_t)(i * i >> 7);
}

/* Header that claims `size` bytes, and the text packed. Owner: caller. */
static void pack_elf(struct buf *b, uint32_t type, uint64_t size)
{
	Elf64_Chdr head = { .ch_type = type, .ch_size = size, .ch_addralign = 1 };
	uint8_t text[TEXT_BYTES], out[2 * TEXT_BYTES];
	uLongf n = sizeof(out);

	fill_text(text);
	if (type == PACK_ZSTD_TYPE)
		n = ZSTD_compress(out, sizeof(out), text, sizeof(text), 3);
	else
		REQUIRE_INT(compress(out, &n, text, sizeof(text)), Z_OK);
	buf_init(b);
	buf_put(b, &head, sizeof(head));
	buf_put(b, out, n);
}

static void pack_gnu(struct buf *b, uint64_t size)
{
	uint64_t claimed = htobe64(size);
	struct buf elf;

	pack_elf(&elf, PACK_ZLIB_TYPE, 0);
	buf_init(b);
	buf_puts(b, "ZLIB");
	buf_put(b, &claimed, sizeof(claimed));
	buf_put(b, elf.data + sizeof(Elf64_Chdr), elf.n - sizeof(Elf64_Chdr));
	buf_done(&elf);
}

static void every_packing(void)
{
	static const struct made_elf elf = { ".debug_info", SHF_COMPRESSED, 0, 0 };
	static const struct made_elf gnu = { ".zdebug_info", 0, 0, 0 };
	uint8_t text[TEXT_BYTES];
	char said[256];
	struct buf b, got;

	fill_text(text);
	buf_init(&got);
	for (int i = 0; i < 3; i++) {
		if (i < 2)
			pack_elf(&b, i ? PACK_ZSTD_TYPE : PACK_ZLIB_TYPE, TEXT_BYTES);
		else
			pack_gnu(&b, TEXT_BYTES);
		CHECK_INT(get_info(i < 2 ? &elf : &gnu, &b, &got, said), 0);
		CHECK_UINT(got.n, TEXT_BYTES);
		CHECK_MEM(got.data, text, MIN(got.n, TEXT_BYTES));
		buf_done(&b);
	}
	buf_done(&got);
}

/* Sizes that are claimed, and what becomes of each: no memory is asked for that limits forbid. */
static void lying_packings(void)
{
	static const struct made_elf elf = { ".debug_info", SHF_COMPRESSED, 0, 0 };
	static const struct {
		uint32_t type;
		uint64_t claim;
		int status;
		const char *said;
	} claims[] = {
		{ PACK_ZLIB_TYPE, TEXT_BYTES + 1, -EBADMSG, "fewer bytes, expected 5001" },
		{ PACK_ZLIB_TYPE, TEXT_BYTES - 1, -EBADMSG, "more bytes, expected 4999" },
		{ PACK_ZLIB_TYPE, (uint64_t)1 << 31, -EFBIG, "limit is 1032 times" },
		{ PACK_ZLIB_TYPE, (uint64_t)1 << 40, -EFBIG, "limit is 4294967296" },
		{ PACK_ZLIB_TYPE, UINT64_MAX, -EFBIG, "limit is 4294967296" },
		{ PACK_ZSTD_TYPE, TEXT_BYTES + 1, -EBADMSG, "unpacked to 5000 bytes" },
		{ PACK_ZSTD_TYPE, TEXT_BYTES - 1, -EBADMSG, "cannot be unpacked" },
		{ PACK_ZSTD_TYPE, (uint64_t)1 << 32, -EFBIG, "limit is 4096 times" },
		{ PACK_ZSTD_TYPE, UINT64_MAX, -EFBIG, "limit is 4294967296" },
		{ 3, TEXT_BYTES, -ENOTSUP, "compression type 3" },
		{ UINT32_MAX, TEXT_BYTES, -ENOTSUP, "neither zlib nor zstd" },
	};
	char said[256];
	struct buf got;

	buf_init(&got);
	for (size_t i = 0; i < N_ELEMENTS(claims); i++) {
		struct buf b;

		pack_elf(&b, claims[i].type, claims[i].claim);
		CHECK_INT(get_info(&elf, &b, &got, said), claims[i].status);
		CHECK_HAS(said, claims[i].said);
		CHECK_HAS(said, "section '.debug_info'");
		buf_done(&b);
	}
	buf_done(&got);
}

static void lying_gnu(void)
{
	static const struct made_elf gnu = { ".zdebug_info", 0, 0, 0 };
	char said[256];
	struct buf b, got;

	buf_init(&got);
	pack_gnu(&b, UINT64_MAX);
	CHECK_INT(get_info(&gnu, &b, &got, said), -EFBIG);
	buf_done(&b);
	pack_gnu(&b, TEXT_BYTES + 1);
	CHECK_INT(get_info(&gnu, &b, &got, said), -EBADMSG);
	buf_done(&b);
	/* without its magic it is not packed at all */
	buf_init(&b);
	buf_puts(&b, "plain bytes");
	CHECK_INT(get_info(&gnu, &b, &got, said), 0);
	CHECK_STR(buf_text(&got), "plain bytes");
	buf_done(&b);
	buf_done(&got);
}

static void cut_packings(void)
{
	static const struct made_elf elf = { ".debug_info", SHF_COMPRESSED, 0, 0 };
	char said[256];
	struct buf got;

	buf_init(&got);
	for (uint32_t type = PACK_ZLIB_TYPE; type <= PACK_ZSTD_TYPE; type++) {
		struct buf b;
		size_t n;

		pack_elf(&b, type, TEXT_BYTES);
		for (n = b.n, b.n = 1; b.n < n; b.n++)
			CHECK_TRUE(get_info(&elf, &b, &got, said) < 0, "%zu bytes", b.n);
		buf_done(&b);
	}
	buf_done(&got);
}

/* ---- places ---- */

static void outside(void)
{
	static const struct made_elf made[] = {
		{ ".debug_info", 0, 1 << 20, 10 },
		{ ".debug_info", 0, 0, 1 << 20 },
		{ ".debug_info", 0, 64, UINT64_MAX },
		{ ".debug_info", 0, UINT64_MAX, 1 },
		{ ".debug_info", 0, UINT64_MAX - 4, 16 },
		{ ".debug_info", SHF_COMPRESSED, UINT64_MAX, 1 },
	};
	struct buf b, got;
	char said[256];

	buf_init(&got);
	buf_init(&b);
	buf_puts(&b, "bytes");
	for (size_t i = 0; i < N_ELEMENTS(made); i++)
		CHECK_INT(get_info(&made[i], &b, &got, said), -EBADMSG);
	buf_done(&b);
	buf_done(&got);
}

/* ---- further files ---- */

/* Build-id in hex, or "" for none; the name goes to `name`. */
static const char *alt_of(const char *section, const void *bytes, size_t n, char *name)
{
	static char hex[2 * BUILD_ID_MAX + 1];
	struct made_elf m = { section, 0, 0, 0 };
	struct sections *s = open_made(&m, bytes, n);
	struct build_id id = { 0 };
	const char *text = "";

	hex[0] = 0;
	if (sections_alt(s, &text, &id))
		for (unsigned int i = 0; i < id.n; i++)
			snprintf(hex + 2 * i, 3, "%02x", id.bytes[i]);
	snprintf(name, 64, "%.63s", text);
	sections_close(s);
	return hex;
}

static void alternates(void)
{
	static const uint8_t sup[] = "\5\0\0x.sup\0\4\1\2\3\4";
	char name[64];

	CHECK_STR(alt_of(".gnu_debugaltlink", "x.alt\0\xab\xcd", 8, name), "abcd");
	CHECK_STR(name, "x.alt");
	CHECK_STR(alt_of(".debug_sup", sup, 14, name), "01020304");
	CHECK_STR(name, "x.sup");
}

static void no_alternates(void)
{
	char name[64];

	/* no end of the name, no build-id, one that is cut, too long, of the file itself, newer */
	CHECK_STR(alt_of(".gnu_debugaltlink", "x.alt", 5, name), "");
	CHECK_STR(alt_of(".gnu_debugaltlink", "x.alt", 6, name), "");
	CHECK_STR(alt_of(".debug_sup", "\5\0\0x\0\4\1\2\3", 9, name), "");
	CHECK_STR(alt_of(".debug_sup", "\5\0\0x\0\xff\1\2\3\4", 10, name), "");
	CHECK_STR(alt_of(".debug_sup", "\5\0\1x\0\4\1\2\3\4", 10, name), "");
	CHECK_STR(alt_of(".debug_sup", "\6\0\0x\0\4\1\2\3\4", 10, name), "");
	CHECK_STR(alt_of(".debug_sup", "\5\0", 2, name), "");
}

SUITE(dwarf_sections, { "zlib, zstd and GNU's packing give the bytes", every_packing },
      { "sizes that a packed section cannot have are refused by name", lying_packings },
      { "GNU's packing lies about its size, or is none", lying_gnu },
      { "packed sections cut at every length are damaged", cut_packings },
      { "sections outside of the file are damaged", outside },
      { "both kinds of link name the alternate file and its build-id", alternates },
      { "links that are cut or of another kind name nothing", no_alternates }, )
