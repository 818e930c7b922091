/* common/base/toml.c: what is taken, what is refused and where, and every limit. */
#include "common/base/toml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "tests/unit/check.h"

static void put_item(struct buf *b, const struct toml_item *item)
{
	static const char kinds[] = "sbifa";

	buf_printf(b, "%s=%c:%s", item->path, kinds[item->type], item->text ? item->text : "");
	for (size_t i = 0; i < item->n_strings; i++)
		buf_printf(b, "<%s>", item->string[i]);
	buf_putc(b, ' ');
}

/* Items as "path=kind:text ", or the error; lent until the next call. */
static const char *parsed(const char *bytes, size_t n)
{
	static struct buf b;
	struct arena arena;
	struct toml toml;
	struct err err = { 0 };

	arena_init(&arena);
	buf_reset(&b);
	if (toml_parse("f", bytes, n, &arena, &toml, &err) < 0)
		buf_puts(&b, err.text);
	else
		for (size_t i = 0; i < toml.n_items; i++)
			put_item(&b, &toml.item[i]);
	arena_done(&arena);
	return buf_text(&b);
}

struct row {
	const char *text, *want;
};

static void values(void)
{
	static const struct row rows[] = {
		{ "", "" },
		{ "\n# only this\r\n", "" },
		{ "a=1", "a=i:1 " },
		{ "\xef\xbb\xbf"
		  "a=1",
		  "a=i:1 " },
		{ " a_b-9 = true # why\r\nc=false", "a_b-9=b:true c=b:false " },
		{ "a = \"x\"\nb = 'C:\\x'\nc=''", "a=s:x b=s:C:\\x c=s: " },
		{ "a = \"\\\"\\\\\\t\\u00e9\\U0001F600\"", "a=s:\"\\\t\xc3\xa9\xf0\x9f\x98\x80 " },
		{ "a = +1_000\nb=-0\nc=0xfF\nd=0o17\ne=0b11",
		  "a=i:1000 b=i:0 c=i:255 d=i:15 e=i:3 " },
		{ "a=9223372036854775807\nb=-9223372036854775808",
		  "a=i:9223372036854775807 b=i:-9223372036854775808 " },
		{ "a = 0.5\nb=-12.2_5", "a=f:0.5 b=f:-12.25 " },
		{ "a = []\nb=['x',\n # one\n\"y\",]\n", "a=a: b=a:<x><y> " },
		{ "[t]\na=1\n[t.u]\na=2\n[ v . w ]\nx . y=3", "t.a=i:1 t.u.a=i:2 v.w.x.y=i:3 " },
		{ "true=1\n12=2", "true=i:1 12=i:2 " },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CHECK_STR(parsed(rows[i].text, strlen(rows[i].text)), rows[i].want);
}

static void errors(void)
{
	static const struct row rows[] = {
		{ "a", "f:1:2: '=' is expected, found 'end of line'" },
		{ "a=", "f:1:3: a value is expected" },
		{ "\n\n  a = yes", "f:3:7: 'yes' is no value: a string has quotes" },
		{ "a=truely", "f:1:3: 'truely' is no value: a string has quotes" },
		{ "a=1 b=2", "f:1:5: 'b' where the line should end" },
		{ "\xc3\xa9=1", "f:1:1: a key is expected, found '\xc3\xa9'" },
		{ "a='\xc3\xa9' x", "f:1:7: 'x' where the line should end" },
		{ "a=1\na=2", "f:2:1: 'a' is set already in line 1" },
		{ "a=1\na.b=2", "f:2:1: 'a.b' is set already in line 1" },
		{ "a.b=1\n[a.b]", "f:2:1: 'a.b' is set already in line 1" },
		{ "[a]\n[a]", "f:2:1: table 'a' is opened a second time" },
		{ "[a", "f:1:3: ']' is expected, found 'end of line'" },
		{ "[]", "f:1:2: a key is expected, found ']'" },
		{ "[[a]]", "f:1:1: arrays of tables are not supported" },
		{ "a={}", "f:1:3: inline tables are not supported" },
		{ "\"a\"=1", "f:1:1: quoted keys are not supported" },
		{ "a=\"\"\"x", "f:1:3: strings of several lines are not supported" },
		{ "a=\"x\nb=1", "f:1:3: the string has no end" },
		{ "a=\"\\q\"", "f:1:4: unknown escape in a string; a backslash is \\\\" },
		{ "a=\"\\u12g4\"", "f:1:8: 4 hexadecimal digits are expected" },
		{ "a=\"\\u0000\"", "f:1:4: escape of no character" },
		{ "a=\"\\ud800\"", "f:1:4: escape of no character" },
		{ "a=\"\\", "f:1:4: unknown escape in a string; a backslash is \\\\" },
		{ "a=[1]", "f:1:4: a string is expected in the array, found '1'" },
		{ "a=['x' 'y']", "f:1:8: ',' or ']' is expected, found ''y''" },
		{ "a=['x',\n", "f:1:3: the array has no end" },
		{ "a=[,]", "f:1:4: a string is expected in the array, found ','" },
		{ "a=9223372036854775808",
		  "f:1:3: '9223372036854775808' does not fit into 64 bits" },
		{ "a=012", "f:1:3: '012' is no value: a string has quotes" },
		{ "a=1_", "f:1:3: '1_' is no number of a supported kind" },
		{ "a=1.", "f:1:3: '1.' is no number" },
		{ "a=1e3", "f:1:3: '1e3' is no number of a supported kind" },
		{ "a=1979-05-27", "f:1:3: '1979-05-27' is no number of a supported kind" },
		{ "a=+0x1", "f:1:3: '+0x1' is no number of a supported kind" },
		{ "a=1\x01", "f:1:4: control character 0x01" },
		{ "a='\rx'", "f:1:4: control character 0x0d" },
		{ "\na='\xff'", "f:2:4: byte 0xff is not UTF-8" },
		{ "a='\xed\xa0\x80'", "f:1:4: byte 0xed is not UTF-8" },
		{ "a='\xc3", "f:1:4: byte 0xc3 is not UTF-8" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CHECK_STR(parsed(rows[i].text, strlen(rows[i].text)), rows[i].want);
	CHECK_STR(parsed("a=\0", 3), "f:1:3: control character 0x00");
}

static void positions(void)
{
	static const char text[] = "# one\n\n  key =\t\"v\"\n";
	struct arena arena;
	struct toml toml;

	arena_init(&arena);
	REQUIRE_INT(toml_parse("f", text, strlen(text), &arena, &toml, NULL), 0);
	REQUIRE_INT((int64_t)toml.n_items, 1);
	CHECK_UINT(toml.item[0].line, 3);
	CHECK_UINT(toml.item[0].column, 3);
	CHECK_UINT(toml.item[0].value_line, 3);
	CHECK_UINT(toml.item[0].value_column, 9);
	CHECK_STR(toml_type_name(toml.item[0].type), "string");
	arena_done(&arena);
}

/* n times `each`, a number in it counting up. */
static void repeat(struct buf *b, const char *before, const char *each, unsigned int n)
{
	buf_reset(b);
	buf_puts(b, before);
	for (unsigned int i = 0; i < n; i++) {
		buf_puts(b, each);
		if (each[0] == 'k')
			buf_printf(b, "%u=1\n", i);
	}
}

static void limits(void)
{
	struct buf b;

	buf_init(&b);
	repeat(&b, "", "a", TOML_KEY_BYTES_MAX - 2);
	buf_puts(&b, "=1");
	CHECK_HAS(parsed(b.data, b.n), "aaa=i:1 ");
	repeat(&b, "", "a", TOML_KEY_BYTES_MAX - 1);
	CHECK_STR(parsed(b.data, b.n), "f:1:1: a key has more than 126 characters");
	repeat(&b, "[", "a", TOML_KEY_BYTES_MAX - 2);
	buf_puts(&b, "]\n");
	CHECK_STR(parsed(b.data, b.n), "");
	buf_puts(&b, "x=1");
	CHECK_STR(parsed(b.data, b.n), "f:2:1: a key has more than 126 characters");
	repeat(&b, "", "k", TOML_ITEMS_MAX);
	CHECK_HAS(parsed(b.data, b.n), "k0=i:1 k1=i:1 ");
	repeat(&b, "", "k", TOML_ITEMS_MAX + 1);
	CHECK_STR(parsed(b.data, b.n), "f:513:1: more than 512 keys and tables");
	repeat(&b, "a=[", "'',", TOML_STRINGS_MAX);
	buf_puts(&b, "]");
	CHECK_HAS(parsed(b.data, b.n), "a=a:<><>");
	repeat(&b, "a=[", "'',", TOML_STRINGS_MAX + 1);
	CHECK_STR(parsed(b.data, b.n), "f:1:3076: more than 1024 strings");
	repeat(&b, "", "\n", TOML_BYTES_MAX);
	CHECK_STR(parsed(b.data, b.n), "");
	buf_puts(&b, "\n");
	CHECK_STR(parsed(b.data, b.n), "f: 65537 bytes, at most 65536 are read");
	buf_done(&b);
}

static void cut(void)
{
	static const char text[] = "a=\"\\u00e9\"\n[t]\nb=['x','\xc3\xa9']\nc=0x1f\nd=-1.5\n";

	for (size_t n = 0; n < sizeof(text); n++) {
		char *copy = malloc(n + 1); /* exact, for sanitizers */

		memcpy(copy, text, n);
		CHECK_TRUE(strlen(parsed(copy, n)) < sizeof(text) + 64);
		free(copy);
	}
}

static int read_status(const char *path, struct err *err)
{
	struct arena arena;
	struct toml toml;
	int status;

	arena_init(&arena);
	status = toml_read(path, &arena, &toml, err);
	arena_done(&arena);
	return status;
}

static void files(void)
{
	char dir[] = "/tmp/ddprof-unit.XXXXXX", path[64];
	struct err err;

	REQUIRE_TRUE(mkdtemp(dir) != NULL);
	snprintf(path, sizeof(path), "%s/x.toml", dir);
	CHECK_INT(read_status(path, &err), -ENOENT);
	REQUIRE_INT(mkfifo(path, 0600), 0);
	CHECK_INT(read_status(path, &err), -EINVAL);
	CHECK_HAS(err.text, "x.toml: not a regular file");
	CHECK_INT(read_status(dir, &err), -EINVAL);
	CHECK_INT(unlink(path), 0);
	REQUIRE_INT(truncate(path, 0), -1);
	fclose(fopen(path, "w"));
	CHECK_INT(read_status(path, &err), 0);
	REQUIRE_INT(truncate(path, (off_t)1 << 40), 0);
	CHECK_INT(read_status(path, &err), -EFBIG);
	CHECK_HAS(err.text, "more than 65536 bytes");
	CHECK_INT(unlink(path), 0);
	CHECK_INT(rmdir(dir), 0);
}

SUITE(base_toml, { "values of each supported kind are read", values },
      { "what is wrong or not supported is refused, with its place", errors },
      { "items know where they stand", positions },
      { "each limit holds, and what is one below it passes", limits },
      { "a file cut anywhere is read or refused", cut },
      { "no file, a FIFO, a folder and a huge file are told apart", files }, )
