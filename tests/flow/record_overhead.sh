#!/bin/sh
# What the recorder costs has a limit: above it fewer samples are kept, totals and shares stay, the
# file says when, and the full rate returns.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/record.sh"
. "$targets/truth.sh"
need_report
need_perf
compile split.c split
unset DDPROF_MAX_OVERHEAD

# rates FILE: lines of `info` on changes
rates() {
	"$report" info "$1" | sed -n 's/^  rate //p'
}

expect 2 "$record" --max-overhead=0 -- true
one_line "max-overhead.*'0': expected 0.1 to 100 percent"
expect 2 "$record" --max-overhead=3x -- true

# the second half has nothing to sample: calm
record_options='--max-overhead=0.3 -F 4000'
profile sh -c "./split 4000; sleep 7; ./split 500"
grep -q 'counts for all' record.log || fail "no change was told: $(cat record.log)"
[ "$(value stored rec)" -lt 16000 ] || fail "nothing was left out: $(cat record.log)"
rates rec | grep -q '^lowered at .* s: sCPU at [0-9]* Hz instead of 4000 Hz' ||
	fail "the file does not say it: $("$report" info rec | head -n 40)"
[ "$(rates rec | wc -l)" -le 6 ] || fail "too many changes: $(rates rec)"
shares_agree 0.06
pass "above the limit fewer samples are kept, and shares stay"

# what is left out is counted, and its time is in the others: no more than the rest of one stretch
"$report" info rec | grep -q 'samples left out' || fail "what was left out is not counted"
"$report" rec >flat 2>/dev/null
total=$(sed -n 's/^sCPU: .* samples, \([0-9.]*\) s$/\1/p' flat)
"$record" --max-overhead=off -F 4000 -o full -- sh -c "./split 4000; ./split 500" >/dev/null 2>&1
"$report" full >flat 2>/dev/null
want=$(sed -n 's/^sCPU: .* samples, \([0-9.]*\) s$/\1/p' flat)
within "$total" "$want" "$(awk -v t="$want" 'BEGIN { print t * 0.04 }')" "time in all samples"
pass "the total stays"

rates rec | grep -q '^raised at .* instead of' || fail "the rate never returned: $(rates rec)"
pass "the rate returns when there is less to do"
