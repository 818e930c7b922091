#!/bin/sh
# A recorder that is killed leaves a file that is read: what was stored up to a second before is there.
. "$(dirname "$0")/lib.sh"
. "$targets/truth.sh"
need_report
need_perf

compile split.c split
for after in 0.7 1.6 2.9; do
	rm -f "$tmp/rec"
	read -r started rest </proc/uptime
	"$record" -F 999 -o "$tmp/rec" -- "$tmp/split" 3500 >"$tmp/truth" 2>"$tmp/record.log" &
	pid=$!
	background $pid
	sleep $after
	read -r killed rest </proc/uptime
	kill -9 $pid
	wait $pid 2>/dev/null || :
	"$report" --folded "$tmp/rec" >"$tmp/folded" 2>"$tmp/err" || fail "killed after $after s: exit status $?: $(cat "$tmp/err")"
	grep -qi 'abnormal' "$tmp/err" || fail "killed after $after s: it is not said: $(cat "$tmp/err")"
	stored_ns=$("$report" info --json "$tmp/rec" 2>/dev/null | sed -n 's/.*"last_ns":\([0-9]*\).*/\1/p')
	# nothing is stored before the first chunk is: then all since the start is lost
	lost=$(awk -v killed="$killed" -v stored="${stored_ns:-0}" -v started="$started" \
		'BEGIN { print killed - (stored > 0 ? stored / 1e9 : started) }')
	within "$lost" 0.5 0.6 "killed after $after s: seconds between the newest stored event and the kill"
done
