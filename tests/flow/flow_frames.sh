#!/bin/sh
# Frames without frame pointer: alloca, realigned stacks, both, and frames larger than a page.
. "$(dirname "$0")/lib.sh"
. "$targets/truth.sh"
need_report
need_perf

compile frames.c frames -fomit-frame-pointer
for flags in '-O2' '-O1 -fno-omit-frame-pointer' '-O0'; do
	# shellcheck disable=SC2086 # several flags
	compile frames.c frames -fomit-frame-pointer $flags
	profile "$tmp/frames" 200
	while read -r key path; do
		[ "$key" = path ] || continue
		step=${path#main;}
		step=${step%;leaf_work}
		at_least "$step ($flags)" "$(share "(^|;)$path(;truth_burn)?(;|\$)" "$step")" 0.95
		near "$step ($flags)" "$(share "$step" with_)" 0.25 0.07
	done <"$tmp/truth"
done
