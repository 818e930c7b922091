#!/bin/sh
# Debug information damaged anywhere: no crash, and nothing that takes long. DDPROF_SEED: other damage.
. "$(dirname "$0")/lib.sh"
need_report
test -x "$build/tests/check/mutate" || skip "tests/check/mutate is not built"

target frames -gdwarf-5
mv frames frames-5
target frames -gdwarf-4 -Wl,--compress-debug-sections=zlib
mv frames frames-4
"$build/tests/check/mutate" 1500 "$tmp/frames-5" "$tmp/frames-4" >"$tmp/said" || fail "$(cat "$tmp/said")"
pass "3 000 damaged copies of debug information are answered or refused"
