#!/bin/sh
# A cache without room, one that cannot be written, one that is damaged anywhere, and one that many
# use at once: the report is the same as without it, and a line says what is wrong.
. "$(dirname "$0")/lib.sh"
need_report
need_perf

target frames
"$record" -o data ./frames >/dev/null 2>&1 || fail "cannot record"
"$report" --folded --no-cache data >wanted 2>said || fail "report ended with $?: $(cat said)"
[ -s wanted ] || fail "no stacks: $(cat said)"

# view WHAT: the report with the cache is the one without; 0 or 1 line
view() {
	status=0
	"$report" --folded data >folded 2>said || status=$?
	[ $status = 0 ] || fail "$1: report ended with $status: $(cat said)"
	same wanted folded "$1: another report than without a cache"
	[ "$(wc -l <said)" -le 1 ] || fail "$1: more than a line: $(cat said)"
}
says() {
	grep -q "$1" said || fail "not said: $1: $(cat said)"
}

view "an empty cache"
view "a filled cache"
[ ! -s said ] || fail "says of a sound cache: $(cat said)"
file=$(find "$XDG_CACHE_HOME" -path '*/answers/*' -type f | head -n 1)
[ -s "$file" ] || fail "nothing is kept"

size=$(stat -c %s "$file")
for at in 0 9 40 90 120 $((size / 2)) $((size - 1)); do
	printf '\377\376' | dd of="$file" bs=1 seek=$((at < size - 1 ? at : size - 2)) conv=notrunc \
		2>/dev/null
	view "damage at $at"
	says "damaged file of the cache deleted"
	view "after damage at $at"
	[ ! -s said ] || fail "still damaged: $(cat said)"
done
for length in 0 1 100 $((size / 2)); do
	truncate -s "$length" "$file"
	view "cut to $length bytes"
	view "after a cut"
	[ ! -s said ] || fail "still damaged: $(cat said)"
done
pass "damage is said, and what is damaged is made again"

rm -rf "$XDG_CACHE_HOME"
pids=
for i in 1 2 3 4 5 6 7 8; do
	"$report" --folded data >"folded.$i" 2>"said.$i" &
	pids="$pids $!"
done
for pid in $pids; do
	wait "$pid" || fail "one of several at once ended with $?"
done
for i in 1 2 3 4 5 6 7 8; do
	same wanted "folded.$i" "one of several at once differs"
	[ ! -s "said.$i" ] || fail "one of several at once says: $(cat "said.$i")"
done
[ -z "$(find "$XDG_CACHE_HOME" -path '*/answers/*' -name '.*' -type f)" ] ||
	fail "unfinished files are left"
view "the cache of several at once"
pass "several use one cache at once"

rm -rf "$XDG_CACHE_HOME"
mkdir "$XDG_CACHE_HOME"
echo file >"$XDG_CACHE_HOME/ddprof"
view "a file in place of the cache"
says "going on without the cache"
rm -f "$XDG_CACHE_HOME/ddprof"
mkdir -m 777 "$XDG_CACHE_HOME/ddprof"
chmod 777 "$XDG_CACHE_HOME/ddprof"
view "a cache that others may write"
says "can be written by others"
XDG_CACHE_HOME=/proc/none view "a cache that cannot be made"
grep -q "going on without the cache" said || fail "not said: $(cat said)"
pass "a cache that cannot be used is said, and gone without"

[ "$(id -u)" = 0 ] || exit 0
unshare -m true 2>/dev/null || exit 0
rm -rf "$XDG_CACHE_HOME"
mkdir "$XDG_CACHE_HOME"
status=0
unshare -m sh -ec '
	mount -t tmpfs -o size=64k none "$XDG_CACHE_HOME" || exit 77
	dd if=/dev/zero of="$XDG_CACHE_HOME/full" 2>/dev/null || :
	"$1" --folded data >folded 2>said
	"$1" --folded data >again 2>said.again
	rm -f "$XDG_CACHE_HOME/full"
	"$1" --folded data >roomy 2>said.roomy
	mount -o remount,ro "$XDG_CACHE_HOME"
	"$1" --folded data >readonly 2>said.readonly
' sh "$report" 2>trouble || status=$?
[ $status != 77 ] || exit 0
[ $status = 0 ] || fail "report ended with $status: $(cat trouble said)"
for view in folded again roomy readonly; do
	same wanted "$view" "'$view' differs: no room for the cache"
done
[ "$(wc -l <said)" -eq 1 ] || fail "no room: not one line: $(cat said)"
says "No space left on device"
pass "no room for the cache: one line, and the same report"
