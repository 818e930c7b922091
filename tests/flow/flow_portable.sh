#!/bin/sh
# The recording alone is enough: the same stacks with and without the recorded program and its library.
. "$(dirname "$0")/lib.sh"
. "$targets/truth.sh"
need_report
need_perf

compile dlswap.c dlswap
compile plugin.c libswap_a.so -shared -fPIC -DNAME=swap_a_work
compile plugin.c libswap_b.so -shared -fPIC -DNAME=swap_b_work -s
profile "$tmp/dlswap" "$tmp/libswap_a.so" "$tmp/libswap_b.so" 10 15
for view in --folded --by=module --tree --json; do
	"$report" $view "$tmp/rec" >"$tmp/with$view" 2>/dev/null || fail "ddprof-report $view ended with $?"
done
rm "$tmp/dlswap" "$tmp/libswap_a.so" "$tmp/libswap_b.so"
for view in --folded --by=module --tree --json; do
	"$report" $view "$tmp/rec" >"$tmp/without$view" 2>/dev/null || fail "ddprof-report $view ended with $?"
	cmp "$tmp/with$view" "$tmp/without$view" || fail "$view differs without the recorded binaries: $(
		diff "$tmp/with$view" "$tmp/without$view" | head -n 20)"
done
grep -q swap_a_work "$tmp/without--folded" || fail "no names: $(cat "$tmp/without--folded")"
