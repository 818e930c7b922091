#!/bin/sh
# A recorder that is killed leaves a file that is read: what was stored up to a second before is there.
. "$(dirname "$0")/lib.sh"
. "$targets/truth.sh"
need_report
need_perf

compile split.c split
for after in 0.7 1.6 2.9; do
	rm -f "$tmp/rec"
	"$record" -F 999 -o "$tmp/rec" -- "$tmp/split" 3500 >"$tmp/truth" 2>"$tmp/record.log" &
	pid=$!
	background $pid
	sleep $after
	kill -9 $pid
	wait $pid 2>/dev/null || :
	"$report" --folded "$tmp/rec" >"$tmp/folded" 2>"$tmp/err" || fail "killed after $after s: exit status $?: $(cat "$tmp/err")"
	grep -qi 'abnormal' "$tmp/err" || fail "killed after $after s: it is not said: $(cat "$tmp/err")"
	# 999 samples a second, at most 1.0 s lost, starting takes some tenths
	awk -v after=$after '{ n += $NF } END { exit !(n >= 999 * (after - 1.4)) }' "$tmp/folded" ||
		fail "killed after $after s: only $(awk '{ n += $NF } END { print n + 0 }' "$tmp/folded") samples"
done
