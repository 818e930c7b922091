#!/bin/sh
# deadline: 900
# kill -9 of the recorder at random moments: the file is read, at most 1.0 s is lost, and it says so.
# DDPROF_KILLS: how often (10). DDPROF_SEED: of the moments (printed).
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/record.sh"
. "$targets/truth.sh"
need_report
need_perf
compile split.c split

kills=${DDPROF_KILLS:-10}
seed=${DDPROF_SEED:-$(date +%s)}
awk -v n="$kills" -v seed="$seed" 'BEGIN { srand(seed); for (; n > 0; n--) printf "%.3f\n", 0.05 + rand() * 3.2 }' >moments
echo "seed $seed, $kills kills"

uptime_s() {
	read -r now rest </proc/uptime
	echo "$now"
}

worst=0
n=0
while read -r after; do
	n=$((n + 1))
	rm -f rec rec.old
	started=$(uptime_s)
	"$record" -F 999 -o rec -- ./split 4000 >/dev/null 2>record.log &
	pid=$!
	background $pid
	sleep "$after"
	left=$(children $pid) # COMMAND lives on without its recorder
	kill -9 $pid 2>/dev/null || fail "kill $n: the recorder was gone after $after s: $(cat record.log)"
	killed=$(uptime_s)
	wait $pid 2>/dev/null || :
	for child in $left; do
		kill -9 "$child" 2>/dev/null || :
	done
	if [ ! -s rec ]; then # killed before there was a file
		awk -v a="$started" -v b="$killed" 'BEGIN { exit !(b - a <= 1.0) }' ||
			fail "kill $n after $after s: no file"
		continue
	fi
	"$report" info --json rec >info 2>err || fail "kill $n after $after s: exit status $?: $(cat err)"
	grep -q '"ended":false' info || fail "kill $n: the file claims to be complete"
	"$report" --folded rec >folded 2>err || fail "kill $n after $after s: exit status $?: $(cat err)"
	grep -qi abnormal err || fail "kill $n: not said that it ended abnormally: $(cat err)"
	stored=$(sed -n 's/.*"last_ns":\([0-9]*\).*/\1/p' info)
	lost=$(awk -v killed="$killed" -v started="$started" -v stored="${stored:-0}" 'BEGIN {
		from = (stored / 1e9 > started) ? stored / 1e9 : started
		printf "%.2f", killed - from }')
	worst=$(awk -v a="$worst" -v b="$lost" 'BEGIN { print (a + 0 > b + 0) ? a : b }')
	awk -v lost="$lost" 'BEGIN { exit !(lost <= 1.0) }' || fail "kill $n after $after s: $lost s are lost"
done <moments
pass "$n of $kills files are read, at most $worst s lost"
