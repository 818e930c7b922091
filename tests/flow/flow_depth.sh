#!/bin/sh
# A path 200 calls deep is shown with exactly these calls.
. "$(dirname "$0")/lib.sh"
. "$targets/truth.sh"
need_report
need_perf

compile depth.c depth
# the path is one of calls: what the compiler put into leaf_work is none
report_options=--inline=no
for how in direct mutual; do
	profile "$tmp/depth" $how 200 500
	path=$(sed -n 's/^path //p' "$tmp/truth")
	whole=$(awk -v path="$path" '
		{ n = $NF; sub(/ [0-9]+$/, ""); all += n }
		index($0 ";", ";" path ";") { whole += n } # also with what leaf_work calls: the clock
		END { printf "%.4f\n", all ? whole / all : 0 }' "$tmp/folded")
	at_least "$how recursion" "$whole" 0.95
done
