#!/bin/sh
# Where sampling is not allowed COMMAND runs all the same, and one line says why and what would help;
# where less is allowed, less is recorded and the recording says what was given up.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/record.sh"
. "$targets/truth.sh"
compile deny.c deny

expect 7 ./deny 13 "$record" -o rec -- sh -c 'echo ran; exit 7'
grep -q ran out || fail "COMMAND did not run"
one_line 'perf_event_paranoid is -?[0-9]+.*CAP_PERFMON.*COMMAND runs without being recorded'
[ ! -e rec ] || fail "an empty recording was made"
expect 7 ./deny 38 "$record" -o rec -- sh -c 'exit 7'
one_line 'no perf_event_open'
expect 7 ./deny kill "$record" -o rec -- sh -c 'exit 7'
one_line 'signal 31 \(seccomp\)'
expect 125 ./deny 13 "$record" -o rec -a
pass "EACCES, ENOSYS and a killing filter: COMMAND runs, one line"

need_report
need_root
need_perf
need setpriv
compile split.c split
chmod 777 .
nobody='setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs'

# shellcheck disable=SC2086 # words
expect 0 $nobody "$record" -v -F 999 -o mine -- ./split 1000
[ "$(value stored mine)" -gt 800 ] || fail "an ordinary user: $(value stored mine) samples: $(cat err)"
"$report" info --json mine | grep -q '"kernel_frames":"no"' || fail "kernel frames for an ordinary user"
"$report" info --json mine | grep -q '"fallbacks":"kernel frames' || fail "the recording does not say what was given up"
"$report" --folded mine 2>/dev/null | grep -q 'main;heavy_work' || fail "no stacks"
pass "an ordinary user records his own program, and what was given up is said"

# hardly any locked memory: small rings
# shellcheck disable=SC2086
(
	ulimit -l 0
	expect 0 $nobody "$record" -v -F 199 -o small -- ./split 1000
)
"$report" info --json small | grep -qE '"fallbacks":"[^"]*rings of [0-9]+ KiB instead' ||
	fail "small rings are not told: $("$report" info --json small | sed -n 2p)"
[ "$(value stored small)" -gt 150 ] || fail "small rings: $(value stored small) samples"
pass "small rings where memory may not be locked"

# shellcheck disable=SC2086
expect 125 $nobody "$record" -o all -a
one_line 'perf_event_paranoid'
pass "an ordinary user cannot record the system, and is told what would allow it"
