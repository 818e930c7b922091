#!/bin/sh
# Several events at once, each with its own weight: what the program itself counts is what is recorded.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/record.sh"
need_report
need_perf

target faults -O2 -g
"$record" -o faults.data -e 'sCPU f=499;sPF st=1024' ./faults 2000 >truth 2>err || fail "$(cat err)"
want=$(sed -n 's/^touch_pages \([0-9]*\)$/\1/p' truth)
"$report" show --json faults.data >shown.json
got=$(python3 -c '
import json, sys
shown = json.load(open("shown.json"))
faults = next(e for e in shown["events"] if e["event"] == "sPF")
lost = shown["samples"]["lost_kernel"]
print(sum(r["self"]["samples"] for r in faults["rows"] if r["name"] == "touch_pages"), lost)')
[ "${got#* }" != 0 ] || [ "${got% *}" = "$want" ] ||
	fail "touch_pages faulted $want times, ${got% *} samples of sPF: $(cat err)"
[ "$want" -ge 2000 ] && [ "${got% *}" -ge 1000 ] || fail "$want faults, $got samples: $(cat err)"
pass "every page fault is a sample of its own source: ${got% *} of $want, ${got#* } lost"

"$report" show --no-pager faults.data >shown 2>&1
for source in sCPU sPF; do
	grep -q "^$source: " shown || fail "no table of $source: $(cat shown)"
done
grep -A4 '^sPF: ' shown | grep -q 'touch_pages' || fail "sPF is not where pages are touched: $(cat shown)"
pass "each source has a table, with the function that faulted"

"$record" -o none.data -e 'hINST;sCPU' true 2>err || fail "$(cat err)"
if grep -q "event 'hINST' is left out" err; then
	grep -q '^ddprof-record: warning: Error calling perfopen on watcher 0.0 (' err || fail "$(cat err)"
	"$report" info none.data | grep -q 'fallbacks .*without hINST' || fail "the manifest does not say it"
	"$record" -o cycles.data -e hCPU true 2>err || fail "$(cat err)"
	grep -q 'sampling sCPU instead of hCPU' err || fail "$(cat err)"
	pass "counters that the machine lacks are left out, cycles become time; said and kept"
fi

"$record" -e help >help
grep -q '^Event Configuration Documentation$' help && grep -q 'sPFMAJ' help || fail "-e help: $(cat help)"
set -- 'sCPU;sCPU:Duplicate event found in input' 'sNONE:Invalid event/tracepoint (sNONE)'
if [ -r /sys/kernel/tracing/events/sched ]; then
	set -- "$@" 'no:such:Invalid event/tracepoint (no:such)'
else # what cannot be looked up is no wrong usage
	expect 0 "$record" -e no:such -o none.data true
	one_line 'tracepoint no:such: .*; COMMAND runs without being recorded'
fi
for wrong; do
	event=${wrong%:[DI]*}
	"$record" -e "$event" touch started 2>err && fail "'$event' was taken"
	grep -qE "$(echo "${wrong#"$event":}" | sed 's/[()]/\\&/g')" err || fail "'$event': $(cat err)"
	[ ! -e started ] || fail "COMMAND was started in spite of '$event'"
done
pass "wrong events are named, and COMMAND is not started"
