#!/bin/sh
# A signal handler's samples stand on the code that it interrupted, on the same stack and on one of its own.
. "$(dirname "$0")/lib.sh"
. "$targets/truth.sh"
need_report
need_perf

compile signals.c signals
for how in plain onstack; do
	profile "$tmp/signals" $how 800
	near "$how: handler_work" "$(share 'handler_work(;|$)' '(handler|main)_work')" \
		"$(awk '$2 == "handler_work" { print $3 }' "$tmp/truth")" 0.06
done
# with its own stack, the interrupted one lies elsewhere and may not have been copied; on the same it is there
profile "$tmp/signals" plain 500
at_least "handler above main_work" "$(share '(^|;)main;main_work;.*on_timer;handler_work(;|$)' 'handler_work(;|$)')" 0.95
