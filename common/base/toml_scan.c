/*
 * Bytes were checked to be UTF-8 without control characters first, so that a byte below 128 is
 * always a character.
 */
#include "common/base/toml_scan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/err.h"

enum { SHOWN_MAX = 24 };

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

struct toml_spot toml_spot_at(const struct toml_scan *s, const char *at)
{
	struct toml_spot spot = { s->line, 1 };

	for (const char *c = s->line_start; c < at; c++)
		spot.column += !is_continuation(*c);
	return spot;
}

int toml_fail_at(const struct toml_scan *s, struct toml_spot at, int code, const char *fmt, ...)
{
	char text[ERR_TEXT_BYTES];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return err_set(s->err, code, "%s:%" PRIu32 ":%" PRIu32 ": %s", s->name, at.line, at.column,
		       text);
}

/* Bytes of the UTF-8 sequence at `at`; 0: not one. Table 3-7 of the Unicode Standard. */
static size_t sequence_length(const char *at, const char *end)
{
	const unsigned char *c = (const unsigned char *)at;
	size_t n = c[0] < 0x80 ? 1 :
		   c[0] < 0xc2 ? 0 :
		   c[0] < 0xe0 ? 2 :
		   c[0] < 0xf0 ? 3 :
		   c[0] < 0xf5 ? 4 :
				 0;

	if (!n || (size_t)(end - at) < n)
		return 0;
	for (size_t i = 1; i < n; i++)
		if (!is_continuation(at[i]))
			return 0;
	if ((c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] > 0x9f) ||
	    (c[0] == 0xf0 && c[1] < 0x90) || (c[0] == 0xf4 && c[1] > 0x8f))
		return 0;
	return n;
}

static bool is_control(const char *at, const char *end)
{
	if (at[0] == '\r')
		return at + 1 == end || at[1] != '\n';
	return ((unsigned char)at[0] < ' ' && at[0] != '\t' && at[0] != '\n') || at[0] == 0x7f;
}

static void begin_line(struct toml_scan *s, const char *at)
{
	s->line++;
	s->line_start = at;
}

int toml_check_bytes(struct toml_scan *s)
{
	size_t n;

	for (const char *at = s->start; at < s->end; at += n) {
		n = sequence_length(at, s->end);
		if (!n)
			return toml_fail(s, at, "byte 0x%02x is not UTF-8", (unsigned char)*at);
		if (is_control(at, s->end))
			return toml_fail(s, at, "control character 0x%02x", (unsigned char)*at);
		if (*at == '\n')
			begin_line(s, at + 1);
	}
	s->line = 1;
	s->line_start = s->start;
	return 0;
}

char toml_peek(const struct toml_scan *s)
{
	return s->at < s->end ? *s->at : '\n'; /* a file need not end with one */
}

bool toml_starts_with(const struct toml_scan *s, const char *text)
{
	size_t n = strlen(text);

	return (size_t)(s->end - s->at) >= n && !memcmp(s->at, text, n);
}

void toml_skip_blanks(struct toml_scan *s)
{
	while (s->at < s->end && (*s->at == ' ' || *s->at == '\t'))
		s->at++;
}

static void skip_comment(struct toml_scan *s)
{
	if (toml_peek(s) == '#')
		while (s->at < s->end && *s->at != '\n')
			s->at++;
}

/* Blanks, comments and ends of lines. */
void toml_skip_lines(struct toml_scan *s)
{
	for (;;) {
		toml_skip_blanks(s);
		skip_comment(s);
		if (s->at < s->end && *s->at == '\r')
			s->at++;
		if (s->at == s->end || *s->at != '\n')
			return;
		begin_line(s, ++s->at);
	}
}

/* What stands here, for messages: up to a blank or an end. */
const char *toml_shown(const struct toml_scan *s)
{
	size_t n = 0, left = (size_t)(s->end - s->at), length;

	while (n < left && n < SHOWN_MAX && !strchr(" \t\r\n,]=#", s->at[n])) {
		length = sequence_length(s->at + n, s->end);
		n += length;
	}
	return n					? arena_strndup(s->arena, s->at, n) :
	       left && *s->at != '\n' && *s->at != '\r' ? arena_strndup(s->arena, s->at, 1) :
							  "end of line";
}

int toml_end_line(struct toml_scan *s)
{
	toml_skip_blanks(s);
	skip_comment(s);
	if (s->at < s->end && *s->at == '\r')
		s->at++;
	if (toml_peek(s) != '\n')
		return toml_fail(s, s->at, "'%s' where the line should end", toml_shown(s));
	return 0;
}

bool toml_is_bare(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '-';
}
