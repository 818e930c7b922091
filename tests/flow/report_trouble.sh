#!/bin/sh
# Debug files that are wrong, and children that misbehave: one line each, the names that can be had
# are had, and the report is complete.
. "$(dirname "$0")/lib.sh"
need_report
need_perf
need objcopy strip readelf

cp "$targets/inlined.c" .
build() { # NAME FLAGS...: NAME, and NAME.debug beside it; symbols stay in NAME
	name=$1
	shift
	"$CC" -O2 -g -Wl,--build-id "$@" -o "$name" inlined.c || skip "does not compile: $*"
	objcopy --only-keep-debug "$name" "$name.debug"
	objcopy --strip-debug --add-gnu-debuglink="$name.debug" "$name"
}
id_of() {
	readelf -n "$1" | sed -n 's/.*Build ID: //p'
}
build program -DVALUE=1
build other -DVALUE=2
"$record" -o data ./program >/dev/null 2>&1 || fail "cannot record"
mkdir debug
mv program.debug other.debug debug/

# view [OPTION...]: a report that completes. Its lines of trouble are in `said`.
view() {
	status=0
	"$report" --folded "$@" data >folded 2>said || status=$?
	[ $status = 0 ] || fail "report ended with $status: $(cat said)"
	grep -q 'outer' folded || fail "names that can be had are not: $(head -n 3 folded; cat said)"
}
inlined() {
	grep -q 'outer;inner' folded
}
says() { # WHAT WORDS: in one line; libc may have a debug file here, and a line of its own
	[ "$(grep -c 'program\.debug' said)" -eq 1 ] || fail "$1: not one line: $(cat said)"
	grep -q "$2" said || fail "$1: said: $(cat said)"
}

view --no-cache --debug-dir debug
inlined || fail "no inlined frames: $(head -n 3 folded)"
[ ! -s said ] || fail "says of sound files: $(cat said)"

mkdir wrong
cp debug/other.debug wrong/program.debug
view --no-cache --debug-dir wrong
! inlined || fail "names of another build are used"
says "another build" "program.debug': build-id $(id_of other) wanted $(id_of program)"
pass "a debug file of another build is named with both build-ids"

# A second unit, as large as it is, claims to be larger: the first one still answers.
echo 'int second(int x) { return x * 7; }' >second.c
"$CC" -g -O2 -c second.c
build program -DVALUE=1 -Wl,--no-as-needed second.o
"$record" -o data ./program >/dev/null 2>&1 || fail "cannot record"
mkdir damaged
unit=$(objdump --dwarf=info program.debug 2>/dev/null |
	sed -n 's/^ *Compilation Unit @ offset \(0x\)*\([0-9a-f]*\):.*/\2/p' | tail -n 1)
info=$(readelf -SW program.debug | sed -n 's/.*\.debug_info *PROGBITS *[0-9a-f]* *\([0-9a-f]*\) .*/\1/p')
mv program.debug damaged/
printf '\377\377\377\157' | dd of=damaged/program.debug bs=1 seek=$((0x$info + 0x$unit)) conv=notrunc 2>/dev/null
view --no-cache --debug-dir damaged
says "damage" "program.debug' is damaged: "
pass "damage inside debug information is said, and what lies before it names"

# ---- a file that appears later ----

build program -DVALUE=1 -gsplit-dwarf
"$record" -o data ./program >/dev/null 2>&1 || fail "cannot record"
mkdir split
mv program.debug split/
dwo=$(ls ./*.dwo | head -n 1)
mv "$dwo" away
view --debug-dir split
cp folded lacking
! inlined || fail "inlined frames without the file that has them"
[ -n "$(find .cache/ddprof/answers -type f)" ] || fail "what lacks a file is not kept"
view --debug-dir split
same lacking folded "kept results differ"
mv away "$dwo"
view --debug-dir split
inlined || fail "a .dwo that turned up is not used: $(head -n 3 folded; cat said)"
cp folded whole
mv "$dwo" away
view --debug-dir split
same whole folded "what was had is lost with the file"
pass "a .dwo that turns up later supersedes what was kept without it"

# ---- references in a circle ----

# Each abstract origin becomes the entry that has it, or the one that had it before.
"$CC" -O2 -g -dA -S -DVALUE=1 -o circle.s inlined.c || fail "does not compile"
awk '/\(DIE \(0x/ { match($0, /\(DIE \(0x[0-9a-f]+/); entry = substr($0, RSTART + 6, RLENGTH - 6) }
	/DW_AT_abstract_origin/ {
		n++
		sub(/0x[0-9a-f]+/, n % 2 ? entry : before)
		before = entry
	}
	{ print }
	END { exit !n }' circle.s >circled.s || skip "this compiler describes no origins"
"$CC" -Wl,--build-id -o program circled.s || fail "what goes in a circle is not assembled"
objcopy --only-keep-debug program program.debug
objcopy --strip-debug program
"$record" -o data ./program >/dev/null 2>&1 || fail "cannot record"
mkdir circle
mv program.debug circle/
timeout 20 "$report" --folded --no-cache --debug-dir circle data >folded 2>said ||
	fail "references in a circle: $? $(cat said)"
grep -q outer folded || fail "names that can be had are not: $(head -n 3 folded)"
pass "references that go in a circle end"

# ---- a child that crashes, loops, or takes all memory, in a library it calls ----

cat >bad.c <<'END'
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
static void misbehave(void)
{
	const char *how = getenv("BAD");
	if (how && *how == 'c')
		*(volatile int *)8 = 1;
	while (how && *how == 'l')
		;
	if (how && *how == 'm')
		for (int i = 0; i < 10; i++) {
			char *p = malloc((size_t)1 << 30);
			if (!p)
				abort();
			memset(p, 1, (size_t)1 << 30);
		}
}
int libdeflate_zlib_decompress(void) { misbehave(); return 1; }
int libdeflate_zlib_decompress_ex(void) { misbehave(); return 1; }
int inflate(void) { misbehave(); return -3; }
int uncompress(void) { misbehave(); return -3; }
END
"$CC" -shared -fPIC -O1 -o bad.so bad.c || fail "bad.so does not compile"
build program -DVALUE=1 -gz=zlib
"$record" -o data ./program >/dev/null 2>&1 || fail "cannot record"
mkdir packed
mv program.debug packed/
objcopy --compress-debug-sections=zlib packed/program.debug
view --no-cache --debug-dir packed
inlined || fail "no inlined frames from compressed sections: $(cat said)"

bad() { # HOW WORDS: the report, with a library that does HOW in the child
	status=0
	BAD=$1 LD_PRELOAD="$tmp/bad.so" timeout 60 "$report" --folded --no-cache --debug-dir packed \
		data >folded 2>said || status=$?
	[ $status = 0 ] || fail "$1: report ended with $status: $(cat said)"
	grep -q outer folded || fail "$1: names that can be had are not: $(head -n 3 folded)"
	! inlined || skip "bad.so is not called: built with another decompressor, or statically"
	says "$1" "$2"
	pass "a child that does '$1' costs its lines alone"
}
if nm -D "$report" 2>/dev/null | grep -q __asan_; then
	skip "sanitizers give children no limits"
fi
bad crash "parsing .*program.debug crashed (SIGSEGV)"
bad loop "parsing .*program.debug took longer than"
bad memory "parsing .*program.debug \(crashed (SIGABRT)\|needed more than\)"
