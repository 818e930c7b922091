/* common/base/buf.c: a growing byte string. */
#include "common/base/buf.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/check.h"

static void pieces_follow_each_other(void)
{
	struct buf b;

	buf_init(&b);
	CHECK_STR(buf_text(&b), "");
	buf_puts(&b, "main");
	buf_putc(&b, ';');
	buf_printf(&b, "work_%d", 7);
	buf_put(&b, " 12", 3);
	buf_put(&b, NULL, 0);
	CHECK_UINT(b.n, 14);
	CHECK_STR(buf_text(&b), "main;work_7 12");
	CHECK_UINT(b.n, 14);
	buf_reset(&b);
	CHECK_STR(buf_text(&b), "");
	buf_done(&b);
	buf_done(&b);
	buf_done(NULL);
}

static void bytes_may_be_zero(void)
{
	static const char bytes[] = { 0, 'a', 0, 0, 'b' };
	struct buf b;

	buf_init(&b);
	for (int i = 0; i < 1000; i++)
		buf_put(&b, bytes, sizeof(bytes));
	CHECK_UINT(b.n, 5000);
	CHECK_MEM(b.data + 4995, bytes, 5);
	buf_done(&b);
}

/* The first try of a print has 128 bytes: lengths around it take the other way. */
static void long_prints(void)
{
	char text[400];
	struct buf b;

	memset(text, 'z', sizeof(text));
	buf_init(&b);
	for (int n = 120; n < 400; n++) {
		buf_reset(&b);
		buf_printf(&b, "%.*s", n, text);
		CHECK_UINT(b.n, n);
		CHECK_UINT(strlen(buf_text(&b)), n);
	}
	buf_done(&b);
}

static void varints(void)
{
	static const struct {
		uint64_t value;
		const char *bytes;
		size_t n;
	} table[] = {
		{ 0, "\x00", 1 },
		{ 1, "\x01", 1 },
		{ 127, "\x7f", 1 },
		{ 128, "\x80\x01", 2 },
		{ 300, "\xac\x02", 2 },
		{ 1u << 14, "\x80\x80\x01", 3 },
		{ UINT64_C(1) << 63, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 10 },
		{ UINT64_MAX, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10 },
	};
	struct buf b;

	buf_init(&b);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		buf_reset(&b);
		buf_varint(&b, table[i].value);
		CHECK_UINT(b.n, table[i].n);
		CHECK_MEM(b.data, table[i].bytes, table[i].n);
	}
	buf_done(&b);
}

static void grow_gives_room(void)
{
	struct buf b;
	char *at;

	buf_init(&b);
	buf_puts(&b, "abc");
	at = buf_grow(&b, 100000);
	CHECK_TRUE(at == b.data + 3);
	memset(at, 'd', 100000);
	CHECK_UINT(b.n, 3);
	b.n += 100000;
	CHECK_INT(buf_text(&b)[100002], 'd');
	buf_done(&b);
}

SUITE(base_buf,
      { "pieces follow each other, and text ends with a zero", pieces_follow_each_other },
      { "bytes may be zero", bytes_may_be_zero },
      { "prints of every length arrive whole", long_prints },
      { "varints are LEB128", varints },
      { "room is given behind the bytes and they stay", grow_gives_room },
)
