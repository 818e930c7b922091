#!/bin/sh
# Threads with names: each burns in a function of its own, in known shares; --by=thread says the same.
. "$(dirname "$0")/lib.sh"
. "$targets/truth.sh"
need_report
need_perf

compile threads.c threads
profile "$tmp/threads" 200
any='(red|green|blue|white)_work'
while read -r key thread function want; do
	[ "$key" = thread ] || continue
	near "$function" "$(share "(^|;)$function(;|\$)" $any)" "$want" 0.04
	at_least "root of $function" "$(share "start_thread;${function%_work}_main;$function" "$function")" 0.95
	"$report" --by=thread "$tmp/rec" 2>/dev/null | grep -q -- "$thread" ||
		fail "no thread '$thread' in --by=thread: $("$report" --by=thread "$tmp/rec" 2>&1)"
	"$report" --folded --comm="$thread" "$tmp/rec" >"$tmp/one" 2>/dev/null
	grep -q "$function" "$tmp/one" || fail "--comm=$thread does not show $function"
	! grep -v "$function" "$tmp/one" | grep "_work" || fail "--comm=$thread shows other threads' work"
done <"$tmp/truth"
