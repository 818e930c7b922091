#!/bin/sh
# Two libraries that take turns at one address never get each other's samples.
. "$(dirname "$0")/lib.sh"
. "$targets/truth.sh"
need_report
need_perf

compile dlswap.c dlswap
compile plugin.c libswap_a.so -shared -fPIC -DNAME=swap_a_work
compile plugin.c libswap_b.so -shared -fPIC -DNAME=swap_b_work
profile "$tmp/dlswap" "$tmp/libswap_a.so" "$tmp/libswap_b.so" 30 10
grep -q 'same_address rounds [1-9]' "$tmp/truth" || skip "the libraries were never at one address"
shares_agree 0.05
at_least "named samples" "$(share 'swap_[ab]_work(;|$)')" 0.85
"$report" --by=module "$tmp/rec" >"$tmp/modules" 2>/dev/null
for lib in libswap_a.so libswap_b.so; do
	grep -q $lib "$tmp/modules" || fail "no module $lib: $(cat "$tmp/modules")"
done
