#!/bin/sh
# Chains of recorded samples equal those that libdwfl walks on the same bytes: at least 99.9 %.
. "$(dirname "$0")/lib.sh"
need_perf
test -x "$build/tests/check/chains" || skip "libdw was not there when this tree was configured"

target frames -fomit-frame-pointer
target split
for name in frames split; do
	"$record" -F 499 -o $name.data -- ./$name 500 >out 2>&1 || { cat out; fail "recording $name"; }
	"$build/tests/check/chains" $name.data >out 2>&1 || { cat out; fail "chains of $name differ"; }
	tail -n 1 out
done
pass "chains are equal where both reach the root"
