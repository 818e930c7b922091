/*
 * libiberty's demanglers behind limits. The output of those for C++ and Rust is streamed into a
 * bounded buffer and the walk is left by longjmp when that is full: a hostile name of 200 bytes can
 * otherwise ask for gigabytes. The streaming entry points keep their state on the stack, so nothing
 * is lost by leaving. The one for D builds a string of its own: what a name could become at most is
 * computed first (demangle_foreign.c).
 */
#include "report/symbol/demangle.h"

#include <setjmp.h>
#include <string.h>

#define HAVE_DECL_BASENAME 1
#include <libiberty/demangle.h>

#include "common/base/bits.h"
#include "report/symbol/symbol.h"

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

static bool begins(const char *name, const char *with)
{
	return strncmp(name, with, strlen(with)) == 0;
}

/* Which of the languages a name could be of: most names are of none, and cost a few compares. */
static unsigned int languages_of(const char *name)
{
	if (begins(name, "_Z") || begins(name, "___Z") || begins(name, "_GLOBAL_"))
		return SYMBOL_CXX | SYMBOL_RUST;
	if (begins(name, "_R"))
		return SYMBOL_RUST;
	if (begins(name, "_D"))
		return SYMBOL_D;
	if (begins(name, "caml"))
		return SYMBOL_OCAML;
	return 0;
}

/* Rust first: its legacy names are C++ ones with a hash at the end. */
static bool demangle_streamed(const char *name, unsigned int languages, struct buf *ret)
{
	struct sink s = { .buf = ret, .limit = ret->n + SYMBOL_DEMANGLED_MAX };
	const int options = DMGL_PARAMS | DMGL_ANSI | DMGL_NO_RECURSE_LIMIT;
	size_t before = ret->n;

	if (setjmp(s.full)) {
		ret->n = before;
		return false;
	}
	if ((languages & SYMBOL_RUST) && rust_demangle_callback(name, options, sink_put, &s))
		return true;
	ret->n = before;
	if ((languages & SYMBOL_CXX) && cplus_demangle_v3_callback(name, options, sink_put, &s))
		return true;
	ret->n = before;
	return false;
}

static bool demangle(const char *name, unsigned int languages, struct buf *ret)
{
	if (languages & (SYMBOL_CXX | SYMBOL_RUST))
		return demangle_streamed(name, languages, ret);
	if (languages & SYMBOL_D)
		return demangle_d(name, ret);
	return demangle_ocaml(name, ret);
}

/* Length of what may stand before a mangled name: dots of function descriptors. */
static size_t front_length(const char *name)
{
	size_t n = 0;

	while (name[n] == '.' || name[n] == '$')
		n++;
	return n;
}

bool symbol_may_be_mangled(const char *name, unsigned int languages)
{
	return languages_of(name + front_length(name)) & languages;
}

/*
 * Around a mangled name: dots of function descriptors in front, and "@plt" or a version
 * ("@@GLIBCXX_3.4") behind.
 */
bool symbol_demangle_as(const char *name, unsigned int languages, struct buf *ret)
{
	size_t n_front = front_length(name), n_name = strcspn(name + n_front, "@"), before = ret->n;
	char base[MANGLED_MAX + 1];

	languages &= languages_of(name + n_front);
	if (!languages || n_name > MANGLED_MAX)
		return false;
	memcpy(base, name + n_front, n_name);
	base[n_name] = 0;
	buf_put(ret, name, n_front);
	if (!demangle(base, languages, ret)) {
		ret->n = before;
		return false;
	}
	buf_puts(ret, name + n_front + n_name);
	return true;
}

bool symbol_demangle(const char *name, struct buf *ret)
{
	return symbol_demangle_as(name, SYMBOL_LANGUAGES, ret);
}
