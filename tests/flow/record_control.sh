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
echo 'evlists' >&5
say stop
wait_for 5 test -s rec
for child in $(children $pid); do
	kill $child
done
wait $pid || :
"$report" info rec >info
n=$(counter "samples stored")
[ "$n" -gt 20 ] && [ "$n" -lt 1400 ] || fail "$n samples in 1 s of 3: $(cat info log)"
awk -v ns="$(counter "nanoseconds paused")" 'BEGIN { exit !(ns > 1.8e9 && ns < 4e9) }' ||
	fail "paused: $(cat info)"
grep -q "'evlists' is no command" log || fail "not told: $(cat log)"
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

# perf's commands, to both: each answers those that it knows, and nothing else. perf goes on to
# answer what names no event.
# answers PROGRAM...: "command: ack" for each, of a recorder that was just started
answers() {
	"$@" >out 2>log 5>&- 6>&- &
	pid=$!
	background $pid
	say ping
	for command in 'enable context-switches' 'disable context-switches' evlist 'evlist -v' 'evlist -g' \
		'evlist -F' 'disable none-of-these' bogus disable enable snapshot stop; do
		echo "$command" >&5
		# A command that is unknown is answered by nobody: the next answer is the ping's.
		[ "$command" = stop ] || echo ping >&5
		read -r answer <&6
		[ "$command" = bogus ] || [ "$command" = stop ] || read -r answer <&6
		echo "$command: $answer"
	done
	for child in $(children $pid 2>/dev/null); do # perf ends COMMAND itself
		kill $child 2>/dev/null || :
	done
	wait $pid || :
}
answers "$record" -e 'task-clock;context-switches' --control=fifo:ctl,ack -o rec -- ./split 20000 >ours
cp log our_log
grep -q "no event 'none-of-these': there are sCPU, sCS" log || fail "not told: $(cat log)"
[ "$(grep -c 'event sCS: every 1, paused' log)" = 4 ] || fail "evlist: $(cat log)"
if perf record -e task-clock -o perf.data true >/dev/null 2>&1; then
	answers perf record -e task-clock -e context-switches --control=fifo:ctl,ack -o perf.data -- ./split 20000 >theirs
	same ours theirs "answers differ from perf's"
	pass "commands are answered as perf answers them"
fi

target faults
mkfifo go
# shellcheck disable=SC2016 # for the inner shell
"$record" -e 'sCPU f=999;sPF' --start-paused --control=fifo:ctl,ack -o rec -- sh -c 'read x <go; exec ./faults 2000' \
	>out 2>log 5>&- 6>&- &
pid=$!
background $pid
say 'enable sPF'
echo now >go
wait $pid || fail "$(cat log)"
"$report" show --json rec >shown.json
python3 - <<-'EOF' || fail "enable sPF: $(cat log)"
	import json
	events = {e["event"]: e for e in json.load(open("shown.json"))["events"]}
	faults = sum(r["self"]["samples"] for r in events["sPF"]["rows"] if r["name"] == "touch_pages")
	times = sum(r["self"]["samples"] for r in events["sCPU"]["rows"]) if "sCPU" in events else 0
	assert faults >= 100 and times == 0, (faults, times)
	EOF
pass "one event is enabled, and another one not"

"$record" -F 999 -D 300 -o rec -- ./split 2000 >out 2>log || fail "$(cat log)"
"$report" info rec >info
[ "$(counter "samples stored")" -gt 100 ] || fail "-D 300: $(cat info log)"
within "$(counter "nanoseconds paused")" 900000000 700000000 "pause of -D 300 in ns"
"$record" -F 999 --delay=1h -o rec -- ./split 200 >out 2>log || fail "$(cat log)"
"$report" info rec >info
[ -z "$(counter "samples stored")" ] || fail "--delay=1h: $(cat info)"
pass "--delay takes samples when it is over"

# COMMAND does not get the descriptor.
expect 0 "$record" --control=fd:7 -o rec -- sh -c 'if [ -e /proc/self/fd/7 ]; then exit 4; fi' 7<ctl
expect 2 "$record" --start-paused -- touch started
one_line 'nothing would ever take samples'
expect 2 "$record" --delay=-1 -- touch started
expect 2 "$record" --delay=soon -- touch started
one_line "'soon': expected milliseconds"
for wrong in fifo:none fd:77 fd:x /dev/null fd: ''; do
	expect 2 "$record" "--control=$wrong" -- touch started
	one_line "--control"
	[ ! -e started ] || fail "COMMAND was started with --control=$wrong"
done
pass "what cannot be opened is wrong usage"
