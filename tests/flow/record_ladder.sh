#!/bin/sh
# What is given up where less than all is allowed: each step by itself, COMMAND's output and status
# untouched, what was given up in the recording. Hundredfold and timed: tests/check/ladder.sh.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/record.sh"
. "$targets/truth.sh"
need_report
need_root
need_perf
need setpriv
compile split.c split
compile threads.c threads
chmod 777 .
# locked memory and processes are counted by user: one that no other test is
uid=$((50000 + $$ % 10000))
nobody="setpriv --reuid=$uid --regid=65534 --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs"

# shellcheck disable=SC2086 # words: all of $nobody below

# given_up FILE PATTERN: the recording says it
given_up() {
	"$report" info --json "$1" >info 2>/dev/null
	grep -qE "\"fallbacks\":\"[^\"]*$2" info ||
		fail "not told: $2: $(grep -o '"fallbacks":"[^"]*"' info)"
}

# percent FUNCTION FILE: percent of the samples that have it in their stack
percent() {
	"$report" --folded "$2" 2>/dev/null | awk -v f="$1" '
		{ n += $NF } index($0, f) { hit += $NF } END { print n ? 100 * hit / n : 0 }'
}

# ---- an ordinary user: own program, own process ----
expect 0 $nobody "$record" -v -F 999 -o mine -- ./split 1000
[ "$(value stored mine)" -gt 800 ] || fail "an ordinary user: $(value stored mine) samples: $(cat err)"
"$report" info --json mine | grep -q '"kernel_frames":"no"' || fail "kernel frames for an ordinary user"
given_up mine 'kernel frames'
grep -q 'user code only: .*perf_event_paranoid' err || fail "-v says not what would allow the kernel"
awk -v got="$(percent _work mine)" 'BEGIN { exit got < 99 }' || fail "$(percent _work mine) % in the right functions"
expect 7 $nobody "$record" -o status -- sh -c './split 50 >/dev/null; exit 7'
[ ! -s err ] || [ "$(wc -l <err)" -eq 1 ] || fail "more than a line: $(cat err)"
$nobody ./split 60000 >/dev/null &
background $!
expect 0 $nobody "$record" -F 999 --duration 1 -o pid -p $!
awk -v got="$(percent _work pid)" 'BEGIN { exit got < 99 }' || fail "attached: $(percent _work pid) %"
pass "an ordinary user records his own program and process; what was given up is said"

# ---- the whole system is refused: own processes ----
if [ "$(cat /proc/sys/kernel/perf_event_paranoid)" -gt 0 ]; then
	expect 0 $nobody "$record" -F 199 --duration 1 -o all -a
	grep -q '^ddprof-record: warning: Error calling perfopen on watcher 0\.0 .*whole system.*recording the [0-9]* processes of user '"$uid" err ||
		fail "$(cat err)"
	given_up all 'the whole system \(own processes only\)'
	[ "$(percent _work all)" != 0 ] || fail "the user's own process is not in it"
	pass "of a refused whole system the user's own processes are recorded"
fi

# ---- hardly any locked memory ----
(
	ulimit -l 0
	expect 0 $nobody "$record" -F 199 -o small -- ./split 1000
)
given_up small 'rings of [0-9]+ KiB instead'
[ "$(value stored small)" -gt 150 ] || fail "small rings: $(value stored small) samples"
pass "small rings where memory may not be locked"

# ---- none left: others of the same user have it ----
(
	ulimit -l 64
	pids=
	for i in 1 2 3 4 5 6; do
		$nobody sh -c "'$record' -F 199 -o many$i -- sh -c '>up$i; while [ ! -e stop ]; do ./split 50 >/dev/null; done; exit 7'" 2>many$i.err &
		pids="$pids $!"
		wait_for 20 test -e up$i
	done
	: >stop
	for pid in $pids; do
		rc=0
		wait "$pid" || rc=$?
		[ $rc -eq 7 ] || fail "one of many ended with $rc"
	done
)
for i in 1 2 3 4 5 6; do
	[ -s many$i ] || grep -q 'COMMAND runs without being recorded' many$i.err ||
		fail "recorder $i: no recording and no word: $(cat many$i.err)"
done
grep -q 'other profilers of this user have the locked memory' many6.err ||
	fail "the last of many says not why: $(cat many6.err)"
given_up many6 'rings of (8|16) KiB instead'
pass "recorders of one user share what there is; each records or says why not"

# ---- of what is left: rings of a few pages for all, then the first thread alone ----
compile lockhog.c lockhog
# limited KIB: COMMAND's work is done by what it starts
limited() {
	(ulimit -l "$1" && exec $nobody ./lockhog "$record" -F 99 -o "limit$1" -- sh -c './split 600 >/dev/null; exit 7') >out 2>err
}
rc=0
limited 64 || rc=$?
[ $rc -eq 7 ] || fail "64 KiB: status $rc: $(cat err)"
if [ "$(nproc)" -le 4 ]; then # at least 12 KiB a CPU
	given_up limit64 'rings of (8|16) KiB instead'
	[ "$(value stored limit64)" -gt 10 ] || fail "tiny rings: $(value stored limit64) samples: $(cat err)"
fi
rc=0
limited 16 || rc=$?
[ $rc -eq 7 ] || fail "16 KiB: status $rc: $(cat err)"
if [ "$(nproc)" -gt 1 ]; then
	given_up limit16 'the first thread only, no other threads or processes'
	grep -q 'only the first thread is recorded: other threads, and processes that it starts, are not in this' err ||
		fail "$(cat err)"
	"$report" show limit16 >out 2>err || fail "$(cat err)"
	grep -q 'limit16. has the first thread only: other threads, and processes that it started, are not in it' err ||
		fail "show: $(cat err)"
fi
pass "rings of a few pages before children are given up"

# ---- few descriptors: COMMAND's output and status stay ----
for n in 4 5 6 7 8 9 10 12 14 16 32 64; do
	for _ in 1 2 3; do
		rc=0
		# shellcheck disable=SC3045 # dash and bash have it
		(ulimit -n $n && exec "$record" -v -e sCPU -e sPF -e sCS -o few$n -- ./threads 10) >out 2>err || rc=$?
		[ $rc -eq 0 ] || fail "$n files: status $rc: $(cat err)"
		grep -q . out || fail "$n files: COMMAND printed nothing"
		[ -s few$n ] || grep -q 'open files: .*; COMMAND runs without\|Too many open files; COMMAND runs without' err ||
			fail "$n files: no recording and no word: $(cat err)"
	done
done
given_up few16 '\(open files\)'
[ "$(value stored few16)" -gt 0 ] || fail "16 files: nothing recorded"
pass "few descriptors: fewer events, one thread or none; COMMAND as ever"

# ---- few processes: then COMMAND takes the recorder's place ----
if command -v prlimit >/dev/null 2>&1; then
	for n in 1 2 3 4 5 6 8; do
		# shellcheck disable=SC2086
		expect 0 prlimit --nproc=$n $nobody "$record" -o nproc$n -- ./split 20
		grep -q heavy_work out || fail "$n processes: COMMAND printed: $(cat out)"
		[ -s nproc$n ] || grep -q 'COMMAND runs without being recorded' err ||
			fail "$n processes: no recording and no word: $(cat err)"
	done
	pass "few processes: COMMAND runs, recorded or not"
fi
