#!/bin/sh
# -p: every thread once, threads and children that begin later, and an end when the process ends.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/record.sh"
. "$targets/truth.sh"
need_report
need_perf
compile spawner.c spawner

# time of the samples of the whole recording against the CPU time that the target says it used
./spawner 3000 >truth &
target=$!
background $target
wait_for 10 grep -q ready truth
"$record" -F 999 -o rec -p $target 2>err || fail "-p ended with $?: $(cat err)"
wait $target || :
want=$(sed -n 's/^cpu_ns all //p' truth)
got=$(awk -v n="$(value stored rec)" 'BEGIN { printf "%.0f", n * 1e9 / 999 }')
share=$(awk -v got="$got" -v want="$want" 'BEGIN { printf "%.3f", got / want }')
# attached a moment after it began; a thread that is counted twice shows at once
awk -v s="$share" 'BEGIN { exit !(s > 0.85 && s < 1.03) }' || fail "sampled $share of the CPU time used: $(cat err)"
"$report" --folded rec >folded 2>err
for name in old_thread_work new_thread_work child_work; do
	grep -q "$name" folded || fail "$name has no samples: $(cut -c1-200 folded | head)"
done
"$report" info --json rec | grep -q '"ended":true' || fail "not complete"
pass "threads and children, old and new, are counted once"

expect 125 "$record" -p $target
one_line "process $target: No such process"
pass "a process that is gone is told"

# attach over and over to a process that keeps beginning threads
./spawner storm 60000 >truth &
target=$!
background $target
wait_for 10 grep -q ready truth
i=0
while [ $i -lt 5 ]; do
	i=$((i + 1))
	rm -f rec rec.old
	"$record" -F 999 -o rec -p $target --duration 0.4 2>err || fail "storm: $(cat err)"
	# two CPUs cannot give more than their time
	got=$(value stored rec)
	took=$(sed -n 's/.* samples in \([0-9.]*\) s.*/\1/p' err)
	most=$(awk -v cpus="$(nproc)" -v s="$took" 'BEGIN { printf "%d", cpus * 999 * s * 1.05 + 30 }')
	[ "$got" -le "$most" ] || fail "$got samples in $took s on $(nproc) CPUs: some thread is counted twice"
done
kill $target 2>/dev/null || :
pass "attaching while threads begin counts none twice"

if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	./spawner 2000 >truth &
	target=$!
	background $target
	chmod 777 .
	expect 125 setpriv --reuid=65534 --regid=65534 --clear-groups "$record" -o other -p $target
	one_line "^ddprof-record: error: Error calling perfopen on watcher 0.0 .*of task $target: .*another user.s process"
	pass "another user's process is refused"
fi
