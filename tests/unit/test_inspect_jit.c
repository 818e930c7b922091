/* Perf map lines and jitdump files, sound and hostile. */
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/format/perfmap.h"
#include "record/inspect/jitdump.h"
#include "tests/unit/check.h"

/* ---- perf map ---- */

static void map_lines(void)
{
	static const struct {
		const char *line;
		bool good;
		uint64_t addr, size;
		const char *name;
	} cases[] = {
		{ "3ef414c0 398 RegExp:[{(]", true, 0x3ef414c0, 0x398, "RegExp:[{(]" },
		{ "0x00007f12 0x20 void W.main(String[])", true, 0x7f12, 0x20,
		  "void W.main(String[])" },
		{ "7F12\t20\tx\r", true, 0x7f12, 0x20, "x" },
		{ "ffffffffffffffff 1 x", false, 0, 0, NULL },
		{ "fffffffffffffff0 f x", true, 0xfffffffffffffff0, 0xf, "x" },
		{ "10000000000000000 1 x", false, 0, 0, NULL },
		{ "1000 0 x", false, 0, 0, NULL },
		{ "1000 40000001 x", false, 0, 0, NULL },
		{ "1000 20", false, 0, 0, NULL },
		{ "1000 20 ", false, 0, 0, NULL },
		{ "1000", false, 0, 0, NULL },
		{ " 1000 20 x", false, 0, 0, NULL },
		{ "0x 20 x", false, 0, 0, NULL },
		{ "xyz 20 x", false, 0, 0, NULL },
		{ "", false, 0, 0, NULL },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		char name[JIT_TEXT_MAX + 1];
		struct jit_record r = { 0 };
		bool good = perfmap_parse_line(cases[i].line, strlen(cases[i].line), name, &r);

		if (!CHECK_TRUE(good == cases[i].good, "'%s'", cases[i].line) || !good)
			continue;
		CHECK_UINT(r.addr, cases[i].addr);
		CHECK_UINT(r.size, cases[i].size);
		CHECK_STR(r.name, cases[i].name);
	}
}

static void long_name(void)
{
	char line[8000] = "1000 20 ", name[JIT_TEXT_MAX + 1];
	struct jit_record r = { 0 };

	memset(line + 8, 'n', sizeof(line) - 8);
	REQUIRE_TRUE(perfmap_parse_line(line, sizeof(line), name, &r));
	CHECK_UINT(strlen(r.name), JIT_TEXT_MAX);
	line[100] = 0;
	CHECK_TRUE(!perfmap_parse_line(line, sizeof(line), name, &r));
}

/* ---- jitdump ---- */

struct file {
	uint8_t bytes[4096];
	size_t n;
};

static struct file made;
static struct jitdump dump;
static unsigned int n_got, kinds[32];
static struct jit_record last;
static char last_name[64];
static struct err err;

static const uint8_t *peek(void *ctx, uint64_t off, size_t n)
{
	struct file *f = ctx;

	return off <= f->n && f->n - off >= n ? f->bytes + off : NULL;
}

static int got(void *ctx, const struct jit_record *r)
{
	(void)ctx;
	if (n_got < N_ELEMENTS(kinds))
		kinds[n_got] = r->kind;
	n_got++;
	last = *r;
	snprintf(last_name, sizeof(last_name), "%s", r->name ? r->name : "");
	return 0;
}

static void put32(uint32_t v)
{
	store_le32(made.bytes + made.n, v);
	made.n += 4;
}

static void put64(uint64_t v)
{
	store_le64(made.bytes + made.n, v);
	made.n += 8;
}

static void put_header(uint64_t flags)
{
	made.n = 0;
	dump = (struct jitdump){ 0 };
	n_got = 0;
	put32(0x4a695444);
	put32(1);
	put32(40);
#ifdef __aarch64__
	put32(EM_AARCH64);
#else
	put32(EM_X86_64);
#endif
	put32(0);
	put32(12);
	put64(1000);
	put64(flags);
}

static void put_load(uint64_t time_ns, uint64_t addr, uint64_t size, const char *name)
{
	put32(0);
	put32((uint32_t)(16 + 40 + strlen(name) + 1 + 4));
	put64(time_ns);
	put32(12);
	put32(12);
	put64(addr);
	put64(addr);
	put64(size);
	put64(3);
	memcpy(made.bytes + made.n, name, strlen(name) + 1);
	made.n += strlen(name) + 1;
	put32(0xc3c3c3c3);
}

static void put_unwind(void)
{
	put32(4);
	put32(16 + 24 + 8);
	put64(1400);
	put64(8);
	put64(3);
	put64(8);
	put64(0x1122334455667788);
}

static void put_lines(void)
{
	put32(2);
	put32(16 + 16 + 16 + 5 + 16 + 2);
	put64(1400);
	put64(0x5000);
	put64(2);
	put64(0x5000);
	put32(3);
	put32(1);
	memcpy(made.bytes + made.n, "a.js", 5);
	made.n += 5;
	put64(0x5008);
	put32(4);
	put32(1);
	memcpy(made.bytes + made.n, "\xff", 2);
	made.n += 2;
}

static int read_all(uint64_t *off)
{
	struct jitdump_source s = { .peek = peek, .ctx = &made, .size = made.n };
	int r = 0;

	if (!*off) {
		r = jitdump_open(&dump, &s, &err);
		if (r <= 0)
			return r;
		*off = (uint64_t)r;
	}
	return jitdump_read(&dump, &s, 99, 900, 2000, off, got, NULL, &err);
}

static void whole(void)
{
	uint64_t off = 0;

	put_header(0);
	put_unwind();
	put_lines();
	put_load(1500, 0x5000, 0x40, "f");
	CHECK_INT(read_all(&off), 0);
	CHECK_UINT(off, made.n);
	REQUIRE_INT(n_got, 3);
	CHECK_UINT(kinds[0], JIT_LINES);
	CHECK_UINT(kinds[1], JIT_UNWIND);
	CHECK_UINT(kinds[2], JIT_LOAD);
	CHECK_STR(last_name, "f");
	CHECK_UINT(last.pid, 99);
	CHECK_UINT(last.time_ns, 1500);
	CHECK_UINT(last.since_ns, 1500);
	CHECK_UINT(last.index, 3);
}

/* Its writer is still at it: what was cut is read when it is whole, nothing is lost or twice. */
static void cut_anywhere(void)
{
	struct file all;

	put_header(0);
	put_load(1500, 0x5000, 0x40, "f");
	put_unwind();
	put_load(1501, 0x6000, 0x40, "g");
	all = made;
	for (size_t n = 0; n < all.n; n++) {
		uint64_t off = 0;

		dump = (struct jitdump){ 0 };
		n_got = 0;
		made.n = n;
		CHECK_INT(read_all(&off), 0);
		made.n = all.n;
		CHECK_INT(read_all(&off), 0);
		CHECK_UINT(n_got, 3);
		CHECK_UINT(off, all.n);
		CHECK_STR(last_name, "g");
	}
}

static void other_clocks(void)
{
	uint64_t off = 0;

	put_header(1); /* the machine's own counter */
	put_load(1500, 0x5000, 0x40, "f");
	CHECK_INT(read_all(&off), 0);
	CHECK_UINT(last.since_ns, 900);
	CHECK_UINT(last.time_ns, 2000);
	CHECK_UINT(dump.counts.n_untimed, 1);
	put_header(0);
	put_load(1700000000000000000, 0x5000, 0x40, "f"); /* of the calendar */
	off = 0;
	CHECK_INT(read_all(&off), 0);
	CHECK_UINT(last.since_ns, 900);
	CHECK_UINT(dump.counts.n_untimed, 1);
}

static void nonsense(void)
{
	uint64_t off = 0;

	put_header(0);
	made.bytes[0] = 'x';
	CHECK_INT(read_all(&off), -EBADMSG);
	put_header(0);
	store_le32(made.bytes, 0x4454694a);
	CHECK_INT(read_all(&off), -ENOTSUP);
	put_header(0);
	store_le32(made.bytes + 12, EM_386);
	CHECK_INT(read_all(&off), -ENOTSUP);
	CHECK_HAS(err.text, "machine 3");
	put_header(0);
	put_load(1500, 0x5000, 0, "empty");
	put_load(1500, UINT64_MAX - 3, 0x40, "wraps");
	put_load(1500, 0x5000, UINT64_MAX, "huge");
	put_load(1500, 0x5000, 0x40, "f");
	off = 0;
	CHECK_INT(read_all(&off), 0);
	CHECK_UINT(n_got, 1);
	CHECK_UINT(dump.counts.n_odd, 3);
	store_le32(made.bytes + 44, 15); /* the first record's size */
	off = 0;
	CHECK_INT(read_all(&off), -EBADMSG);
	CHECK_HAS(err.text, "offset 40 claims 15 bytes");
}

SUITE(inspect_jit,
	{ "lines of perf maps, good and bad", map_lines },
	{ "a name that is too long is cut, one with a zero is none", long_name },
	{ "a jitdump's code comes with its lines and call frames", whole },
	{ "a jitdump cut anywhere is read on when it is whole", cut_anywhere },
	{ "times of another clock are not believed", other_clocks },
	{ "what makes no sense is left out or refused with its place", nonsense },
)
