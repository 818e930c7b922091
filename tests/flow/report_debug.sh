#!/bin/sh
# A stripped program: its debug file, under any name, gives inlined frames; the cache keeps them;
# one of another build, or damaged, costs its names alone.
. "$(dirname "$0")/lib.sh"
need_report
need_perf
need objcopy strip

cp "$targets/inlined.c" .
"$CC" -O2 -g -DVALUE=1 -Wl,--build-id -o program inlined.c || fail "does not compile"
mkdir dir broken empty cache
objcopy --only-keep-debug program dir/any.name
strip program
"$record" -o data ./program >/dev/null 2>&1 || fail "cannot record"
export XDG_CACHE_HOME="$PWD/cache"

stacks() {
	"$report" --folded "$@" data >folded 2>said || fail "report ended with $?: $(cat said)"
	[ -s folded ] || fail "no stacks: $(cat said)"
}
inlined() {
	grep -q 'outer;inner' folded
}

stacks --no-cache
! inlined || fail "names without a debug file: $(head -n 3 folded)"
stacks --debug-dir dir --no-cache
inlined || fail "no inlined frames: $(head -n 3 folded)"
[ ! -e cache/ddprof/answers ] || fail "--no-cache wrote to the cache"
cp folded first
pass "a debug file of any name gives inlined frames"

stacks --debug-dir dir
same first folded "results differ when they are kept"
stacks --debug-dir dir
same first folded "kept results differ"
stacks
same first folded "results of a file that is gone differ"
pass "the cache gives the same, also when the file is gone"

find cache -type f | while read -r file; do
	printf 'xxxxxxxx' | dd of="$file" bs=1 seek=300 conv=notrunc 2>/dev/null
done
stacks --debug-dir dir
same first folded "results after damage to the cache differ"
grep -q 'damaged' said || fail "nothing is said about damage: $(cat said)"
pass "a damaged cache is said and rebuilt"

rm -rf cache/ddprof
head -c 3000 dir/any.name >broken/any.name
stacks --debug-dir broken
! inlined || fail "names from half a file"
pass "a cut debug file costs its names alone"

"$report" cache >shown || fail "cache ended with $?"
grep -q "^folder  $PWD/cache/ddprof" shown || fail "cache shows: $(cat shown)"
"$report" cache clear >shown && "$report" cache >shown || fail "cannot clear"
grep -q '^files   0$' shown || fail "left after clear: $(cat shown)"
pass "the cache is shown and cleared"
