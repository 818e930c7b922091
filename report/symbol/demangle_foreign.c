#include "report/symbol/demangle.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define HAVE_DECL_BASENAME 1
#include <libiberty/demangle.h>

#include "common/base/bits.h"
#include "report/symbol/symbol.h"

/* ---- D ---- */

enum {
	D_NAME_MAX = 4096,
	D_LETTER_BYTES = 16, /* what a letter can become: "immutable()", " function(" */
	D_BOUND_MAX = 4 << 20,
};

/* Base 26, upper case digits, the last one in lower case. 0: none. */
static size_t back_distance(const char *digit)
{
	size_t distance = 0;

	for (; isupper((unsigned char)*digit) && distance < D_NAME_MAX; digit++)
		distance = distance * 26 + (size_t)(*digit - 'A');
	if (!islower((unsigned char)*digit))
		return 0;
	return distance * 26 + (size_t)(*digit - 'a');
}

/* What copying from `from`, up to `to` at most, can give, with what the places before gave. */
static uint64_t back_bound(const char *name, size_t from, size_t to, const uint64_t *bound)
{
	if (isdigit((unsigned char)name[from]))
		return strtoul(name + from, NULL, 10) % (D_NAME_MAX + 1);
	return bound[to] - bound[from];
}

/*
 * "Qxy" stands for a type or an identifier that was said xy bytes before. Types refer to types that
 * refer to types: 60 bytes of them can ask for gigabytes, and libiberty has no limit there.
 */
static bool is_bounded(const char *name, size_t n)
{
	uint64_t bound[D_NAME_MAX + 1];

	bound[0] = 0;
	for (size_t i = 0; i < n; i++) {
		uint64_t more = D_LETTER_BYTES;

		if (name[i] == 'Q') {
			size_t back = back_distance(name + i + 1);

			if (back && back <= i)
				more += back_bound(name, i - back, i, bound);
		}
		bound[i + 1] = bound[i] + more;
		if (bound[i + 1] > D_BOUND_MAX)
			return false;
	}
	return true;
}

bool demangle_d(const char *name, struct buf *ret)
{
	size_t n = strlen(name), n_pretty;
	char *pretty;

	if (n > D_NAME_MAX || !is_bounded(name, n))
		return false;
	pretty = dlang_demangle(name, DMGL_PARAMS | DMGL_ANSI);
	if (!pretty)
		return false;
	n_pretty = strlen(pretty);
	if (n_pretty <= SYMBOL_DEMANGLED_MAX)
		buf_put(ret, pretty, n_pretty);
	free(pretty);
	return n_pretty <= SYMBOL_DEMANGLED_MAX;
}

/* ---- OCaml ---- */

static int hex_of(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "$2b" -> '+'; 0: no such sequence. */
static char escaped(const char *at)
{
	int high, low;

	if (at[0] != '$' || (high = hex_of(at[1])) < 0 || (low = hex_of(at[2])) < 0)
		return 0;
	return (char)(high << 4 | low);
}

/*
 * "caml", a module, "__" (a dot since 5.1) between it and what is in it, "$xx" for characters that
 * assemblers refuse, and a number at the end that tells functions of one name apart: it is kept.
 */
bool demangle_ocaml(const char *name, struct buf *ret)
{
	const char *at = name + strlen("caml");
	size_t before = ret->n;
	bool parted = false;

	if (!isupper((unsigned char)*at))
		return false;
	while (*at) {
		char c = escaped(at);

		if (c) {
			buf_putc(ret, c);
			at += 3;
		} else if (at[0] == '_' && at[1] == '_' && at[2] && at[2] != '_') {
			buf_putc(ret, '.');
			at += 2;
			parted = true;
		} else {
			parted |= *at == '.';
			buf_putc(ret, *at++);
		}
	}
	if (!parted)
		ret->n = before;
	return parted;
}
