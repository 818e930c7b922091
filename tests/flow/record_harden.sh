#!/bin/sh
# What the recorder can still do once it records: /proc tells of rights, a trace of system calls.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/record.sh"
. "$targets/truth.sh"
need_perf
compile split.c split

# field NAME PID: of /proc/PID/status
field() {
	sed -n "s/^$1:[[:space:]]*//p" "/proc/$2/status"
}

# process NAME: the recorder's child of that name
process() {
	for child in $(children "$pid"); do
		test "$(cat "/proc/$child/comm")" != "$1" || echo "$child"
	done
}

filtered() {
	test "$(field Seccomp "$1")" = 2
}

"$record" -o rec -- ./split 20000 >out 2>err &
pid=$!
background $pid
running() { test -n "$(process split)"; }
wait_for 10 running
command=$(process split)
background "$command"
inspector=$(process ddprof-record)
DDPROF_DEBUG=harden "$record" -l debug -o probe -- true 2>log || fail "$(cat log)"
seccomp=$(sed -n 's/.*harden: recorder:.*seccomp=//p' log)
landlock=$(sed -n 's/.*harden: recorder:.*landlock=\([0-9]*\) .*/\1/p' log)

for who in "$pid" "$inspector"; do
	[ "$seccomp" = 0 ] || wait_for 5 filtered "$who"
	[ "$(field NoNewPrivs "$who")" = 1 ] || fail "new privileges of $who: $(field NoNewPrivs "$who")"
done
for task in /proc/"$pid"/task/*; do
	id=${task##*/}
	case $(field CapEff "$pid/task/$id"),$(field CapPrm "$pid/task/$id") in
	# KILL at most, and SYS_NICE where RLIMIT_RTPRIO may not be raised
	00000000008000[02]0,00000000008000[02]0 | 00000000000000[02]0,00000000000000[02]0) ;;
	*) fail "capabilities of thread $id: $(grep Cap "$task/status")" ;;
	esac
	[ "$seccomp" = 0 ] || [ "$(field Seccomp "$pid/task/$id")" = 2 ] || fail "thread $id has no filter"
done
# SYS_PTRACE, DAC_READ_SEARCH, SYSLOG, CHECKPOINT_RESTORE at most
left=$(printf '%d' $((0x$(field CapEff "$inspector") & ~0x10400080004)))
[ "$left" = 0 ] || fail "capabilities of the inspector: $(field CapEff "$inspector")"
[ "$(field NoNewPrivs "$command")" = "$(field NoNewPrivs $$)" ] || fail "COMMAND may gain no privileges"
[ "$(field CapEff "$command")" = "$(field CapEff $$)" ] || fail "COMMAND lost capabilities"
[ "$(field Seccomp "$command")" = "$(field Seccomp $$)" ] || fail "COMMAND got a filter"
pass "rights are given up by recorder and inspector, and COMMAND keeps its own"
kill "$command"
wait $pid || :

command -v strace >/dev/null || skip "strace is not installed"
[ "$seccomp" = 1 ] || skip "no filter in this build or kernel"

# calls TRACE PID: those after the process's filter was set
calls() {
	awk -v pid="$2" '
		$1 != pid { next }
		/ seccomp\(/ || /<\.\.\. seccomp resumed/ { on = 1; next }
		on && $2 !~ /^(\+\+\+|---)/ {
			call = $2 == "<..." ? $3 : $2
			sub(/\(.*/, "", call)
			print call
		}' "$1" | LC_ALL=C sort -u
}

# only TRACE PID LIST...: nothing but what these lists have
only() {
	trace=$1 who=$2
	shift 2
	for list; do
		sed -n "s/^$list //p" "$src/tests/flow/calls-after-start.txt"
	done | LC_ALL=C sort -u >allowed
	calls "$trace" "$who" >called
	[ -s called ] || fail "the trace shows no call of $who after its filter"
	extra=$(LC_ALL=C comm -23 called allowed | tr '\n' ' ')
	[ -z "$extra" ] || fail "$*: calls that are not in the list: $extra"
}

# trace LOG COMMAND...: $recorder and $inspector are its pids, those that set a filter
trace() {
	log=$1
	shift
	strace -f -o "$log" "$@" >out 2>err || fail "traced: $(cat err)"
	recorder=$(sed -n '1s/ .*//p' "$log")
	inspector=$(sed -n 's/^\([0-9]*\) *seccomp(.*/\1/p' "$log" | grep -vx "$recorder" | head -n 1)
}

trace plain "$record" -F 199 -o rec -- sh -c 'i=0
	while [ $i -lt 60 ]; do /bin/true; i=$((i + 1)); done; ./split 600'
only plain "$recorder" recorder
only plain "$inspector" inspector
! grep -E 'EPERM' plain | grep -vqE 'perf_event_open|mmap|sched_setattr|prlimit64' ||
	fail "a call is refused: $(grep EPERM plain | head -n 3)"
pass "a recording asks for no file, memory or process after the start"

trace segments "$record" -F 999 --rotate 64K:3 -o seg -- ./split 1500
only segments "$recorder" recorder segments
[ "$(ls seg.0* | wc -l)" = 3 ] || fail "not three segments: $(ls)"
awk -v pid="$recorder" '$1 == pid && / seccomp\(/ { on = 1 } on && $1 == pid && /openat\(/' segments >opens
! grep -v 'openat([0-9]*, "seg' opens || fail "files beside the segments are opened"
pass "segments are made in the output's directory alone"

[ "$landlock" -gt 0 ] || skip "this kernel has no Landlock"
pass "Landlock $landlock"
