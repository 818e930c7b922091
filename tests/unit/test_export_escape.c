/* Hostile strings at each exit. */
#include "tests/unit/check.h"

#include "common/base/bits.h"
#include "report/export/escape.h"

typedef void escape(struct buf *b, const char *text); /* a function under test */

static void check(escape *f, const char *text, const char *want)
{
	struct buf b;

	buf_init(&b);
	f(&b, text);
	CHECK_STR(buf_text(&b), want);
	buf_done(&b);
}

static void terminal(void)
{
	check(escape_text, "plain text; (int, char*)", "plain text; (int, char*)");
	check(escape_text, "\033[31mred\r\n\t", "\\x1b[31mred\\x0d\\x0a\\x09");
	check(escape_text, "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f");
	check(escape_text,
	      "\xc2\x9b"
	      "31m",
	      "\\xc2\\x9b31m"); /* CSI as one character */
	check(escape_text, "\xff\xc3", "\\xff\\xc3");
	check(escape_text, "\x7f", "\\x7f");
}

static void folded(void)
{
	check(escape_folded, "a;b\nc d", "a:b\\x0ac d");
}

static void json(void)
{
	check(escape_json, "\"\\\n</script>\x7f", "\\\"\\\\\\u000a</script>\\u007f");
	check(escape_json, "\xed\xa0\x80x",
	      "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdx"); /* a surrogate half */
	check(escape_json, "\xc2\x85", "\\u0085");
}

static void utf8(void)
{
	static const char *const bad[] = { "\x80", "\xc0", "\xf5", "\xff", "\xc3" };

	for (size_t i = 0; i < N_ELEMENTS(bad); i++)
		check(escape_utf8, bad[i], "\xef\xbf\xbd");
	check(escape_utf8, "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"); /* '/' in two bytes */
	check(escape_utf8, "\xf0\x9f\x94\xa5 ok", "\xf0\x9f\x94\xa5 ok");
	check(escape_utf8, "\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

SUITE(export_escape, { "no control character reaches a terminal", terminal },
      { "a folded line keeps its form", folded }, { "JSON strings stay valid", json },
      { "invalid UTF-8 is replaced", utf8 }, )
