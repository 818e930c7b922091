#!/bin/sh
# deadline: 300
# Flight recorder: only the last seconds are kept, in memory that does not grow, and written when asked for.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/record.sh"
need_report
need_perf
target split

# in_info FILE: `info` of it into ./info
in_info() {
	"$report" info "$1" >info 2>err || fail "$1: $(cat err)"
	grep -q 'ended in order' info || fail "$1 has no end"
}
counter() {
	sed -n "s/^ *\([0-9]*\)  $1\$/\1/p" info
}

"$record" -F 999 --last=2s -o rec -- sh -c './split 9000; kill -SEGV $$' >out 2>log &
pid=$!
background $pid
sleep 4
[ ! -e rec ] && [ ! -e rec.000001 ] || fail "something was written: $(ls)"
expect 0 "$record" snapshot $pid
wait_for 5 test -s rec.000001
kill -USR2 $pid
wait_for 5 test -s rec.000002
rc=0
wait $pid || rc=$?
[ $rc = 139 ] || fail "COMMAND's status was not passed on: $rc"
[ ! -e rec.000003 ] || fail "too many files: $(ls)"
for file in rec.000001 rec.000002 rec; do
	in_info $file
	stored=$(counter "samples stored")
	[ "$stored" = "$(counter "samples read")" ] || fail "$file: counters do not fit: $(cat info)"
	over=$(sed -n 's/.* events over \([0-9.]*\) s$/\1/p' info)
	awk -v s="$over" 'BEGIN { exit !(s >= 1.4 && s <= 4.6) }' || fail "$file: $over s instead of 2 to 4"
	"$report" --folded $file 2>/dev/null >folded
	within "$(awk '{ all += $NF } /heavy_work/ { heavy += $NF } END { printf "%.0f", all ? heavy * 100 / all : 0 }' folded)" \
		70 12 "$file: heavy_work's share"
	[ "$(counter "objects embedded")" -ge 2 ] || fail "$file: no files in it: $(cat info)"
done
pass "snapshots on a signal, by the verb, and at the end when COMMAND dies"

# 2 s kept of 9: what comes and goes must not grow.
"$record" -F 4999 --last=1s -o flat -- ./split 9000 >out 2>log &
pid=$!
background $pid
rss() {
	sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' /proc/$pid/status
}
sleep 4
early=$(rss)
sleep 4
late=$(rss)
wait $pid
[ "$late" -le $((early + 1024)) ] || fail "memory grew from $early to $late KiB"
pass "memory stays: $early KiB after 4 s, $late KiB after 8 s"

# On a busy machine it may come to a halt in between, and then it is written again: what it used
# decides, which is told each second.
DDPROF_DEBUG=session "$record" -l debug --last=10s --trigger-cpu=5:1s -o busy -- sh -c 'sleep 2; ./split 4000; sleep 1' >out 2>log &
pid=$!
background $pid
sleep 1.5
[ ! -e busy.000001 ] || fail "triggered by a sleeping program"
wait_for 60 test -s busy.000001
wait $pid
halts=$(sed -n 's/.*kernel counts: source=0 .* count=//p' log |
	awk 'NR > 1 && $1 - last < 150000000 { n++ } { last = $1 } END { print n + 0 }')
[ "$(ls busy.0* | wc -l)" -le $((1 + halts)) ] || fail "triggered again although it never fell: $(ls)"
in_info busy.000001
pass "CPU use above the mark writes a snapshot, once"

if test "$(cat /proc/sys/kernel/perf_event_paranoid)" -le 2; then
	./split 8000 >/dev/null &
	long=$!
	background $long
	./split 500 >/dev/null &
	short=$!
	background $short
	"$record" --last=10s -o two -p $short,$long 2>log &
	pid=$!
	background $pid
	wait_for 60 test -s two.000001
	kill -INT $pid
	wait $pid || :
	in_info two.000001
	pass "one of several processes that ends writes a snapshot"
fi

sleep 30 &
sleeper=$!
background $sleeper
wait_for 10 grep -qx sleep "/proc/$sleeper/comm" # not the shell before its exec
expect 1 "$record" snapshot $sleeper
one_line "process $sleeper is 'sleep', not ddprof-record"
kill -0 $sleeper || fail "a stranger was ended"
expect 1 "$record" snapshot 999999999
expect 2 "$record" snapshot
expect 2 "$record" snapshot 1x
expect 2 "$record" --last=64K -- true
expect 2 "$record" --trigger-cpu=50 -- true
expect 2 "$record" --last=5s -o - -- true
echo text >text
expect 3 "$record" --last=5s -o text -- sh -c 'exit 3'
one_line "output 'text' exists and is not a recording of yours"
pass "only recorders are asked, and wrong values refused before COMMAND is started"
