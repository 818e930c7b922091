#!/bin/sh
# Signals to the recorder end COMMAND and leave a complete file.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/record.sh"
. "$targets/truth.sh"
need_report
need_perf
compile split.c split

# The recorder alone gets the signal (a background process of a script would ignore SIGINT).
for signal in INT TERM HUP; do
	rm -f rec rec.old
	rc=0
	timeout --foreground --preserve-status -s $signal 1.5 "$record" -F 999 -o rec -- ./split 60000 >out 2>err || rc=$?
	[ $rc -gt 128 ] || fail "SIG$signal: status is $rc"
	"$report" info --json rec | grep -q '"ended":true' || fail "SIG$signal: the file is not complete"
	[ "$(value stored rec)" -gt 20 ] || fail "SIG$signal: $(value stored rec) samples"
	grep -q 'samples in .* \(none lost\|lost [0-9]\)' err || fail "SIG$signal: no last line: $(cat err)"
done
pass "SIGINT, SIGTERM and SIGHUP end COMMAND and the file is complete"

# terminated SCRIPT: sends SIGTERM to the recorder alone once COMMAND is ready for it; its status is in rc
terminated() {
	rm -f ready
	"$record" -F 999 -o rec -- sh "$1" >out 2>err &
	pid=$!
	background $pid
	wait_for 20 test -e ready
	kill -TERM $pid
	rc=0
	wait $pid || rc=$?
}

cat >handles <<'END'
trap 'echo caught; exit 5' TERM
: >ready
i=0
while :; do i=$((i+1)); done
END
terminated handles
[ $rc -eq 5 ] || fail "COMMAND handled SIGTERM and ended with 5, we with $rc"
[ "$(grep -c caught out)" -eq 1 ] || fail "COMMAND was terminated more than once: $(cat out)"
pass "COMMAND that handles a signal keeps its status"

cat >deaf <<'END'
trap '' TERM
: >ready
i=0
while [ $i -lt 400000 ]; do i=$((i+1)); done
exit 6
END
terminated deaf
[ $rc -eq 6 ] || fail "COMMAND ignores SIGTERM and ended with 6, we with $rc"
pass "COMMAND that ignores a signal is recorded to its end"

./split 60000 >/dev/null &
target=$!
background $target
rc=0
timeout --foreground --preserve-status -s INT 0.5 "$record" -F 999 -o rec -p $target 2>err || rc=$?
[ $rc -eq 0 ] || fail "-p ended by SIGINT has status $rc: $(cat err)"
kill -0 $target || fail "the process attached to is gone"
kill $target
pass "SIGINT ends -p with status 0 and leaves the process alone"

start=$(date +%s%N)
expect 0 "$record" --duration 0.5 -o rec -- sh -c 'sleep 1'
ms=$((($(date +%s%N) - start) / 1000000))
[ $ms -ge 1000 ] || fail "COMMAND was cut off after $ms ms"
"$report" info --json rec | grep -q '"ended":true' || fail "--duration: not complete"
pass "--duration ends the recording and not COMMAND"
