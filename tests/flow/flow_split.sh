#!/bin/sh
# Two functions that share the time 70:30 have these shares in every view, and every stack is whole.
. "$(dirname "$0")/lib.sh"
. "$targets/truth.sh"
need_report
need_perf

compile split.c split
profile "$tmp/split" 1500
shares_agree 0.03
at_least "stacks from main" "$(share '(^|;)main;(heavy|light)_work(;|$)')" 0.97

# the same with options and kinds of build that unwinding and naming depend on
compile split.c split-static -static
profile "$tmp/split-static" 600
shares_agree 0.05
compile split.c split-fp -O1 -fno-omit-frame-pointer -fno-asynchronous-unwind-tables
profile "$tmp/split-fp" 600
shares_agree 0.05

# stripped: no names, but the stacks are as deep and lie in the right module
compile split.c split-stripped -s
profile "$tmp/split-stripped" 600
at_least "frames of the stripped program" "$(share '\[split-stripped\+0x[0-9a-f]+\](;|$)')" 0.95
at_least "stacks of the stripped program" "$(share 'split-stripped.*;.*split-stripped')" 0.95
