#!/bin/sh
# Every view of one recording tells the same samples; filters take parts of them; options that make no sense are refused.
. "$(dirname "$0")/lib.sh"
. "$targets/truth.sh"
need_report
need_perf

compile threads.c threads
profile "$tmp/threads" 100

total=$(awk '{ n += $NF } END { print n + 0 }' folded)

# sum VIEW...: the samples that the lines of a folded view add up to
sum() {
	"$report" --folded "$@" rec 2>/dev/null | awk '{ n += $NF } END { print n + 0 }'
}

stored=$("$report" info --json rec | sed -n 's/.*"stored":\([0-9]*\).*/\1/p' | head -n 1)
test "$total" = "$stored" || fail "--folded has $total samples, the recorder stored $stored"
pass "folded stacks add up to the samples stored"

parts=0
for thread in red green blue white threads; do
	parts=$((parts + $(sum --comm="$thread*" --comm="$thread")))
done
test "$parts" = "$total" || fail "threads by name have $parts samples together, not $total"
test "$(sum --time=-100ms)" -lt "$total" || fail "--time=-100ms takes everything"
test "$(($(sum --time=-100ms) + $(sum --time=100ms-)))" = "$total" || fail "two halves in time do not make the whole"
test "$(sum --symbol=red_work)" = "$(awk '/red_work/ { n += $NF } END { print n + 0 }' folded)" ||
	fail "--symbol takes other stacks than those through the function"
test "$(sum --symbol='no such function')" = 0 || fail "--symbol takes what does not match"
test "$(sum --dso=threads)" -gt 0 || fail "--dso=threads takes nothing"
test "$(sum --pid=1)" = 0 || fail "--pid=1 takes something"
test "$(sum --event=sCPU)" = "$total" || fail "--event=sCPU does not take everything"
pass "filters take the parts they name"

for view in --by=function --by=module --by=thread --by=process --by=address --tree --tree=callers --tree=callees; do
	"$report" $view --limit=all --min=0 rec >out 2>err || fail "$view ended with $?: $(cat err)"
	grep -q "samples, " out || fail "$view has no title: $(head -n 3 out)"
	tail -n 1 out | grep -q '^lost .* samples' || fail "$view does not end with the losses: $(tail -n 1 out)"
	if grep -q "$(printf '\033')" out; then
		fail "$view has colours although nobody sees them"
	fi
done
"$report" --color=always rec | grep -q "$(printf '\033')" || fail "--color=always has no colours"
pass "every view ends with what was lost"

if command -v python3 >/dev/null 2>&1; then
	for view in "" --by=thread info; do
		"$report" $view --json rec >out || fail "$view --json ended with $?"
		python3 -m json.tool out >/dev/null || fail "$view --json is no JSON"
	done
	pass "JSON is JSON"
fi

"$report" rec >once
"$report" rec rec >twice 2>err || fail "a file given twice: $(cat err)"
cmp -s once twice && grep -q 'samples stand in two of the files, and count once' err ||
	fail "a file given twice: $(diff once twice) $(cat err)"
pass "a file that is given twice counts once"

# refused ARGUMENTS...: status 2 and one line
refused() {
	rc=0
	"$report" "$@" >out 2>err || rc=$?
	test $rc = 2 || fail "'$*' ended with $rc, not 2"
	test "$(wc -l <err)" = 1 && test ! -s out || fail "'$*' said: $(cat out err)"
}
refused --by=colour rec
refused --tree=sideways rec
refused --time=2-1 rec
refused --pid=x rec
refused --limit=0 rec
refused --min=101 rec
refused --frobnicate rec
refused export rec
refused export svg -o out.svg rec
refused export pprof rec
refused scrub rec
pass "wrong usage is one line and status 2"
