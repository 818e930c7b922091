#!/bin/sh
# A raw recording and the same one scrubbed show the same stacks, and the scrubbed one says what it is.
. "$(dirname "$0")/lib.sh"
. "$targets/truth.sh"
need_report
need_perf

compile frames.c frames -fomit-frame-pointer
compile threads.c threads
compile names.cpp names
record_options=--stacks=raw
for command in "frames 100" "threads 60" "names 60"; do
	# shellcheck disable=SC2086 # name and argument
	profile "$tmp"/$command
	rm -f "$tmp/scrubbed"
	"$report" scrub "$tmp/rec" "$tmp/scrubbed" 2>"$tmp/scrub.log" || fail "scrub ended with $?: $(cat "$tmp/scrub.log")"
	"$report" --folded "$tmp/scrubbed" >"$tmp/folded-scrubbed" 2>/dev/null || fail "cannot read what scrub wrote"
	changed=$(awk '{ n = $NF; sub(/ [0-9]+$/, "") }
		NR == FNR { raw[$0] = n; all += n; next }
		{ d = n - raw[$0]; different += d > 0 ? d : 0 }
		END { printf "%.6f", different / all }' "$tmp/folded" "$tmp/folded-scrubbed")
	awk -v changed="$changed" 'BEGIN { exit !(changed <= 0.0005) }' || fail "$command: $changed of the chains changed: $(
		diff "$tmp/folded" "$tmp/folded-scrubbed" | head -n 20)"
done
"$report" info "$tmp/rec" | grep -qi 'raw' || fail "info does not say that stacks are raw"
"$report" info "$tmp/scrubbed" | grep -qi 'scrubbed' || fail "info does not say that stacks are scrubbed"
