#!/bin/sh
# Names, inlined frames, files, lines and columns equal libdwarf's: DWARF 2 to 5 of gcc and clang, .dwo, .dwp, dwz.
. "$(dirname "$0")/lib.sh"
need_report
check=$build/tests/check/dwarf
test -x "$check" || skip "tests/check/dwarf is not built (libdwarf-dev)"
# It lives for one answer and frees nothing that it holds to the end.
export LSAN_OPTIONS=detect_leaks=0

# Templates, lambdas, exceptions (cold parts), a nested function's stand-in, several files.
cat >part.h <<'EOF'
static inline int twice(int x)
{
	switch (x & 7) {
	case 1: return x * 5;
	case 2: return x << 3;
	default: return x + x;
	}
}
EOF
cat >a.cpp <<'EOF'
#include <map>
#include <string>
#include <vector>
#include "part.h"
extern "C" int other(int);
namespace n {
template <class T> struct holder { T v; int get() const; };
template <class T> int holder<T>::get() const { return v * 3 + twice((int)v); }
}
static int fold(int k) { n::holder<int> a{ k }; return a.get() + twice(k); }
int main(int argc, char **argv)
{
	std::vector<int> v;
	for (int i = 0; i < argc; i++) {
		try { v.push_back(fold(other(i))); } catch (...) { return 3; }
	}
	std::map<std::string, int> m;
	m[argv[0]] = argc;
	auto last = [&](int q) { return q + (int)v.size() + m.begin()->second; };
	return last(v[0]);
}
EOF
cat >b.c <<'EOF'
#include "part.h"
__attribute__((noinline)) static int deep(int n, volatile int *p)
{
	return n ? deep(n - 1, p) + twice(n) : *p;
}
int other(int n) { volatile int x = n; return deep(n, &x) + twice(x); }
EOF

# build NAME CC OPTIONS: both parts, the C++ one with CC's sister
build() {
	name=$1
	case $2 in *clang*) cxx=clang++ ;; *) cxx=g++ ;; esac
	command -v "$cxx" >/dev/null && command -v "$2" >/dev/null || return 1
	cc=$2
	shift 2
	"$cxx" -O2 -g "$@" -c a.cpp -o "$name-a.o" 2>/dev/null &&
		"$cc" -O2 -g "$@" -c b.c -o "$name-b.o" 2>/dev/null &&
		"$cxx" -g "$@" "$name-a.o" "$name-b.o" -o "$name" 2>/dev/null
}

# equal FILE [FURTHER...]
equal() {
	status=0
	said=$("$check" "$@" 2>&1) || status=$?
	case $status in
	0) ;;
	77) echo "# $said"; return 0 ;;
	*) fail "$said" ;;
	esac
	case $said in
	*" 0 lines"*|*" 0 inlined frames"*) fail "nothing was compared: $said" ;;
	esac
	n=$((n + 1))
}

n=0
for version in 2 3 4 5; do
	build gcc$version gcc -gdwarf-$version && equal gcc$version
done
build clang5 clang -gdwarf-5 && equal clang5
build packed gcc -gdwarf-5 -gz && equal packed
build dwo4 gcc -gdwarf-4 -gsplit-dwarf && {
	equal dwo4 dwo4-a.dwo dwo4-b.dwo
	dwp -e dwo4 -o dwo4.dwp 2>/dev/null && equal dwo4 dwo4.dwp
}
build dwo5 gcc -gdwarf-5 -gsplit-dwarf && {
	equal dwo5 dwo5-a.dwo dwo5-b.dwo
	for dwp in llvm-dwp llvm-dwp-14 dwp; do
		command -v $dwp >/dev/null || continue
		($dwp -e dwo5 -o dwo5.dwp) 2>/dev/null && equal dwo5 dwo5.dwp
		break
	done
}
if command -v dwz >/dev/null && test -e gcc4; then
	cp gcc4 dwz-a && cp gcc4 dwz-b
	dwz -m dwz.alt dwz-a dwz-b && equal dwz-a dwz.alt
fi
test $n -ge 4 || skip "only $n programs could be built and compared (g++, clang)"
pass "$n programs have the names and lines that libdwarf finds"
