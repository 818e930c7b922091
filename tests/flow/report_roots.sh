#!/bin/sh
# What lies in the folders of --debug-dir: found by build-id whatever it is called, once looked at
# not opened again, and nothing in them stops a report.
. "$(dirname "$0")/lib.sh"
need_report
need_perf
need objcopy strip

cp "$targets/inlined.c" .
"$CC" -O2 -g -DVALUE=1 -Wl,--build-id -o program inlined.c || fail "does not compile"
"$CC" -O2 -g -DVALUE=2 -Wl,--build-id -o other inlined.c || fail "does not compile"
objcopy --only-keep-debug program program.dbg
objcopy --only-keep-debug other other.dbg
strip program
"$record" -o data ./program >/dev/null 2>&1 || fail "cannot record"

# stacks OPTION...: folded stacks, and what was said
stacks() {
	timeout 60 "$report" --folded "$@" data >folded 2>said ||
		fail "report $* ended with $?: $(cat said)"
	[ -s folded ] || fail "no stacks: $(cat said)"
}
inlined() {
	grep -q 'outer;inner' folded || fail "no inlined frames: $(cat said; head -n 3 folded)"
}
plain() {
	! grep -q 'outer' folded || fail "names out of nowhere: $(head -n 3 folded)"
	:
}

mkdir -p odd/deep/er
mkfifo odd/fifo odd/deep/x.debug
ln -s . odd/loop
ln -s loop/loop/deep odd/more
ln -s ../../.. odd/deep/up
ln -s /dev/zero odd/zero.debug
mkdir -m 0 odd/closed
head -c 3000 program.dbg >odd/cut.debug
echo text >odd/text
stacks --debug-dir odd --no-cache
plain
mv program.dbg odd/deep/er/anything
stacks --debug-dir odd --no-cache
inlined
cp folded want
pass "loops, FIFOs, devices and cut files in a folder stop nothing"

stacks --debug-dir odd/deep/er/anything --no-cache
same want folded "a root that is one file gives something else"
ln -s odd/deep/er/anything linked
stacks --debug-dir linked
same want folded "a root that is a link gives something else"
mkdir empty
stacks --debug-dir empty --debug-dir odd --no-cache
same want folded "two roots give something else"
DDPROF_DEBUG_DIR=empty:odd stacks --no-cache
same want folded "DDPROF_DEBUG_DIR gives something else"
pass "a root may be a file or a link, be one of many, and come from the environment"

mkfifo not-a-folder
stacks --debug-dir not-a-folder --debug-dir no-such --debug-dir odd --no-cache
same want folded "roots that are none change the rest"
grep -q "no debug files from 'no-such'" said || fail "nothing is said: $(cat said)"
grep -q "no debug files from .*not-a-folder'" said || fail "nothing is said: $(cat said)"
pass "a root that cannot be opened is said, the others count"

mkdir wrong
cp other.dbg wrong/program.debug
stacks --debug-dir wrong --no-cache
plain
grep -q "wrong/program.debug': build-id [0-9a-f]* wanted [0-9a-f]*" said ||
	fail "another build is not said: $(cat said)"
pass "the file of another build is not used, and said with both build-ids"

# ---- the index ----

id=$(readelf -n program | sed -n 's/.*Build ID: //p')
mkdir -p tree/.build-id/"${id%"${id#??}"}" tree/junk
cp odd/deep/er/anything tree/.build-id/"${id%"${id#??}"}"/"${id#??}".debug
i=0
while [ $i -lt 50 ]; do
	cp other.dbg tree/junk/f$i
	i=$((i + 1))
done
mkdir files
cp -R tree/junk files/
cp odd/deep/er/anything files/some.name
rm -rf "$XDG_CACHE_HOME/ddprof"
index=$XDG_CACHE_HOME/ddprof/debug-index.sqlite
stacks --debug-dir files
same want folded "a folder of files gives something else"
[ -s "$index" ] || fail "no index: $(ls -la "$XDG_CACHE_HOME/ddprof")"
"$report" cache >shown
grep -q "^index   $(stat -c %s "$index")\$" shown || fail "cache shows: $(cat shown)"
rm -rf "$XDG_CACHE_HOME/ddprof/answers"
if command -v strace >/dev/null 2>&1; then
	ASAN_OPTIONS=detect_leaks=0 strace -f -o trace -e trace=open,openat,openat2 \
		"$report" --folded --debug-dir files data >folded 2>said ||
		fail "report under strace ended with $?: $(cat said)"
	same want folded "the second run gives something else"
	# below the root: the file that is wanted, and nothing else
	[ "$(grep -c 'junk/\|"f[0-9]*"' trace || :)" -eq 0 ] ||
		fail "the second run opened $(grep 'junk/\|"f[0-9]*"' trace | head -n 2)"
	pass "a second run opens nothing but the file that it wants"
fi

touch files/junk/f7
cp odd/deep/er/anything files/junk/f8
rm files/some.name
rm -rf "$XDG_CACHE_HOME/ddprof/answers"
stacks --debug-dir files
same want folded "after a change"
rm files/junk/f8
rm -rf "$XDG_CACHE_HOME/ddprof/answers"
stacks --debug-dir files
plain
cp odd/deep/er/anything files/some.name
stacks --debug-dir files
inlined
pass "files that come, change and go are seen"

for i in 1 2 3 4; do
	(cp -R files "files$i"; "$report" --folded --debug-dir files --debug-dir "files$i" data \
		>folded.$i 2>said.$i || echo "ended with $?" >folded.$i) &
done
wait
for i in 1 2 3 4; do
	same want folded.$i "one of several at once: $(cat said.$i)"
	[ ! -s said.$i ] || fail "said: $(cat said.$i)"
done
pass "several reports use the index at once"

for damage in 'truncate -s 5000' 'truncate -s 100' 'cp text' 'printf'; do
	case $damage in
	cp*) echo text >"$index" ;;
	printf) printf 'xxxxxxxxxxxxxxxx' | dd of="$index" bs=1 seek=4200 conv=notrunc 2>/dev/null ;;
	*) $damage "$index" ;;
	esac
	rm -rf "$XDG_CACHE_HOME/ddprof/answers"
	stacks --debug-dir files
	same want folded "after damage to the index ($damage)"
done
stacks --debug-dir files
[ ! -s said ] || fail "said when all is well: $(cat said)"
pass "a damaged index is built anew"

rm -f "$index"
mkdir "$index"
stacks --debug-dir files
same want folded "with an index that cannot be"
grep -q 'index of debug files' said || fail "nothing is said: $(cat said)"
rmdir "$index"
pass "without an index the report is the same"

# ---- objects ----

"$record" --embed=none -o bare ./program >/dev/null 2>&1 || fail "cannot record"
complete() {
	"$report" info "$@" --no-cache bare 2>said |
		sed -n '/^Stacks$/,/^$/s/^ *[0-9]* *\([0-9.]*\) %  complete$/\1/p'
}
with=$(complete)
mkdir objects
mv program objects/renamed
without=$(complete)
without=${without:-0}
again=$(complete --debug-dir objects)
[ "$with" = "$again" ] || fail "complete: $with % with the program, $again % from a folder"
[ "${without%.*}" -lt "${with%.*}" ] || fail "complete without the program: $without %"
pass "stacks are unwound with objects that a folder holds"

# as perf lays out its cache: ab/cdef... is a link to a folder with 'elf' in it
mkdir -p "perf/usr/bin/program/$id" "perf/.build-id/${id%"${id#??}"}"
mv objects/renamed "perf/usr/bin/program/$id/elf"
ln -s "../../usr/bin/program/$id" "perf/.build-id/${id%"${id#??}"}/${id#??}"
again=$(complete --debug-dir perf)
[ "$with" = "$again" ] || fail "complete: $with % with the program, $again % from perf's cache"
pass "and with those in a cache of perf"
