#!/bin/sh
# A program prints the numbers of its hot lines: tables, trees and annotated source say the same, of
# a stripped program as well. Source comes from the folders that were given and from nowhere else.
. "$(dirname "$0")/lib.sh"
. "$targets/truth.sh"
need_report
need_perf
need objcopy strip

mkdir -p build/src dbg
cp "$targets/lines.c" "$targets/truth.h" build/src/
"$CC" -std=gnu11 -O2 -g -Wl,--build-id -o lines "$tmp/build/src/lines.c" || fail "does not compile"
profile ./lines 500
spin=$(awk '$2 == "spin" { print $4 }' truth)
call=$(awk '$2 == "holder" { print $4 }' truth)
main=$(awk '$2 == "main" { print $4 }' truth)
test -n "$spin" && test -n "$call" && test -n "$main" || fail "no truth: $(cat truth)"

# annotated COLUMN LINE: the share (self 1, total 2) of a line in ./out
annotated() {
	sed 's/ %/%/g' out | awk -v column="$1" -v line="$2" '
		/^ +[0-9.]+% +[0-9]+ +[0-9.]+% / && $5 == line { share = column == 1 ? $1 : $3 }
		/^ +[0-9.]+% +[0-9]+ +[0-9]+/ && $3 == line && column == 2 { share = $1 }
		END { print share + 0 }'
}

# lines_agree WHAT OPTIONS...: every view puts the time on the lines that the program says
lines_agree() {
	what=$1
	shift
	"$report" annotate spin "$@" rec >out 2>err || fail "$what: annotate spin ended with $?: $(cat err)"
	at_least "$what: line $spin of spin, self" "$(annotated 1 "$spin")" 95
	"$report" annotate holder "$@" rec >out 2>err || fail "$what: annotate holder ended with $?: $(cat err)"
	at_least "$what: line $call of holder, total" "$(annotated 2 "$call")" 95
	"$report" annotate main "$@" rec >out 2>err || fail "$what: annotate main ended with $?: $(cat err)"
	at_least "$what: line $main of main, total" "$(annotated 2 "$main")" 95
	"$report" --by=line "$@" rec >out 2>err || fail "$what: --by=line ended with $?: $(cat err)"
	at_least "$what: --by=line" "$(awk -v name="lines.c:$spin" '$NF == name { print $1; exit }' out)" 95
	"$report" --lines "$@" rec >out 2>err || fail "$what: --lines ended with $?: $(cat err)"
	at_least "$what: --lines" \
		"$(awk -v name="spin  lines.c:$spin  (lines)" 'index($0, name) { print $1; exit }' out)" 95
	"$report" --folded --lines "$@" rec >folded 2>err || fail "$what: --folded ended with $?: $(cat err)"
	at_least "$what: --folded --lines" \
		"$(share "main lines.c:$main;holder lines.c:$call;spin lines.c:$spin\$")" 0.95
	pass "$what: the time is on the lines that the program says"
}

lines_agree "with its debug information"
"$report" annotate holder --inline=no rec >out
at_least "--inline=no: line $call of holder, self" "$(annotated 1 "$call")" 95
pass "without inlined frames the line of the call has the time"

"$report" annotate spin rec >out
if grep -q 'the hot line' out; then
	fail "source was read although no folder was given: $(cat out)"
fi
grep -q '^no source: give --source-dir$' out || fail "nothing says how to see the source: $(cat out)"
pass "the path in the debug information is not opened"

objcopy --only-keep-debug lines dbg/any.name
strip lines
lines_agree "stripped, with a debug file" --no-cache --debug-dir dbg
"$report" annotate holder --no-cache rec >out 2>err || fail "a function without lines ended with $?: $(cat err)"
grep -q '^file not known' out || fail "a function without lines: $(cat out)"
pass "a function without lines is shown as a whole"
report_options="--debug-dir $tmp/dbg"

# the source has moved: src/lines.c below other/deep
mkdir -p other/deep links
mv build/src other/deep/src
rm -r build
shown() {
	# shellcheck disable=SC2086
	"$report" annotate "$@" $report_options rec >out 2>err || fail "annotate ended with $?: $(cat err)"
}
shown spin --source-dir links --source-dir other/deep
grep -q "^source: other/deep/src/lines.c$" out || fail "moved source is not found: $(cat out)"
grep -qE "^ +[0-9.]+ % +[0-9]+ +[0-9.]+ % +[0-9]+ +$spin  .*the hot line" out || fail "the hot line has no text: $(cat out)"
without_samples='^ {36,}[0-9]+(  .*)?$'
shown main --source-dir other/deep/src/ --context=1
grep -qE "$without_samples" out || fail "--context=1 shows no lines without samples: $(cat out)"
shown main --source-dir other/deep --context=0
if grep -E "$without_samples" out; then
	fail "--context=0 shows lines without samples: $(cat out)"
fi
pass "source is found by the end of its path"

# what lies there may be anything
ln -s "$tmp/other/deep/src/lines.c" links/lines.c
shown spin --source-dir links
grep -q "^no source: 'links/lines.c': leads out of the folder$" out || fail "a link out of the folder: $(cat out)"
rm links/lines.c
ln -s ../other/deep/src/lines.c links/lines.c
shown spin --source-dir links
grep -q 'leads out of the folder' out || fail "a relative link out of the folder: $(cat out)"
rm links/lines.c
mkfifo links/lines.c
shown spin --source-dir links
grep -q "^no source: 'links/lines.c' is not a regular file$" out || fail "a FIFO: $(cat out)"
rm links/lines.c
head -c 17000000 /dev/zero >links/lines.c
shown spin --source-dir links
grep -q "^no source: 'links/lines.c' has more than 16777216 bytes$" out || fail "a large file: $(cat out)"
printf 'one\ntwo\n' >links/lines.c
shown spin --source-dir links
grep -q "which has 2 lines: it is another version" out || fail "a source that is too short: $(cat out)"
{
	head -n $((spin - 1)) other/deep/src/lines.c
	printf 'a\t\033]0;title\007 \377 b\n'
	tail -n +$((spin + 1)) other/deep/src/lines.c
} >links/lines.c
shown spin --source-dir links
grep -qF 'a       \x1b]0;title\x07 \xff b' out || fail "control characters: $(cat -v out)"
shown spin --source-dir nowhere
grep -q "cannot search folder 'nowhere'" err || fail "a missing folder: $(cat err)"
pass "links out, FIFOs, large, short and hostile files cost the source alone"

if command -v python3 >/dev/null 2>&1; then
	shown spin --source-dir other/deep --json
	python3 - "$spin" <<-'END' || fail "JSON: $(cat out)"
		import json, sys
		o = json.load(open("out"))
		f = o["events"][0]["functions"][0]
		assert o["format"] == "ddprof-report annotate" and f["name"] == "spin", f
		line = [l for l in f["files"][0]["lines"] if l["line"] == int(sys.argv[1])][0]
		assert "the hot line" in line["text"], line
		assert line["self"]["samples"] >= 0.95 * o["events"][0]["samples"], line
	END
	pass "JSON has lines with their text"
fi

# refused STATUS WORDS ARGUMENTS...: one line that holds the words
refused() {
	want=$1 words=$2 rc=0
	shift 2
	"$report" "$@" >out 2>err || rc=$?
	test "$rc" = "$want" || fail "'$*' ended with $rc, not $want"
	test "$(wc -l <err)" = 1 && test ! -s out && grep -qF -- "$words" err || fail "'$*' said: $(cat out err)"
}
refused 2 "the name of a function is expected" annotate
refused 1 "did you mean 'spin'" annotate SPI --debug-dir dbg rec
refused 2 "--context is not for 'show'" --context=3 rec
refused 2 "neither a number of lines nor 'all'" annotate spin --context=-1 rec
refused 1 "has no samples among those that the filters take" annotate spin --debug-dir dbg --dso=nothing rec
pass "wrong usage is one line"
