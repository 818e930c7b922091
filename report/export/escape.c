/* Source: Unicode 15, table 3-7 (well-formed UTF-8); RFC 8259, 7. */
#include "report/export/escape.h"

#include <stdbool.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd"

/* Length of the well-formed character at s (zero-terminated), 0 when there is none. */
static unsigned int utf8_length(const unsigned char *s)
{
	unsigned int n = s[0] < 0x80 ? 1 :
			 s[0] < 0xc2 ? 0 :
			 s[0] < 0xe0 ? 2 :
			 s[0] < 0xf0 ? 3 :
			 s[0] < 0xf5 ? 4 :
				       0;

	for (unsigned int i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

/* C0, DEL, and C1 as UTF-8 (0xc2 0x80..0x9f), which terminals obey as well. */
static bool is_control(const unsigned char *s)
{
	return s[0] < 0x20 || s[0] == 0x7f || (s[0] == 0xc2 && s[1] < 0xa0);
}

/* Most names are plain ASCII: their run is copied at once. */
static size_t plain_run(const unsigned char *s, const char *stop)
{
	size_t n = 0;

	while (s[n] >= 0x20 && s[n] < 0x7f && !strchr(stop, s[n]))
		n++;
	return n;
}

static void put_hex(struct buf *b, const unsigned char *s, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		buf_printf(b, "\\x%02x", s[i]);
}

static void escape_line(struct buf *b, const char *text, bool folded)
{
	const unsigned char *s = (const unsigned char *)text;

	while (*s) {
		size_t run = plain_run(s, folded ? ";" : "");
		unsigned int n;

		buf_put(b, s, run);
		s += run;
		if (!*s)
			break;
		n = utf8_length(s);
		if (*s == ';')
			buf_putc(b, ':');
		else if (!n || is_control(s))
			put_hex(b, s, n ? n : 1);
		else
			buf_put(b, s, n);
		s += n ? n : 1;
	}
}

void escape_text(struct buf *b, const char *text)
{
	escape_line(b, text, false);
}

void escape_folded(struct buf *b, const char *text)
{
	escape_line(b, text, true);
}

void escape_json(struct buf *b, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	while (*s) {
		size_t run = plain_run(s, "\"\\");
		unsigned int n;

		buf_put(b, s, run);
		s += run;
		if (!*s)
			break;
		n = utf8_length(s);
		if (!n)
			buf_puts(b, REPLACEMENT);
		else if (*s == '"' || *s == '\\')
			buf_printf(b, "\\%c", *s);
		else if (is_control(s))
			buf_printf(b, "\\u%04x", n == 2 ? s[1] : s[0]);
		else
			buf_put(b, s, n);
		s += n ? n : 1;
	}
}

void escape_utf8(struct buf *b, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	while (*s) {
		unsigned int n = utf8_length(s);

		if (n)
			buf_put(b, s, n);
		else
			buf_puts(b, REPLACEMENT);
		s += n ? n : 1;
	}
}
