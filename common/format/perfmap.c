#include "common/format/perfmap.h"

#include <stdint.h>
#include <string.h>

#include "common/base/bits.h"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* A number and the blanks behind it. */
static bool take_hex(const char **at, const char *end, uint64_t *ret)
{
	const char *p = *at;
	uint64_t v = 0;
	int digit;

	if (end - p > 2 && p[0] == '0' && (p[1] == 'x' || p[1] == 'X'))
		p += 2;
	*at = p;
	for (; p < end && (digit = hex_digit(*p)) >= 0; p++) {
		if (v >> 60)
			return false;
		v = v << 4 | (uint64_t)digit;
	}
	if (p == *at || p == end || (*p != ' ' && *p != '\t'))
		return false;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	*at = p;
	*ret = v;
	return true;
}

bool perfmap_parse_line(const char *line, size_t n, char *name, struct jit_record *ret)
{
	const char *at = line, *end = line + n;
	uint64_t addr, size, last;
	size_t n_name;

	if (!take_hex(&at, end, &addr) || !take_hex(&at, end, &size))
		return false;
	if (end > at && end[-1] == '\r')
		end--;
	if (at == end || !size || size > JIT_CODE_BYTES_MAX ||
	    __builtin_add_overflow(addr, size, &last) || memchr(at, 0, (size_t)(end - at)))
		return false;
	n_name = MIN((size_t)(end - at), (size_t)JIT_TEXT_MAX);
	memcpy(name, at, n_name);
	name[n_name] = 0;
	ret->addr = addr;
	ret->size = size;
	ret->name = name;
	return true;
}
