#!/bin/sh
# The disk is full for a while: COMMAND runs on, what was stored is read, what was not is counted, and
# recording goes on when there is room again.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/record.sh"
. "$targets/truth.sh"
need_report
need_root
need_perf
compile split.c split

mkdir disk
mount -t tmpfs -o size=2m,mode=777 none disk 2>/dev/null || skip "cannot mount a tmpfs"
trap 'umount "$tmp/disk" 2>/dev/null || :; at_end' EXIT

# fill LEFT: leaves so many KiB
fill() {
	rm -f disk/ballast
	free=$(df -k --output=avail disk | tail -n 1)
	head -c $(((free - $1) * 1024)) /dev/zero >disk/ballast
}

# accounted WHAT: everything that was counted is stored or dropped, and stored is read
accounted() {
	stored=$(value stored disk/rec)
	dropped=$(value dropped_write disk/rec)
	lost=$(value lost_kernel disk/rec)
	[ "$(value read disk/rec)" = "$stored" ] || fail "$1: $stored stored, $(value read disk/rec) read"
	clock_ns=$(sed -n 's/.* count=\([0-9]*\).*/\1/p' err | tail -n 1)
	awk -v all=$((stored + dropped + lost)) -v ns="$clock_ns" 'BEGIN {
		d = ns * 4999 / 1e9 - all; exit !(d <= 3 + all * 0.02 && d >= -3 - all * 0.02) }' ||
		fail "$1: $stored + $dropped + $lost samples, but $clock_ns ns: $(cat err)"
}

# never room again
fill 160
DDPROF_DEBUG=session expect 0 "$record" -l debug -F 4999 --stacks=raw --embed=none -o disk/rec -- ./split 2500
grep -q 'cpu_ns all' out || fail "COMMAND did not end by itself"
accounted "full to the end"
[ "$dropped" -gt 0 ] || fail "the disk did not run full"
[ "$stored" -gt 0 ] || fail "nothing was stored before"
grep -q 'output refused' err || fail "the last line does not tell of it: $(cat err)"
grep -q 'No space left' err || fail "the reason is not told: $(cat err)"
"$report" info --json disk/rec | grep -q '"ended":true' || fail "the end did not fit into its reserve"
pass "a full disk: stored $stored, counted $dropped, the end is there"
rm -f disk/*

# room again after a while
fill 160
{ sleep 2; rm -f disk/ballast; } &
DDPROF_DEBUG=session expect 0 "$record" -l debug -F 4999 --stacks=raw --embed=symbols -o disk/rec -- ./split 4000
wait
accounted "full for a while"
[ "$dropped" -gt 0 ] || fail "the disk did not run full"
"$report" info --json disk/rec | grep -q '"ended":true' || fail "not complete"
last=$(sed -n 's/.*"last_ns":\([0-9]*\).*/\1/p' "$tmp/info" 2>/dev/null || :)
"$report" --folded disk/rec >folded 2>report.log || fail "not read: $(cat report.log)"
grep -q 'heavy_work' folded || fail "no names after the gap: $(head -n 3 folded)"
[ "$stored" -gt 3000 ] || fail "recording did not go on: $stored stored, $dropped dropped"
pass "room again: stored $stored, counted $dropped"
rm -f disk/*

# no room from the start
fill 0
expect 4 "$record" -o disk/rec -- sh -c 'exit 4'
one_line "No space left"
pass "no room from the start: COMMAND runs"
