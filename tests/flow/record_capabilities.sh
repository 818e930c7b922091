#!/bin/sh
# A user with one capability alone: what it allows works, what is missing is said with what would allow it.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/record.sh"
. "$targets/truth.sh"
need_report
need_perf
need_root
need setpriv
compile split.c split
chmod 777 .
env -i setpriv --ambient-caps=-all true 2>/dev/null || skip "setpriv knows no ambient capabilities"

# with CAPABILITIES COMMAND...: as nobody, with these alone ("": none)
with() {
	sets=-all
	for name in $1; do
		sets="$sets,+$name"
	done
	shift
	setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps="$sets" --ambient-caps="$sets" "$@"
}

# named FILE: percent of its samples below heavy_work or light_work
named() {
	"$report" --folded "$1" 2>/dev/null |
		awk '{ all += $NF } /(heavy|light)_work/ { n += $NF } END { printf "%.0f", all ? n * 100 / all : 0 }'
}

./split 600000 >/dev/null &
others=$!
background $others

# its own program: never worse than with nothing
for caps in "" sys_ptrace perfmon ipc_lock sys_admin syslog "perfmon sys_ptrace syslog"; do
	rm -f rec*
	expect 0 with "$caps" "$record" -v -F 499 -o rec -- ./split 200
	[ "$(named rec)" -ge 85 ] || fail "'$caps': $(named rec) % of an own program has names: $(cat err)"
	case $caps in
	perfmon*|sys_admin) ! grep -q 'user code only' err || fail "'$caps': no kernel frames: $(cat err)" ;;
	ipc_lock) ! grep -q 'locked memory' err || fail "'$caps': small rings: $(cat err)" ;;
	esac
done
pass "an own program is recorded with any capability as with none, or better"

[ "$(cat /proc/sys/kernel/perf_event_paranoid)" -gt 0 ] || skip "perf_event_paranoid is below 1"
rm -f rec*
expect 125 with "" "$record" -F 499 -o rec -p $others --duration 0.5
one_line "another user's process .*(SYS_PTRACE|cap_sys_ptrace)"
expect 0 with sys_ptrace "$record" -F 499 -o rec -p $others --duration 0.5
[ "$(named rec)" -ge 85 ] || fail "CAP_SYS_PTRACE: $(named rec) % has names: $(cat err)"
rm -f rec*
expect 0 with perfmon "$record" -F 499 -o rec -p $others --duration 0.5
grep -q "the mappings of process $others cannot be read: .*CAP_SYS_PTRACE" err || fail "not told: $(cat err)"
"$report" --by=process rec 2>/dev/null | grep -q "$others split" || fail "the process has no name: $("$report" --by=process rec 2>&1)"
rm -f rec*
expect 0 with perfmon "$record" -F 99 -o rec -a --duration 0.3
grep -qE "the mappings of [0-9]+ processes of others cannot be read" err || fail "not told of -a: $(cat err)"
pass "another user's process: CAP_SYS_PTRACE gives samples and names, CAP_PERFMON samples alone, and says so"

[ "$(cat /proc/sys/kernel/kptr_restrict)" -le 1 ] || skip "kernel.kptr_restrict is 2"
for caps in perfmon "perfmon syslog"; do
	rm -f rec*
	expect 0 with "$caps" "$record" -F 999 -o rec -- dd if=/dev/zero of=/dev/null bs=1 count=300000 status=none
	"$report" --no-local-files --folded rec >"folded.${caps#perfmon}" 2>/dev/null
	with "$caps" "$record" doctor >"doctor.${caps#perfmon}" 2>/dev/null || :
done
grep -q do_syscall_64 "folded. syslog" || fail "CAP_SYSLOG: no names of the kernel's"
grep -qE 'kptr_restrict +ok' "doctor. syslog" || fail "$(grep kptr "doctor. syslog")"
if [ "$(cat /proc/sys/kernel/perf_event_paranoid)" -gt 1 ]; then
	! grep -q do_syscall_64 folded. || fail "the kernel's names without CAP_SYSLOG"
	grep -qE 'kptr_restrict +limited .*(SYSLOG|cap_syslog)' doctor. || fail "$(grep kptr doctor.)"
fi
pass "the kernel's functions have names with CAP_SYSLOG, and doctor says so"
