#!/bin/sh
# Recorders in namespaces of their own. A time namespace: the file has the host's clock. A pid
# namespace: others' processes, all 0 there, do not become one with the mappings of all.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/record.sh"
. "$targets/truth.sh"
need_report
need_perf
need_root
need unshare
compile split.c split
compile processes.c processes

# clock FILE: what the file adds to its times to get dates, in whole seconds
clock() {
	"$report" info "$1" | awk '$1 == "realtime_offset_ns" { printf "%d", $2 / 1000000000 }'
}

if unshare -T --monotonic 5000 true 2>/dev/null; then
	"$record" -o here -- ./split 200 >out 2>err || fail "$(cat err)"
	for ahead in 100000 -10; do
		unshare -T --monotonic $ahead --boottime $ahead "$record" -F 499 -o rec -- ./split 500 >out 2>err ||
			fail "$ahead s ahead: $(cat err)"
		seconds=$("$report" info rec | sed -n 's/.* events over \([0-9.]*\) s.*/\1/p')
		awk -v s="$seconds" 'BEGIN { exit !(s > 0.3 && s < 60) }' || fail "$ahead s ahead: events over $seconds s"
		far=$(($(clock rec) - $(clock here)))
		[ $far -ge -1 ] && [ $far -le 1 ] || fail "$ahead s ahead: dates are off by $far s"
		chunks=$("$report" info rec | sed -n 's/.* bytes, \([0-9]*\) chunks.*/\1/p')
		[ "$chunks" -lt 40 ] || fail "$ahead s ahead: $chunks chunks of half a second"
	done
	compile jitted.c jitted
	unshare -T --monotonic 5000 --boottime 5000 "$record" -F 499 -o rec -- ./jitted dump 12 40 . >out 2>err ||
		fail "$(cat err)"
	! grep -q 'another clock' err || fail "times of the runtime are not believed: $(cat err)"
	"$report" --folded rec 2>err | awk '{ all += $NF }
		match($0, /native_[0-9]+/) { number = substr($0, RSTART + 7, RLENGTH - 7)
			named += $NF * ($0 ~ "made_" number "[^0-9]") }
		END { exit !(all > 50 && named >= all * 0.9) }' ||
		fail "code made at run time has wrong names: $("$report" --folded rec 2>&1 | head -n 5)"
	pass "in a time namespace times are the host's, and a runtime's are understood"
fi

unshare -pfm --mount-proc true 2>/dev/null || skip "no pid namespace"
# outside: programs that begin all the time, so that the kernel tells of their mappings
./processes brief 100000 3 >/dev/null &
background $!
unshare -pfm --mount-proc sh -c './split 1500 >truth & exec "$0" -F 499 -a --duration 1 -o rec' "$record" 2>err ||
	fail "-a: $(cat err)"
grep -q 'outside this pid namespace are sampled without their names' err || fail "not told: $(cat err)"
"$report" info rec | grep -q 'fallbacks.*outside this pid namespace' || fail "not in the manifest"
"$report" --folded --pid=0 rec >outside 2>err || fail "$(cat err)"
[ -s outside ] || fail "nothing sampled of the others"
if grep -q 'brief_work' outside; then
	fail "names for processes that cannot be told apart: $(grep brief_work outside | head -n 3)"
fi
"$report" --folded rec >folded 2>err
grep -q 'heavy_work' folded || fail "no names of our own: $(cut -c1-200 folded | head)"
pass "processes outside the pid namespace are not taken for one"
