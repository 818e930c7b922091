#!/bin/sh
# deadline: 200
# What was recorded is synced while it runs; nobody waits for the disk, and a failed sync is believed.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/record.sh"
need_report
need_perf
target split
target slowsync -shared -fPIC
slow() {
	env LD_PRELOAD="$tmp/slowsync" SYNC_LOG="$tmp/syncs" "$@"
}
: >syncs
slow "$record" -o probe -- true 2>err || :
[ -s syncs ] || skip "the recorder takes no library in front: $(cat err)"

rm -f syncs
expect 0 slow "$record" --sync=1s -o rec -- ./split 3500
n=$(grep -c fdatasync syncs)
took=$(sed -n 's/.* samples in \([0-9]*\)\.[0-9]* s.*/\1/p' err)
[ "$n" -ge 3 ] && [ "$n" -le $((took + 2)) ] || fail "$n syncs in $took s at one a second"
rm -f syncs
expect 0 slow "$record" --sync=off -o rec -- ./split 1500
[ ! -e syncs ] || fail "synced, and it was off"
pass "one sync in so long, none when it is off"

# A disk that takes 2 s for each sync: rings are looked at as before.
export DDPROF_DEBUG=session SYNC_DELAY_MS=2000
expect 0 slow "$record" -l debug -F 999 --sync=1s -o rec -- ./split 3500
worst=$(sed -n 's/.*longest_between_looks_us=//p' err)
[ "$worst" -lt 1500000 ] || fail "rings waited $worst us for the disk"
grep -q 'none lost' err || fail "samples are lost: $(tail -n 1 err)"
expect 0 slow "$record" -l debug -F 999 --rotate=1s --duration=2s -o seg -- ./split 2500
worst_segment=$(sed -n 's/.*longest_between_looks_us=//p' err)
[ "$worst_segment" -lt 1500000 ] || fail "rings waited $worst_segment us for the disk"
[ "$(ls seg.?????? | wc -l)" -ge 2 ] || fail "files are missing: $(ls)"
[ -z "$(ls seg.*.part 2>/dev/null)" ] || fail "a file has not got its name: $(ls)"
unset DDPROF_DEBUG SYNC_DELAY_MS
pass "a slow disk delays nothing: $worst and $worst_segment us at most between two looks at the rings"

export SYNC_FAIL=1
expect 0 slow "$record" -F 999 --sync=1s -o bad -- ./split 3500
unset SYNC_FAIL
grep -q "'bad' could not be synced: Input/output error; the last [0-9]* bytes" err || fail "not told: $(cat err)"
[ -s bad.000001 ] || fail "no other file was begun: $(ls)"
for file in bad bad.000001; do
	"$report" --folded "$file" >folded 2>err || fail "$file: $(cat err)"
	grep -q heavy_work folded || fail "$file has no names: $(cat folded)"
done
pass "after a failed sync another file is begun, and both are read"
