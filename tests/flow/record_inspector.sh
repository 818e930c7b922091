#!/bin/sh
# The child that reads files hangs or dies: the recording goes on, and says what it has not got.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/record.sh"
. "$targets/truth.sh"
need_report
need_perf
compile split.c split

command_runs() {
	for child in $(children "$1"); do
		grep -qx sh "/proc/$child/comm" && return
	done
	return 1
}

for signal in STOP KILL; do
	rm -f rec rec.old
	# COMMAND waits, so that nothing is asked for before the inspector is dealt with
	"$record" -F 999 -o rec -- sh -c 'sleep 0.6; exec ./split 2500' >out 2>err &
	pid=$!
	background $pid
	wait_for 10 test -s rec
	wait_for 10 command_runs $pid # until then it bears our name
	inspector=
	for child in $(children $pid); do
		grep -qx ddprof-record "/proc/$child/comm" && inspector=$child
	done
	[ -n "$inspector" ] || fail "no inspector among $(children $pid)"
	kill -$signal "$inspector"
	rc=0
	wait $pid || rc=$?
	[ $rc -eq 0 ] || fail "SIG$signal: status $rc: $(cat err)"
	[ $(($(value stored rec) + $(value lost_kernel rec))) -gt 2200 ] || fail "SIG$signal: $(cat err)"
	"$report" --folded rec 2>report.log | grep -q 'main;heavy_work' || fail "SIG$signal: the program was not embedded"
	[ ! -e "/proc/$inspector" ] || fail "SIG$signal: the old inspector is still there"
	pass "SIG$signal of the inspector: another one takes over"
done

# a program that is replaced under the recorder is not taken for what ran
cp /bin/true fake
"$record" -F 999 -o rec3 -- sh -c 'cp split swap; ./swap 300 &
	until grep -qx swap /proc/$!/comm; do :; done # it runs before its file goes
	rm swap; cp fake swap; wait' >out 2>err
"$report" info --json rec3 >info
id=$(sed -n 's/.*"path":"[^"]*\/swap[^"]*","build_id":"\([0-9a-f]*\)".*/\1/p' info | head -n 1)
[ -n "$id" ] || fail "the replaced program is not in the recording: $(cat info)"
readelf -n fake 2>/dev/null | grep -q "$id" && fail "the file that replaced the program was taken for it"
pass "a file that was replaced is not taken for what ran"

# without a build-id and without the right to open mappings, the inode tells
[ "$(id -u)" = 0 ] || skip "the rest needs root"
need setpriv
compile split.c plain -Wl,--build-id=none
compile split.c successor -Dheavy_work=wrong_work -Wl,--build-id=none

# inspector_of PID [OTHER]: the recorder's child that reads, and not OTHER
inspector_of() {
	for child in $(children "$1"); do
		[ "$child" = "${2-}" ] || ! grep -qx ddprof-record "/proc/$child/comm" || echo "$child"
	done
}
another() { inspector=$(inspector_of $pid "$first") && [ -n "$inspector" ]; }
"$record" -a -F 4999 --nice=4 --cpu-affinity=1 --duration 4 -o rec5 >out 2>err &
pid=$!
background $pid
wait_for 10 test -s rec5
first=$(inspector_of $pid)
kill -KILL "$first"
wait_for 5 another
[ "$(ps -o ni= -p "$inspector" | tr -d ' ')" = 4 ] || fail "nice of a later inspector: $(ps -o ni= -p "$inspector")"
grep -q '^Cpus_allowed:.*0*1$' "/proc/$inspector/status" || fail "CPUs of a later inspector"
for i in 1 2 3 4 5 6 7 8; do # something to read
	cp split "split$i" && "./split$i" 20 >/dev/null
done
busy=$(awk '{ print $14 + $15 }' "/proc/$inspector/stat")
wait $pid || fail "-a: $(cat err)"
for own in $pid "$first" "$inspector"; do
	"$report" --folded --pid="$own" rec5 >folded 2>report.log || :
	[ ! -s folded ] || fail "-a has samples of our own process $own: $(head -n 2 folded)"
done
pass "an inspector made later is placed and left out like the first ($busy ticks of CPU time)"
"$record" -F 999 -o rec6 -- sh -c 'sleep 0.6; exec ./split 300' >out 2>err &
pid=$!
background $pid
wait_for 10 test -s rec6
wait_for 10 command_runs $pid
for child in $(children $pid); do
	! grep -q '^ddprof' "/proc/$child/comm" || kill -KILL "$child"
done
wait $pid || fail "without inspectors: $(cat err)"
grep -q 'no process reads files any more' err || fail "nobody says that files are not looked at: $(cat err)"
[ "$(value stored rec6)" -gt 0 ] || fail "no samples without inspectors"
pass "without whoever makes inspectors the recording goes on, and says so"

chmod 777 .
nobody='setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs'
for other in keep replace; do
	rm -f rec4 rec4.old
	cp plain swap
	cp successor other
	chmod 755 swap
	# shellcheck disable=SC2086 # words
	$nobody "$record" -F 999 -o rec4 -- sh -c 'sleep 0.1; ./swap 800 &
		until grep -qx swap /proc/$!/comm; do :; done
		[ '$other' = keep ] || { mv swap gone; mv other swap; }; wait' >out 2>err
	"$report" --folded rec4 >folded 2>report.log || fail "$(cat report.log)"
	named=$(grep -c 'heavy_work' folded || :)
	case $other in
	keep) [ "$named" -gt 0 ] || fail "a file without build-id is not embedded: $(cat err report.log)" ;;
	replace) ! grep wrong_work folded || fail "the successor's names were taken" ;;
	esac
done
pass "without a build-id the inode tells a file from its successor"
