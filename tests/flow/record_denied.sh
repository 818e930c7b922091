#!/bin/sh
# Where sampling is not allowed COMMAND runs all the same, and one line says which gate it was and
# what would open it: the words of the model's troubleshooting stand at its start. What may still be
# recorded then is record_ladder.sh's.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/record.sh"
. "$targets/truth.sh"
compile deny.c deny

# refused CODE WORDS VALUE: COMMAND's output and status are as without us
refused() {
	expect 7 ./deny "$1" "$record" -o rec -- sh -c 'echo ran; exit 7'
	[ "$(cat out)" = ran ] || fail "$1: COMMAND said: $(cat out)"
	one_line "^ddprof-record: error: Error calling perfopen on watcher 0\.0 \($2\): .*seccomp: filter, $3\): .*; COMMAND runs without being recorded$"
	[ ! -e rec ] || fail "$1: an empty recording was made"
}

for _ in 1 2 3; do
	refused 1 'Operation not permitted' 'answers EPERM'
	refused 13 'Permission denied' 'answers EACCES'
	refused 38 'Function not implemented' 'answers ENOSYS'
	refused kill 'Operation not permitted' 'kills with signal 31'
done
refused silent 'Operation not permitted' 'no answer'
# the child that opens files waits for ever: it is replaced, and its file is written off
expect 7 ./deny silent:openat2 "$record" -v -o rec -- sh -c 'i=0; while [ $i -lt 200000 ]; do i=$((i + 1)); done; exit 7'
grep -q 'samples in' err || fail "no recording: $(cat err)"
rm -f rec
expect 125 ./deny 13 "$record" -o rec -a
one_line 'Error calling perfopen on watcher'
pass "EPERM, EACCES, ENOSYS, a killing filter, one that never answers: COMMAND runs, one line names it"

# remedies are those of the place
grep -qE -- '--security-opt|securityContext|SystemCallFilter|whose filter' err || fail "no remedy: $(cat err)"
KUBERNETES_SERVICE_HOST=10.0.0.1 ./deny 1 "$record" -o rec -- true 2>err
one_line 'securityContext: \{(capabilities: \{add: \[|seccompProfile: \{type: Localhost)'
pass "the remedy is in the words of the place"

need_root
need_perf
need setpriv
chmod 777 .
nobody='setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs'

# shellcheck disable=SC2086 # words
if [ "$(cat /proc/sys/kernel/perf_event_paranoid)" -gt 0 ]; then
	sleep 60 &
	background $!
	expect 125 $nobody "$record" -o rec -p $!
	one_line "of task $!: .*another user's process"
	pass "another user's process is refused with the gate's name"
fi

# as root of a namespace: its capabilities do not count
need unshare
if unshare -Ur true 2>/dev/null && [ "$(cat /proc/sys/kernel/perf_event_paranoid)" -gt 0 ]; then
	expect 0 unshare -Ur "$record" -v -o rec -- true
	grep -q 'user code only: capabilities of a user namespace do not count' err || fail "$(cat err)"
	pass "capabilities of a user namespace are named when they do not count"
fi
