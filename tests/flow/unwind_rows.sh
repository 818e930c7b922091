#!/bin/sh
# Compiled rows and the interpreter say what elfutils says, for every row of what programs here run on.
. "$(dirname "$0")/lib.sh"
test -x "$build/tests/check/rows" || skip "libdw was not there when this tree was configured"

files="$record $report"
for file in /lib/*/libc.so.6 /lib/*/ld-linux-*.so.* /lib64/ld-linux-*.so.* /usr/lib/*/libzstd.so.1 \
	    /usr/lib/*/libstdc++.so.6 /usr/lib/*/libcrypto.so.3 /bin/bash; do
	test ! -e "$file" || files="$files $(readlink -f "$file")"
done
"$build/tests/check/rows" $files >out 2>&1 || { cat out; fail "rows differ"; }
tail -n 2 out
grep -q '^0 differences' out || fail "what rows says is not understood"
pass "no row differs"
