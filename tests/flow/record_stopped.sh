#!/bin/sh
# deadline: 600
# The recorder stands still and the rings run over: what is stored and what is lost is all there was.
# DDPROF_STOPS: how often (2). DDPROF_SEED: of the lengths, 0.1 to 10 s (2 s for up to 4 stops).
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/record.sh"
. "$targets/truth.sh"
need_report
need_perf
compile split.c split

stops=${DDPROF_STOPS:-2}
seed=${DDPROF_SEED:-$(date +%s)}
awk -v n="$stops" -v seed="$seed" 'BEGIN {
	srand(seed); most = n > 4 ? 9.9 : 1.9
	for (; n > 0; n--) printf "%.2f\n", 0.1 + rand() * most }' >lengths
echo "seed $seed, $stops stops"

n=0
worst=0
while read -r stop; do
	n=$((n + 1))
	rm -f rec rec.old
	# every second target ends while the recorder stands still
	ms=$(awk -v stop="$stop" -v n="$n" 'BEGIN { printf "%d", n % 2 ? 700 + stop * 500 : 1500 + stop * 1000 }')
	DDPROF_DEBUG=session "$record" -l debug -F 999 -o rec -- ./split "$ms" >/dev/null 2>record.log &
	pid=$!
	background $pid
	wait_for 10 test -s rec
	sleep 0.4
	kill -STOP $pid
	sleep "$stop"
	kill -CONT $pid
	rc=0
	wait $pid || rc=$?
	[ $rc -eq 0 ] || fail "stop $n of $stop s: status $rc: $(cat record.log)"
	"$report" info --json rec >info 2>err
	stored=$(value stored rec)
	lost=$(value lost_kernel rec)
	kernel_lost=$(sed -n 's/.*samples_lost=\([0-9]*\).*/\1/p' record.log | tail -n 1)
	clock_ns=$(sed -n 's/.* count=\([0-9]*\).*/\1/p' record.log | tail -n 1)
	[ "$lost" = "$kernel_lost" ] || fail "stop $n: the file says $lost lost, PERF_FORMAT_LOST $kernel_lost"
	[ "$(value read rec)" = "$stored" ] || fail "stop $n: $stored stored, $(value read rec) read"
	off=$(awk -v all=$((stored + lost)) -v ns="$clock_ns" 'BEGIN {
		ticks = ns * 999 / 1e9; d = ticks - all; printf "%d", d < 0 ? -d : d }')
	awk -v off="$off" -v all=$((stored + lost)) 'BEGIN { exit !(off <= 2 + all * 0.02) }' ||
		fail "stop $n of $stop s: $stored stored + $lost lost, but $clock_ns ns of task-clock at 999 Hz"
	worst=$(awk -v a="$worst" -v b="$off" 'BEGIN { print (a + 0 > b + 0) ? a : b }')
	total_lost=$((${total_lost:-0} + lost))
done <lengths
# a target that got too little of the CPU while the recorder stood still fills no ring
[ "${total_lost:-0}" -gt 0 ] || skip "no ring ran over while the recorder was stopped"
pass "$n of $stops: stored + lost is what the kernel counted ($total_lost lost), at most $worst from the clock's ticks"
