/*
 * libiberty's demangler behind limits. Its output is streamed into a bounded buffer and the walk is
 * left by longjmp when that is full: a hostile name of 200 bytes can otherwise ask for gigabytes.
 * The streaming entry points keep their state on the stack, so nothing is lost by leaving.
 */
#include "report/symbol/symbol.h"

#include <setjmp.h>
#include <string.h>

#define HAVE_DECL_BASENAME 1
#include <libiberty/demangle.h>

#include "common/base/bits.h"

enum {
	/*
	 * libiberty refuses names above about 1 000 bytes unless its own limit is off; templates
	 * reach 4 000. Recursion is bounded by the length: 4 096 levels of less than 1 KiB of
	 * stack.
	 */
	MANGLED_MAX = 4096,
};

struct sink {
	struct buf *buf;
	size_t limit;
	jmp_buf full;
};

static void sink_put(const char *text, size_t n, void *ctx)
{
	struct sink *s = ctx;

	if (n > s->limit - s->buf->n)
		longjmp(s->full, 1);
	buf_put(s->buf, text, n);
}

static bool is_mangled(const char *name)
{
	return !strncmp(name, "_Z", 2) || !strncmp(name, "_R", 2) || !strncmp(name, "___Z", 4);
}

static bool demangle(const char *name, struct buf *ret)
{
	struct sink s = { .buf = ret, .limit = ret->n + SYMBOL_DEMANGLED_MAX };
	const int options = DMGL_PARAMS | DMGL_ANSI | DMGL_NO_RECURSE_LIMIT;
	size_t before = ret->n;

	if (setjmp(s.full))
		goto not ;
	if (rust_demangle_callback(name, options, sink_put, &s))
		return true;
	ret->n = before;
	if (cplus_demangle_v3_callback(name, options, sink_put, &s))
		return true;
	not : ret->n = before;
	return false;
}

bool symbol_demangle(const char *name, struct buf *ret)
{
	static const char plt[] = "@plt";
	size_t n = strlen(name), n_plt = sizeof(plt) - 1;
	char base[MANGLED_MAX + 1];

	if (!is_mangled(name) || n > MANGLED_MAX)
		return false;
	if (n < n_plt || strcmp(name + n - n_plt, plt) != 0)
		return demangle(name, ret);
	memcpy(base, name, n - n_plt);
	base[n - n_plt] = 0;
	if (!demangle(base, ret))
		return false;
	buf_put(ret, plt, n_plt);
	return true;
}
