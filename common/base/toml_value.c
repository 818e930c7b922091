/* Values: each function begins at the value's first byte and ends behind its last. */
#include "common/base/toml_scan.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/toml.h"

enum { DIGITS_MAX = 64 };

static int take_hex(struct toml_scan *s, unsigned int n, uint32_t *ret)
{
	uint32_t v = 0;

	for (unsigned int i = 0; i < n; i++, s->at++) {
		char c = toml_peek(s);

		if (c >= '0' && c <= '9')
			v = v << 4 | (uint32_t)(c - '0');
		else if ((c | ' ') >= 'a' && (c | ' ') <= 'f')
			v = v << 4 | (uint32_t)((c | ' ') - 'a' + 10);
		else
			return toml_fail(s, s->at, "%u hexadecimal digits are expected", n);
	}
	*ret = v;
	return 0;
}

static void put_utf8(struct buf *b, uint32_t c)
{
	if (c < 0x80) {
		buf_putc(b, (char)c);
	} else if (c < 0x800) {
		buf_putc(b, (char)(0xc0 | c >> 6));
		buf_putc(b, (char)(0x80 | (c & 0x3f)));
	} else {
		if (c < 0x10000) {
			buf_putc(b, (char)(0xe0 | c >> 12));
		} else {
			buf_putc(b, (char)(0xf0 | c >> 18));
			buf_putc(b, (char)(0x80 | (c >> 12 & 0x3f)));
		}
		buf_putc(b, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_putc(b, (char)(0x80 | (c & 0x3f)));
	}
}

/* At the backslash. */
static int take_escape(struct toml_scan *s, struct buf *b)
{
	static const char letters[] = "btnfr\"\\", bytes[] = "\b\t\n\f\r\"\\";
	const char *from = s->at++;
	char c = toml_peek(s);
	const char *letter = c == '\n' ? NULL : strchr(letters, c);
	uint32_t code = 0;

	if (letter) {
		buf_putc(b, bytes[letter - letters]);
		s->at++;
		return 0;
	}
	if (c != 'u' && c != 'U')
		return toml_fail(s, from, "unknown escape in a string; a backslash is \\\\");
	s->at++;
	if (take_hex(s, c == 'u' ? 4 : 8, &code) < 0)
		return -EINVAL;
	if (!code || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return toml_fail(s, from, "escape of no character");
	put_utf8(b, code);
	return 0;
}

static int take_string(struct toml_scan *s, const char **ret)
{
	char quote = *s->at;
	const char *from = s->at;
	struct buf b;
	int status = 0;

	if (toml_starts_with(s, "\"\"\"") || toml_starts_with(s, "'''"))
		return toml_fail(s, from, "strings of several lines are not supported");
	buf_init(&b);
	for (s->at++; status == 0 && toml_peek(s) != quote;) {
		if (toml_peek(s) == '\n' || toml_peek(s) == '\r')
			status = toml_fail(s, from, "the string has no end");
		else if (quote == '"' && *s->at == '\\')
			status = take_escape(s, &b);
		else
			buf_putc(&b, *s->at++);
	}
	if (status == 0) {
		s->at++;
		*ret = arena_strndup(s->arena, b.n ? b.data : "", b.n);
	}
	buf_done(&b);
	return status;
}

static int take_strings(struct toml_scan *s, struct toml_item *item)
{
	const char **string = arena_alloc(s->arena, TOML_STRINGS_MAX * sizeof(*string));
	struct toml_spot from = toml_spot_at(s, s->at);

	item->type = TOML_STRINGS;
	item->string = string;
	s->at++;
	for (;;) {
		toml_skip_lines(s);
		if (s->at == s->end)
			return toml_fail_at(s, from, -EINVAL, "the array has no end");
		if (*s->at == ']')
			break;
		if (*s->at != '"' && *s->at != '\'')
			return toml_fail(s, s->at, "a string is expected in the array, found '%s'",
					 toml_shown(s));
		if (item->n_strings == TOML_STRINGS_MAX)
			return toml_fail_at(s, toml_spot_at(s, s->at), -EFBIG,
					    "more than %d strings", TOML_STRINGS_MAX);
		if (take_string(s, &string[item->n_strings++]) < 0)
			return -EINVAL;
		toml_skip_lines(s);
		if (s->at < s->end && *s->at != ',' && *s->at != ']')
			return toml_fail(s, s->at, "',' or ']' is expected, found '%s'",
					 toml_shown(s));
		if (toml_peek(s) == ',')
			s->at++;
	}
	s->at++;
	return 0;
}

static bool digit_of(char c, unsigned int base, unsigned int *ret)
{
	*ret = c >= '0' && c <= '9' ? (unsigned int)(c - '0') :
	       (c | ' ') >= 'a'	    ? (unsigned int)((c | ' ') - 'a') + 10 :
				      99;
	return *ret < base;
}

/* Digits in which '_' stands between two only; how many there were, 0: not so. */
static size_t take_digits(const char **at, const char *end, unsigned int base, char *ret)
{
	unsigned int digit;
	size_t n = 0;

	for (; *at < end && n < DIGITS_MAX; (*at)++) {
		if (**at == '_' && n && *at + 1 < end && digit_of((*at)[1], base, &digit))
			continue;
		if (!digit_of(**at, base, &digit))
			break;
		ret[n++] = **at;
	}
	ret[n] = 0;
	return n;
}

static unsigned int base_of(const char *at, const char *end)
{
	if (end - at < 2 || at[0] != '0')
		return 10;
	return at[1] == 'x' ? 16 : at[1] == 'o' ? 8 : at[1] == 'b' ? 2 : 10;
}

/* As text: up to 19 digits fit. */
static bool to_integer(const char *digits, unsigned int base, bool minus, int64_t *ret)
{
	int64_t v = 0;
	unsigned int digit;

	for (; digit_of(*digits, base, &digit); digits++)
		if (__builtin_mul_overflow(v, (int64_t)base, &v) ||
		    __builtin_sub_overflow(v, (int64_t)digit, &v)) /* -2^63 has no positive */
			return false;
	return minus ? (*ret = v, true) : !__builtin_sub_overflow(0, v, ret);
}

static int take_number(struct toml_scan *s, struct toml_item *item)
{
	const char *at = s->at, *word = toml_shown(s);
	char digits[DIGITS_MAX + 1], after[DIGITS_MAX + 1];
	bool minus = *at == '-', sign = minus || *at == '+';
	unsigned int base = base_of(at += sign, s->end);
	size_t n;

	if (base != 10 && !sign)
		at += 2;
	n = take_digits(&at, s->end, base, digits);
	if (!n || (base == 10 && n > 1 && digits[0] == '0'))
		return toml_fail(s, s->at, "'%s' is no value: a string has quotes", word);
	if (base == 10 && at < s->end && *at == '.') {
		at++;
		if (!take_digits(&at, s->end, 10, after))
			return toml_fail(s, s->at, "'%s' is no number", word);
		item->type = TOML_FRACTION;
		item->text = arena_printf(s->arena, "%s%s.%s", minus ? "-" : "", digits, after);
	} else {
		item->type = TOML_INTEGER;
		if (!to_integer(digits, base, minus, &item->integer))
			return toml_fail(s, s->at, "'%s' does not fit into 64 bits", word);
		item->text = arena_printf(s->arena, "%" PRId64, item->integer);
	}
	if (at < s->end && !strchr(" \t\r\n#", *at))
		return toml_fail(s, s->at, "'%s' is no number of a supported kind", word);
	s->at = at;
	return 0;
}

static bool take_word(struct toml_scan *s, const char *word)
{
	size_t n = strlen(word);

	if (!toml_starts_with(s, word) || (s->at + n < s->end && toml_is_bare(s->at[n])))
		return false;
	s->at += n;
	return true;
}

int toml_take_value(struct toml_scan *s, struct toml_item *item)
{
	struct toml_spot at = toml_spot_at(s, s->at);

	item->value_line = at.line;
	item->value_column = at.column;
	switch (toml_peek(s)) {
	case '"':
	case '\'':
		item->type = TOML_STRING;
		return take_string(s, &item->text);
	case '[':
		return take_strings(s, item);
	case '{':
		return toml_fail(s, s->at, "inline tables are not supported");
	case '\r':
	case '\n':
	case '#':
		return toml_fail(s, s->at, "a value is expected");
	default:
		break;
	}
	item->type = TOML_BOOLEAN;
	item->integer = take_word(s, "true");
	item->text = item->integer ? "true" : "false";
	return item->integer || take_word(s, "false") ? 0 : take_number(s, item);
}
