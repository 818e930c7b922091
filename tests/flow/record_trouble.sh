#!/bin/sh
# What contradicts, is unknown or is not there: one line each. COMMAND does not start when its
# options are wrong, and starts when only profiling fails.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/record.sh"
need_perf

# wrong TEXT OPTIONS...: status 2, one line that says it, COMMAND is not started
wrong() {
	text=$1
	shift
	expect 2 "$record" -o rec "$@" sh -c 'echo ran'
	one_line "error: .*$text"
	[ ! -s out ] || fail "COMMAND ran: $*"
}
wrong 'Duplicate event found in input: sCPU' -e 'sCPU;sCPU'
wrong 'Duplicate event found in input: sPF' -e sPF -e sPF
wrong 'Invalid event/tracepoint \(nonsense\)' -e nonsense
wrong 'Unknown preset \(x\)' --preset x
wrong 'COMMAND, -p and -a exclude each other' -p $$
wrong 'COMMAND, -p and -a exclude each other' -a
wrong '-g is --global here' -g
wrong "unknown option '--frequncy', nearest is --frequency" --frequncy=9
wrong "unknown option '--api-kye', nearest is --api-key" --api-kye=secret
wrong "option --inherit: 'perhaps': expected yes or no" --inherit=perhaps
wrong "option --nice: '20': expected -20 to 19" --nice=20
wrong "option --realtime: '100': expected 1 to 99, auto or no" --realtime=100
wrong '--nice and --realtime exclude each other' --nice=3 -r 2
wrong "option --log-level: unknown level 'loud'" -l loud
wrong "option --stack-sample-size: '9'.*multiple of 8" --stack_sample_size=9
wrong '--rotate and --last exclude each other' --last 60s --rotate 64M
wrong '--trigger-cpu needs --last' --trigger-cpu 50
expect 2 "$record" -o - --rotate 1M sh -c 'echo ran'
one_line 'several files'
expect 2 "$record" -p $$ --switch-user=nobody
one_line -- '--switch-user is for a COMMAND'
expect 2 "$record" -a -p $$
one_line 'exclude each other'
expect 2 "$record"
one_line 'nothing to record: give a COMMAND, -p PID or -a'
pass "wrong options are 2 and one line, and COMMAND is not started"

# ---- processes ----
if grep -q '^Kthread:[[:space:]]*1' /proc/2/status 2>/dev/null || [ "$(cat /proc/2/comm 2>/dev/null)" = kthreadd ]; then
	expect 2 "$record" -o rec -p 2
	one_line 'process 2 \(kthreadd\) is a kernel thread: it has no user code; record it with -a'
	expect 2 "$record" -o rec -p $$,2
	one_line 'kernel thread'
	pass "a kernel thread is named as one"
fi
sh -c : &
gone=$!
wait $gone
expect 125 "$record" -o rec -p $gone
one_line "process $gone: No such process"
for try in 1 2 3 4 5; do
	sleep 0.0$try &
	rc=0
	timeout 20 "$record" -o rec -p $! >out 2>err || rc=$?
	case $rc in
	0|125) [ "$(wc -l <err)" -eq 1 ] || fail "not one line for a process that ends at once: $(cat err)" ;;
	*) fail "a process that ends at once: status $rc: $(cat err)" ;;
	esac
done
pass "a process that is gone, or ends at once, is one line"

# ---- a tracepoint without tracefs ----
if [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null; then
	cat >blind <<-'END'
	#!/bin/sh
	for dir in /sys/kernel/tracing /sys/kernel/debug; do
		umount -l $dir 2>/dev/null
		test ! -d $dir || mount -t tmpfs none $dir
	done
	exec "$@"
	END
	chmod 755 blind
	expect 5 unshare -m ./blind "$record" -o rec -e sched:sched_switch sh -c 'echo ran; exit 5'
	if grep -q 'tracepoint sched:sched_switch: ' err; then
		one_line 'error: tracepoint sched:sched_switch: .*; COMMAND runs without being recorded'
		grep -q ran out || fail "COMMAND did not run"
		expect 125 unshare -m ./blind "$record" -o rec -e sched:sched_switch -a
		one_line 'error: tracepoint sched:sched_switch'
		expect 5 unshare -m ./blind "$record" -o rec -e 'sCPU;sched:sched_switch' sh -c 'exit 5'
		grep -q 'warning: tracepoint sched:sched_switch: .*; left out' err || fail "not said: $(cat err)"
		grep -q 'samples in' err || fail "nothing was recorded: $(cat err)"
		pass "a tracepoint without tracefs is said, and COMMAND runs"
	fi
fi
if [ -r /sys/kernel/tracing/events ]; then
	wrong 'Invalid event/tracepoint \(sched:no_such\)' -e sched:no_such
	pass "a tracepoint that does not exist is wrong usage"
fi
