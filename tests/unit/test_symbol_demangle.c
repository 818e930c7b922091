/* Names for people, also of hostile ones. */
#include "tests/unit/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "report/symbol/symbol.h"

static void languages(void)
{
	static const struct {
		const char *name, *want;
	} names[] = {
		{ "_Z1fi", "f(int)" },
		{ "_ZNSt6vectorIiSaIiEE9push_backERKi",
		  "std::vector<int, std::allocator<int> >::push_back(int const&)" },
		{ "_Z3foov.part.0", "foo() [clone .part.0]" },
		{ "_Z1fi@plt", "f(int)@plt" },
		{ "_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE",
		  "core::fmt::Write::write_fmt" },
		{ "_RNvCs1234_7mycrate3foo", "mycrate::foo" },
	};

	for (size_t i = 0; i < N_ELEMENTS(names); i++) {
		struct buf b;

		buf_init(&b);
		if (CHECK_TRUE(symbol_demangle(names[i].name, &b), "%s", names[i].name))
			CHECK_STR(buf_text(&b), names[i].want);
		buf_done(&b);
	}
}

static void plain(void)
{
	static const char *const names[] = { "main",   "_start", "",	     "_",	  "_Z",
					     "_ZZZZZ", "_R",	 "read@plt", "_Z1fi junk" };

	for (size_t i = 0; i < N_ELEMENTS(names); i++) {
		struct buf b;

		buf_init(&b);
		buf_puts(&b, "kept");
		CHECK_TRUE(!symbol_demangle(names[i], &b), "%s became %s", names[i], buf_text(&b));
		CHECK_STR(buf_text(&b), "kept");
		buf_done(&b);
	}
}

/*
 * f(A, P<A,A>, P<B,B>, ...): each parameter refers to the one before twice, so the output doubles
 * with each: 30 of them ask for gigabytes.
 */
static void explosion(void)
{
	char name[1024] = "_Z1fI1AE1PIS0_S0_E";
	struct buf b;

	for (unsigned int i = 0; i < 30; i++) {
		static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

		snprintf(name + strlen(name), sizeof(name) - strlen(name), "1PIS%c_S%c_E",
			 digits[i + 1], digits[i + 1]);
	}
	buf_init(&b);
	symbol_demangle(name, &b);
	CHECK_TRUE(b.n <= SYMBOL_DEMANGLED_MAX);
	buf_done(&b);
}

static void deep(void)
{
	enum { DEPTH = 4000 };
	char *name = mem_alloc(DEPTH + 16);
	struct buf b;

	strcpy(name, "_Z1f");
	memset(name + 4, 'P', DEPTH);
	strcpy(name + 4 + DEPTH, "i");
	buf_init(&b);
	symbol_demangle(name, &b);
	CHECK_TRUE(b.n <= SYMBOL_DEMANGLED_MAX);
	buf_done(&b);
	free(name);
}

SUITE(symbol_demangle,
      { "C++ and Rust names become readable, with parameters and @plt", languages },
      { "what is not mangled is left alone", plain },
      { "a name that doubles its output again and again is given up", explosion },
      { "a name nested to the limit does not exhaust the stack", deep }, )
