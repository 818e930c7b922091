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
		/* as gdc and ldc write them */
		{ "_D4shop6basket4fillFKiAyaAxiZi",
		  "shop.basket.fill(ref int, immutable(char)[], const(int)[])" },
		{ "_D4shop6basket5Point5opAddMFSQBbQzQuZi",
		  "shop.basket.Point.opAdd(shop.basket.Point)" },
		{ "_D4shop6basket__T5twiceTiZQjFNaNbNiNfiZi",
		  "shop.basket.twice!(int).twice(int)" },
		{ "_D4shop6basket4mainFZ12__dgliteral3MFNaNbNiNfiZi",
		  "shop.basket.main().__dgliteral3(int)" },
		{ "_Dmain", "D main" },
		{ "_D4shop6basket4fillFKiAyaAxiZi@plt",
		  "shop.basket.fill(ref int, immutable(char)[], const(int)[])@plt" },
		/* as ocamlopt writes them: 4.x, 5.1 and later, operators */
		{ "camlNames__fact_154", "Names.fact_154" },
		{ "camlStdlib__List__map_233", "Stdlib.List.map_233" },
		{ "camlNames.fact_154", "Names.fact_154" },
		{ "camlNames__$2b$21_81", "Names.+!_81" },
		{ "camlNames__a__b__$3d_1", "Names.a.b.=_1" },
		{ "camlFoo___bar_3", "Foo_.bar_3" },
		{ "camlFoo__x$00_$zz", "Foo.x$00_$zz" }, /* no such characters */
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
					     "_ZZZZZ", "_R",	 "read@plt", "_Z1fi junk",
					     "_D",     "_D5xyz", "_DTnothing", "_D1fFQaZv",
					     "caml",   "camlNames", "caml_alloc", "camlfoo__bar",
					     "camlFoo__", "camel__case" };

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

/*
 * f(int[int[][]], T[T], ...): each type is an array of the one before by the one before, "HQgQi".
 * 10 of them are a name of kilobytes, 60 ask for more than there is memory.
 */
static void explosion_d(void)
{
	for (unsigned int n = 1; n <= 60; n++) {
		char name[1024] = "_D1fFHAAii";
		struct buf b;
		bool done;

		for (unsigned int i = 0; i < n; i++)
			strcat(name, "HQgQi");
		strcat(name, "Zv");
		buf_init(&b);
		done = symbol_demangle(name, &b);
		CHECK_TRUE(b.n <= SYMBOL_DEMANGLED_MAX, "%u: %zu bytes", n, b.n);
		CHECK_TRUE(done || n > 2, "%u is not shown", n);
		CHECK_TRUE(!done || n < 20, "%u is shown", n);
		buf_done(&b);
	}
}

/* What is asked for one language is not taken for another. */
static void one_language(void)
{
	static const struct {
		const char *name;
		unsigned int language;
	} names[] = {
		{ "_Z1fi", SYMBOL_CXX },
		{ "_RNvCs1234_7mycrate3foo", SYMBOL_RUST },
		{ "_D4shop6basket4fillFKiAyaAxiZi", SYMBOL_D },
		{ "camlNames__fact_154", SYMBOL_OCAML },
	};

	for (size_t i = 0; i < N_ELEMENTS(names); i++)
		for (unsigned int as = 1; as < SYMBOL_LANGUAGES; as *= 2) {
			struct buf b;

			buf_init(&b);
			CHECK_TRUE(symbol_demangle_as(names[i].name, as, &b) ==
					   (as == names[i].language),
				   "%s as %u", names[i].name, as);
			buf_done(&b);
		}
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
      { "C++, Rust, D and OCaml names become readable, with parameters and @plt", languages },
      { "what is not mangled is left alone", plain },
      { "a name that doubles its output again and again is given up", explosion },
      { "so is one of D, where types refer to types", explosion_d },
      { "a name is of the language that is asked for, or of none", one_language },
      { "a name nested to the limit does not exhaust the stack", deep }, )
