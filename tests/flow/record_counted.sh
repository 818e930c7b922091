#!/bin/sh
# CPU time that the kernel counted and did not sample is told; where all was sampled nothing is.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/record.sh"
need_perf
need_report

counted='nanoseconds of CPU counted by the kernel'

# each is over before its first sampling period is
cat >loop.sh <<'END'
i=0
while [ $i -lt 500 ]; do /bin/true; i=$((i + 1)); done
END
expect 0 "$record" -o short sh loop.sh
"$report" short >shown
grep -q '^sCPU: samples stand for 0\.[0-9]* s of .*: processes that end within a sampling period (10.1 ms)' shown ||
	fail "short processes are not told: $(cat shown)"
pass "processes too short for a sample: $(tail -n 1 shown)"

"$CC" -O2 -o split "$targets/split.c"
expect 0 "$record" -o whole ./split 500
"$report" whole >shown
! grep 'samples stand for' shown || fail "all was sampled: $(cat shown)"
"$report" info whole >info
grep -q "^ *[4-9][0-9]\{8\}  $counted\$" info || fail "500 ms are not counted: $(cat info)"
"$report" --comm=nobody whole >shown 2>&1 || true
! grep 'samples stand for' shown || fail "of a part: $(cat shown)"
pass "what was sampled needs no words"

command -v setpriv >/dev/null 2>&1 && [ "$(id -u)" -eq 0 ] || skip "no way to be somebody without rights"
chmod 777 .
if [ "$(cat /proc/sys/kernel/perf_event_paranoid)" -lt 2 ]; then
	skip "everybody may sample the kernel here"
fi
setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all --inh-caps=-all \
	"$record" -o kernel dd if=/dev/zero of=/dev/null bs=1 count=1000000 2>err || fail "dd: $(cat err)"
"$report" kernel | grep -q 'samples stand for .*: time in the kernel is not sampled without the right to' ||
	fail "time in the kernel is not told: $("$report" kernel)"
pass "time in the kernel that may not be sampled is told"
