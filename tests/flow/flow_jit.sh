#!/bin/sh
# Code made at run time is named by what was there when the sample was taken.
. "$(dirname "$0")/lib.sh"
. "$targets/truth.sh"
need_report
need_perf

# A made function is called by the native one of its number: each stack tells whether it is right.
right() {
	awk '{
		n = $NF; sub(/ [0-9]+$/, "")
		if (!match($0, /native_[0-7];/)) next
		native = substr($0, RSTART + 7, 1); rest = substr($0, RSTART + 9)
		if (rest !~ /^(made_[0-7]|\[anon\])/) next
		all += n
		if (rest ~ "^made_" native) right += n
	} END { printf "%.4f\n", all ? right / all : 0 }' "$tmp/folded"
}

compile jitted.c jitted
report_options=--inline=no # stacks are compared call by call

profile "$tmp/jitted" dump 600 8 "$tmp"
at_least "samples named by a jitdump with the function that was there" "$(right)" 0.99
shares_agree 0.02
pass "addresses that are used again and again, and moves: $(right) right"
if LC_ALL=C grep -c "$(printf '\220\220\220\220\220\220')" "$tmp/rec" >/dev/null; then
	fail "code bytes of the jitdump are in the recording"
fi

profile "$tmp/jitted" map 40 60 /tmp
rm -f "/tmp/perf-$(awk '$1 == "pid" { print $2 }' "$tmp/truth").map"
at_least "samples named by a perf map" "$(right)" 0.99
shares_agree 0.03
pass "a perf map: $(right) right"

# a program that is over before anybody could look
profile "$tmp/jitted" map 4 10 /tmp
rm -f "/tmp/perf-$(awk '$1 == "pid" { print $2 }' "$tmp/truth").map"
at_least "samples of a short program" "$(right)" 0.99
pass "a program that ends at once: $(right) right"

case $(uname -m) in
x86_64)
	profile "$tmp/jitted" frameless 40 30 "$tmp"
	at_least "samples unwound by the dump's call frame information" "$(right)" 0.99
	at_least "stacks that come from main" "$(share '(^|;)main;.*made_' made_)" 0.99
	pass "code without a frame pointer: $(right) right"
	;;
esac

profile "$tmp/jitted" foreign 20 20 "$tmp"
grep -q "times of another clock" "$tmp/record.log" || fail "not said: $(cat "$tmp/record.log")"
grep -q 'made_[0-7]' "$tmp/folded" || fail "no names without times"
pass "a jitdump of another clock is said, and used without its times"

record_options=--embed=none
profile "$tmp/jitted" dump 20 20 "$tmp"
record_options=
grep -q 'made_[0-7]' "$tmp/folded" && fail "--embed=none took a jitdump"
pass "--embed=none takes nothing"
