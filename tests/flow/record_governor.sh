#!/bin/sh
# An event that costs more than --max-overhead allows is off for a while; the other one is not
# touched, and everybody who reads the recording is told.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/record.sh"
need_report
need_perf
target switches
unset DDPROF_MAX_OVERHEAD

"$record" --max-overhead=0.5 -e 'sCPU;offcpu' -o rec -- ./switches 4000 >out 2>err ||
	fail "status $?: $(cat err)"
grep -q 'from now on .*offcpu is off' err || fail "nothing was switched off: $(cat out err)"
grep -q 'sCPU is off' err && fail "the clock was switched off: $(cat err)"
"$report" info rec >info
grep -q '^  at [0-9.]* s, to spare CPU:.* offcpu switched off$' info ||
	fail "info does not say it: $(sed -n '/^File/,/^$/p' info)"
# half its rate may go before that: a moment above 100 samples a second can spare some
grep -Eq 'rate lowered at .* sCPU at ([0-9]|[1-3][0-9]|4[0-8]) Hz' info &&
	fail "the clock paid for the switches: $(grep '^  rate' info)"
grep -q 'nanoseconds of CPU used by the recorder' info || fail "its own CPU time is not told"
pass "the event that costs is switched off, the clock goes on"

"$report" show --event=offcpu rec >flat 2>losses || fail "show: $(cat losses)"
grep -q '^offcpu: .* s at least$' flat || fail "no lower bound: $(head -n 3 flat)"
cat flat losses | grep -q 'offcpu off for [0-9.]* s to spare CPU' || fail "for how long is not said: $(cat losses)"
"$report" info --json rec | grep -q '"governed":\[{"time_ns":[0-9]*,"stack_bytes":0,"off":\["offcpu"\]}' ||
	fail "JSON of info does not say it"
"$report" show --json rec >json 2>/dev/null
grep -q '"off_ns":[0-9]' json || fail "JSON does not say it"
"$report" show --event=sCPU rec 2>/dev/null | grep -q '^sCPU: .*at least' && fail "the clock was never off"
pass "its sums are called a lower bound"
