#!/bin/sh
# Time off CPUs: a program that takes the time of its own waits, by site, is what is shown.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/record.sh"
need_report
need_perf
need python3

target waits

# check FILE PERCENT SITE...: what the program said in `truth`, within so much
cat >check.py <<'EOF'
import json, sys
percent, sites = float(sys.argv[1]), sys.argv[2:]
shown = json.load(open("shown.json"))
shown_all = "none lost" in open("err").read()
truth = dict(line.split() for line in open("truth"))
bad = []
for site in sites:
    # sites that wait for something, and a CPU after that; spinners wait for a CPU alone
    events = ["offcpu-wait"] if site == "site_spin" else ["offcpu", "offcpu-wait"]
    got = sum(row["total"]["weight"] for event in shown["events"] if event["event"] in events
              for row in event["rows"] if row["name"] == site)
    want = int(truth[site])
    off = 100 * abs(got - want) / want
    print("%s %.1f ms of %.1f ms" % (site, got / 1e6, want / 1e6), end="; ")
    # 20 switches, each of which begins and ends some microseconds beside the program's clock
    # where a busy host left the recorder no time, time may be missing, but none is made up
    if off > percent and abs(got - want) > 2000000 and (shown_all or got > want):
        bad.append("%s: shown %d ns, waited %d ns" % (site, got, want))
print("" if shown_all else "(records were lost)")
sys.exit("; ".join(bad) if bad else 0)
EOF
check() {
	"$report" show --json "$1" >shown.json
	shift
	python3 check.py "$@" >said 2>&1 || fail "$(cat said) $(cat err)"
}

has_samples() { [ "$(value stored rec)" -gt 0 ]; }

"$record" -o rec -e 'sCPU;offcpu' ./waits >truth 2>err || fail "$(cat err)"
"$report" info rec >info
if ! grep -q 'off_cpu .*stacks wakeups' info; then
	echo "skip: stacks of sleepers or wakeups are not allowed here"
else
	check rec 10 site_sleep site_lock site_read site_sync site_spin
	pass "time off CPUs is where and as long as the program says: $(cat said)"

	"$report" show --json --by=thread rec >by-thread.json
	"$report" show --json --by=thread --wall rec >wall.json
	python3 - <<'EOF' || fail "$(cat err)"
import json
parts = json.load(open("by-thread.json"))["events"]
wall = json.load(open("wall.json"))["events"]
assert [e["event"] for e in parts] == ["sCPU", "offcpu", "offcpu-wait"], parts
assert [e["event"] for e in wall] == ["wall"], wall
assert wall[0]["weight"] == sum(e["weight"] for e in parts)
EOF
	"$report" show --wall --folded rec >folded 2>said
	grep -q ';site_sleep;.*;\[asleep\] ' folded && grep -q ';site_spin;.*\[waiting for a CPU\] ' folded ||
		fail "wall: $(cat said; cut -c1-200 folded | head)"
	pass "the wall clock view is the sum of time on CPUs, asleep and waiting"

	"$report" show --folded rec >one 2>said
	grep -q "of event 'sCPU' alone, 2 more have samples" said || fail "folded: $(cat said)"
	! grep -q '\[asleep\]' one || fail "off-CPU stacks are among those of sCPU"
	pass "folded stacks are of one event, and others are named"

	./waits 700 >truth &
	target=$!
	background $target
	wait_for 5 grep -q waits /proc/$target/comm
	"$record" -o rec -e offcpu -p $target 2>err || fail "$(cat err)"
	wait $target
	check rec 10 site_sleep site_lock site_read site_sync site_spin
	"$report" show --folded rec 2>said | grep -q '^\[off CPU since before the start\] ' ||
		fail "the wait that was under way is not shown: $(cat said)"
	pass "attached: the same, and the wait that was under way at the start"

	"$record" -o rec -e 'offcpu p=3' ./waits >truth 2>err || fail "$(cat err)"
	"$report" show --json --by=process rec >shown.json
	every=$(value stored rec)
	"$record" -o rec -e 'offcpu' ./waits >truth 2>err || fail "$(cat err)"
	[ $((every * 2)) -lt "$(value stored rec)" ] || fail "p=3 has $every samples, p=1 $(value stored rec)"
	pass "every third switch has a stack when asked"

	if [ "$(id -u)" = 0 ]; then
		rm rec # that of before has samples
		"$record" -o rec -a -e 'sCPU;offcpu' --duration 60 2>err &
		recorder=$!
		background $recorder
		wait_for 10 has_samples
		./waits >truth
		kill -INT $recorder
		wait $recorder || fail "$(cat err)"
		check rec 10 site_sleep site_lock site_read site_sync site_spin
		"$report" show --json --by=process rec | grep "\"pid\":$recorder," &&
			fail "the recorder itself is in its recording"
		pass "of the whole system: the same, without the recorder"
	fi
fi

if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	mkdir nobody
	chmod 777 nobody
	(cd nobody && setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all \
		--inh-caps=-all --no-new-privs "$record" -o rec -e offcpu ../waits) >truth 2>err ||
		fail "$(cat err)"
	"$report" show nobody/rec >said 2>&1
	if grep -q 'kernel side not allowed' said; then
		want=$(awk '/^site_/ && $1 != "site_spin" { s += $2 } END { printf "%.3f", s / 1e9 }' truth)
		got=$(sed -n 's/^offcpu: .* samples, \([0-9.]*\) s$/\1/p' said)
		awk -v got="$got" -v want="$want" 'BEGIN { exit !(got > 0.9 * want) }' ||
			fail "without rights: slept $want s at least, shown $got s"
		pass "without rights: how long, and why not where"
	fi
fi

# A mount namespace of its own, where tracefs is gone.
if [ "$(id -u)" = 0 ] && unshare -m umount -l /sys/kernel/tracing 2>/dev/null &&
	! [ -e /sys/kernel/debug/tracing/events ]; then
	# shellcheck disable=SC2016 # for the inner shell
	unshare -m sh -c 'umount -l /sys/kernel/tracing && exec "$@"' sh "$record" -o bare.data -e offcpu sleep 0.1 2>err ||
		fail "without tracefs: $(cat err)"
	[ "$(grep -c 'when a thread is woken is not known (no tracefs: as root, .*); its wait' err)" = 1 ] ||
		fail "without tracefs: $(cat err)"
	"$report" info bare.data | grep -q 'off_cpu  *time stacks$' || fail "without tracefs: $("$report" info bare.data)"
	pass "without tracefs one line says what is missing, and what would give it"
fi
