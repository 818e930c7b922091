#!/bin/sh
# What is no recording is refused in one clear line; what is left of a recording is shown.
. "$(dirname "$0")/lib.sh"
. "$targets/truth.sh"
need_report
need_perf

# refused FILE PATTERN: exit 1, nothing on stdout, one line on stderr that names the file and says why
refused() {
	rc=0
	"$report" "$1" >"$tmp/out" 2>"$tmp/err" || rc=$?
	[ $rc -eq 1 ] || fail "$1: exit status is $rc, expected 1"
	[ ! -s "$tmp/out" ] || fail "$1: stdout has $(head -n 3 "$tmp/out")"
	[ "$(wc -l <"$tmp/err")" -eq 1 ] || fail "$1: not one line: $(cat "$tmp/err")"
	grep -qF "$1" "$tmp/err" || fail "the message does not name $1: $(cat "$tmp/err")"
	grep -qiE "$2" "$tmp/err" || fail "the message says not '$2': $(cat "$tmp/err")"
}

refused "$tmp/nothing-here" 'no such file'
: >"$tmp/empty"
refused "$tmp/empty" 'empty'
head -c 100000 /dev/urandom >"$tmp/random"
refused "$tmp/random" 'not a (ddprof )?recording'
echo 'PERFILE2' >"$tmp/short"
refused "$tmp/short" 'perf.data ends after 9 bytes'
mkdir "$tmp/none"
refused "$tmp/none" 'no recording lies in directory'
rc=0
"$report" --no-such-option 2>"$tmp/err" || rc=$?
[ $rc -eq 2 ] || fail "wrong usage ended with $rc"
grep -q -- --help "$tmp/err" || fail "wrong usage does not name --help: $(cat "$tmp/err")"

# cut anywhere: exit 0, stacks of what is whole, and it says so
compile split.c split
profile "$tmp/split" 2500
all=$(awk '{ n += $NF } END { print n }' "$tmp/folded")
size=$(wc -c <"$tmp/rec")
for percent in 50 90 99; do
	head -c $((size * percent / 100)) "$tmp/rec" >"$tmp/cut"
	"$report" --folded "$tmp/cut" >"$tmp/out" 2>"$tmp/err" || fail "cut at $percent %: exit status $?: $(cat "$tmp/err")"
	grep -qi 'abnormal' "$tmp/err" || fail "cut at $percent %: it is not said: $(cat "$tmp/err")"
	left=$(awk '{ n += $NF } END { print n + 0 }' "$tmp/out")
	[ "$left" -le "$all" ] || fail "cut at $percent %: $left samples of $all"
done

# written by a later program
cp "$tmp/rec" "$tmp/later"
"$build/tests/flow/newer" "$tmp/later" || fail "cannot change the version"
refused "$tmp/later" 'version 2\.[0-9]+.*newer'

# damage in the middle: the rest is shown and the loss has a time range
cp "$tmp/rec" "$tmp/damaged"
dd if=/dev/zero of="$tmp/damaged" bs=1 seek=$((size * 2 / 3)) count=64 conv=notrunc 2>/dev/null
"$report" --folded "$tmp/damaged" >"$tmp/out" 2>"$tmp/err" || fail "damaged: exit status $?: $(cat "$tmp/err")"
grep -qi 'damage' "$tmp/err" || fail "damage is not said: $(cat "$tmp/err")"
