/*
 * Text -> address: hexadecimal numbers as strtoul takes them, and "main+0x10". What could be both
 * ("add") is a number unless something is added to it; binutils 2.40 decides so.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/bits.h"
#include "report/addr2line.h"

/* -1: none */
static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

size_t addr2line_plain_line(const char *text, size_t n, uint64_t *ret)
{
	size_t at = n > 2 && text[0] == '0' && text[1] == 'x' ? 2 : 0, end = MIN(n, at + 17);
	uint64_t addr = 0;
	size_t first = at;
	int digit;

	for (; at < end && (digit = digit_of(text[at])) >= 0; at++)
		addr = addr << 4 | (uint64_t)digit;
	if (at == first || at == end || text[at] != '\n')
		return 0;
	*ret = addr;
	return at + 1;
}

enum { NAME_BYTES = 4096 };

/* "name", "name + offset": the name into `name`. False: a number, or nothing. */
static bool split_symbol(const char *text, char name[NAME_BYTES], uint64_t *offset)
{
	size_t n;

	while (isspace((unsigned char)*text))
		text++;
	if (!*text || isdigit((unsigned char)*text) || (digit_of(*text) >= 0 && !strchr(text, '+')))
		return false;
	n = strcspn(text, "+ \t\n\v\f\r");
	if (n >= NAME_BYTES)
		return false;
	memcpy(name, text, n);
	name[n] = 0;
	for (text += n; isspace((unsigned char)*text); text++)
		;
	*offset = *text == '+' ? strtoul(text + 1, NULL, 0) : 0;
	return true;
}

uint64_t addr2line_address(struct addr2line_source *s, const char *text)
{
	char name[NAME_BYTES];
	uint64_t offset, addr;

	if (!split_symbol(text, name, &offset))
		return strtoul(text, NULL, 16);
	return addr2line_source_symbol(s, name, &addr) ? addr + offset : 0;
}
