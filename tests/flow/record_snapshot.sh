#!/bin/sh
# deadline: 300
# Snapshots of the flight recorder when something is in their way: a full disk, a failing one, a recorder
# that stood still, a target that dies or becomes another program, who asks and whom.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/record.sh"
need_report
need_perf
need python3
target split
target slowsync -shared -fPIC
printf '#!/bin/sh\nfor i in $(seq $1); do ./split 20; sleep 0.2; done >/dev/null\n' >now_and_then
chmod 755 now_and_then

# kernel_chunks FILE: how many chunks of kernel symbols it has
kernel_chunks() {
	python3 - "$1" <<'END'
import sys, struct
data = open(sys.argv[1], 'rb').read()
marker, at, n = data[64:80], 64, 0
while at + 96 <= len(data):
    assert data[at:at + 16] == marker, at
    kind, flags, raw, stored = struct.unpack_from('<HHII', data, at + 16)
    n += kind == 5
    at += 96 + stored
print(n)
END
}
# whole FILE: it ended in order, and what it counts is in it
whole() {
	"$report" info --json "$1" >json 2>err || fail "$1: $(cat err)"
	grep -q '"ended":true' json || fail "$1 has no end"
	[ "$(value stored "$1")" = "$(value read "$1")" ] || fail "$1: counters do not fit: $(cat json)"
	[ "$(value stored "$1")" -gt 0 ] || fail "$1 is empty"
}

"$record" -F 1999 --last=10s -o many -- sh -c 'for i in 1 2 3 4; do
	ls -lR /usr/share >/dev/null 2>&1; dd if=/dev/zero of=x bs=4k count=$((i * 500)) 2>/dev/null
	sync x; rm x; sleep 0.4; done' >out 2>log &
pid=$!
background $pid
sleep 1
expect 0 "$record" snapshot $pid $pid
wait $pid
whole many.000001
whole many
[ "$(kernel_chunks many)" -le 1 ] || fail "kernel symbols are in $(kernel_chunks many) pieces"
"$report" --folded many 2>/dev/null >folded
! grep -q '\[kernel\.unknown\]' folded || fail "kernel code without names"
pass "kernel symbols of a long run are one chunk; asked twice at once, at least one file"

# A disk that is full for a while; the recorder stood still before.
if [ "$(id -u)" = 0 ] && mkdir disk && mount -t tmpfs -o size=1m,mode=777 none disk 2>/dev/null; then
	trap 'umount -l "$tmp/disk" 2>/dev/null || :; at_end' EXIT
	"$record" -F 1999 --last=30s -o disk/rec -- ./now_and_then 40 >out 2>log &
	pid=$!
	background $pid
	sleep 1
	dd if=/dev/zero of=disk/ballast bs=4k 2>/dev/null || :
	kill -STOP $pid
	expect 0 "$record" snapshot $pid
	sleep 1
	kill -CONT $pid
	wait_for 10 grep -q 'could not be finished: No space left on device; it is written again' log
	sleep 1
	[ "$(grep -c 'No space left' log)" = 1 ] || fail "said more than once: $(cat log)"
	rm disk/ballast
	before=$(date +%s%N)
	wait_for 10 sh -c 'ls disk/rec.[0-9]* | grep -v part'
	ms=$((($(date +%s%N) - before) / 1000000))
	file=$(ls disk/rec.[0-9]*)
	whole "$file"
	[ $ms -lt 4000 ] || fail "written $ms ms after there was room"
	wait $pid || fail "recorder: $(cat log)"
	whole disk/rec
	pass "a full disk is told once; written $ms ms after there was room"

	# full at the end, free a second later
	rm -f disk/*
	"$record" -F 1999 --last=30s -o disk/end -- ./now_and_then 4 >out 2>log &
	pid=$!
	background $pid
	sleep 0.5
	dd if=/dev/zero of=disk/ballast bs=4k 2>/dev/null || :
	while kill -0 $pid 2>/dev/null && [ ! -e disk/end ]; do sleep 0.02; done
	sleep 0.6
	rm disk/ballast
	wait $pid || fail "recorder: $(cat log)"
	whole disk/end
	pass "a disk that is full at the end has two seconds to get room"
fi

FSYNC_FAIL=1 LD_PRELOAD="$tmp/slowsync" "$record" -F 999 --last=30s -o bad -- ./now_and_then 20 >out 2>log &
pid=$!
background $pid
sleep 1
expect 0 "$record" snapshot $pid
if wait_for 10 grep -q "'bad.000001.part' could not be finished: Input/output error; it is written again" log; then
	wait_for 10 test -s bad.000002
	whole bad.000002
	[ ! -e bad.000001.part ] || fail "the part is left: $(ls)"
	wait $pid
	pass "a snapshot that the disk refused is written again under the next name"
fi

# exec of another program, death by a signal
rc=0
"$record" -F 999 --last=30s -o exec -- sh -c './split 200; exec ./split 300' >out 2>log || rc=$?
[ $rc = 0 ] || fail "status $rc: $(cat log)"
whole exec
rc=0
"$record" -F 999 --last=30s -o killed -- sh -c './split 300; kill -KILL $$' >out 2>log || rc=$?
[ $rc = 137 ] || fail "status $rc: $(cat log)"
whole killed
pass "a target that becomes another program, and one that is killed"

# By the kernel, for want of memory.
group=/sys/fs/cgroup/ddprof-oom-$$
[ -d /sys/fs/cgroup/memory ] && group=/sys/fs/cgroup/memory/ddprof-oom-$$
if [ "$(id -u)" = 0 ] && mkdir "$group" 2>/dev/null; then
	trap 'umount -l "$tmp/disk" 2>/dev/null || :; rmdir "$group" 2>/dev/null; at_end' EXIT
	limit=$group/memory.max
	[ -e "$limit" ] || limit=$group/memory.limit_in_bytes
	if echo 64M >"$limit" 2>/dev/null; then
		echo 0 >"$group/memory.swap.max" 2>/dev/null || :
		rc=0
		"$record" -F 999 --last=30s -o oom -- python3 -c "
open('$group/cgroup.procs', 'w').write('0')
a = []
while True: a.append(bytearray(b'x') * (1 << 20))" >out 2>log || rc=$?
		[ $rc = 137 ] || fail "not killed for want of memory: $rc: $(cat log)"
		whole oom
		pass "a target that the kernel kills for want of memory"
	fi
fi

# who asks, and whom
"$record" -F 99 -o plain -- sleep 30 >out 2>log &
pid=$!
background $pid
wait_for 10 test -s plain
expect 1 "$record" snapshot $pid
one_line "process $pid records without --last and --rotate"
kill -0 $pid || fail "the recorder was ended"
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	"$record" -F 99 --last=30s -o last -- sleep 30 >out2 2>log2 &
	keeper=$!
	background $keeper
	wait_for 10 sh -c "grep -q SigBlk:.8 /proc/$keeper/status"
	cp "$record" ./asks
	chmod 755 . asks
	expect 1 setpriv --reuid=65534 --regid=65534 --clear-groups ./asks snapshot $keeper
	one_line "process $keeper belongs to another user"
	[ ! -e last.000001 ] || fail "written for a stranger"
	kill -INT $keeper
fi
pass "only a recorder that keeps something is asked, and only by its user"
