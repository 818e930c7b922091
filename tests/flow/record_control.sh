#!/bin/sh
# Commands while it runs: samples of the time that was asked for, and an answer to each command.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/record.sh"
need_report
need_perf
target split
mkfifo ctl ack

say() {
	echo "$1" >&5
	read -r answer <&6
	[ "$answer" = ack ] || fail "$1 was answered by '$answer'"
}
counter() {
	sed -n "s/^ *\([0-9]*\)  $1\$/\1/p" info
}

exec 5<>ctl 6<>ack
"$record" -F 999 --start-paused --control=fifo:ctl,ack -o rec -- ./split 20000 >out 2>log 5>&- 6>&- &
pid=$!
background $pid
say ping
sleep 1
say enable
sleep 1
say disable
sleep 1
echo 'evlist' >&5
say stop
wait_for 5 test -s rec
for child in $(children $pid); do
	kill $child
done
wait $pid || :
"$report" info rec >info
n=$(counter "samples stored")
[ "$n" -gt 100 ] && [ "$n" -lt 1400 ] || fail "$n samples in 1 s of 3: $(cat info log)"
awk -v ns="$(counter "nanoseconds paused")" 'BEGIN { exit !(ns > 1.8e9 && ns < 4e9) }' ||
	fail "paused: $(cat info)"
grep -q "'evlist' is no command" log || fail "not told: $(cat log)"
"$report" --folded rec 2>/dev/null | grep -q 'main.*heavy_work' || fail "no stacks of the time after the pause"
pass "samples are taken between enable and disable, and the mappings from the start"

"$record" -F 999 --last=10s --control=fd:7 -o fly -- ./split 2500 7<ctl >out 2>log &
pid=$!
background $pid
sleep 1
echo snapshot >&5
wait_for 5 test -s fly.000001
wait $pid
pass "snapshot writes what is kept"

# COMMAND does not get the descriptor.
expect 0 "$record" --control=fd:7 -o rec -- sh -c 'if [ -e /proc/self/fd/7 ]; then exit 4; fi' 7<ctl
for wrong in fifo:none fd:77 fd:x /dev/null fd: ''; do
	expect 2 "$record" "--control=$wrong" -- touch started
	one_line "--control"
	[ ! -e started ] || fail "COMMAND was started with --control=$wrong"
done
pass "what cannot be opened is wrong usage"
