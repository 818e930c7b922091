#!/bin/sh
# deadline: 300
# Segments: each stands alone, also when the program and the recorder are gone.
# DDPROF_KILLS: how often the recorder is killed while it rotates (6). DDPROF_SEED: of the moments.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/record.sh"
need_report
need_perf
target split

# counter NAME: of ./info
counter() {
	n_counted=$(sed -n "s/^ *\([0-9]*\)  $1\$/\1/p" info)
	echo "${n_counted:-0}"
}

# shares FILE: percent of the samples below heavy_work
shares() {
	"$report" --folded "$1" 2>/dev/null |
		awk '{ all += $NF } /heavy_work/ { heavy += $NF } END { printf "%.0f", all ? heavy * 100 / all : 0 }'
}

# whole FILE: complete, alone, every sample read and its code named
whole() {
	"$report" info "$1" >info 2>err || fail "$1: $(cat err)"
	grep -q 'ended in order' info || fail "$1 has no end"
	[ "$(counter "samples stored")" = "$(counter "samples read")" ] ||
		fail "$1: samples are missing: $(cat info)"
	grep -q 'segment *[1-9]' info || fail "$1 does not say its number"
	grep -q 'stacks *scrubbed' info || fail "$1 has no manifest: $(cat info)"
	within "$(shares "$1")" 70 12 "$1: heavy_work's share"
}

expect 0 "$record" -v -F 999 --rotate=1s -o rec -- sh -c './split 4500; rm split'
cp err log
[ ! -e rec ] || fail "there is a file without number"
[ -z "$(ls rec.*.part 2>/dev/null)" ] || fail "an unfinished file is left: $(ls)"
n=$(ls rec.?????? | wc -l)
[ "$n" -ge 4 ] || fail "only $n files: $(cat log)"
total=0
for file in rec.??????; do
	"$report" info "$file" >info 2>err || fail "$file: $(cat err)"
	stored=$(counter "samples stored")
	total=$((total + stored))
	[ "$stored" -gt 100 ] || continue # the last may be short
	whole "$file"
	[ "$(stat -c %a "$file")" = 600 ] || fail "$file may be read by others"
done
grep -q "ddprof-record: $total samples in" log || fail "files have $total samples: $(cat log)"
pass "each of $n files stands alone, and together they have all samples"
target split

# Code made at run time: every segment has the names of what its samples met.
target jitted
rm -f rec.*
expect 0 "$record" -F 499 --rotate=1s -o rec -- ./jitted dump 24 60 .
cp err log
[ "$(ls rec.?????? | wc -l)" -ge 2 ] || fail "too few files: $(cat log)"
for file in rec.??????; do
	"$report" --folded "$file" 2>/dev/null | awk '{ all += $NF }
		/made_|native_/ { named += $NF }
		END { exit !(named >= all * 0.95) }' ||
		fail "$file: names are missing: $("$report" --folded "$file" 2>&1)"
done
pass "code made at run time has its names in every file"

rm -f rec.*
expect 0 "$record" --rotate=1s:2 -o rec -- ./split 4500
[ "$(ls rec.* | wc -l)" = 2 ] || fail "2 files are to be kept: $(ls)"
[ ! -e rec.000001 ] || fail "the oldest is there"
last=$(ls rec.* | tail -n 1)
expect 0 "$record" --rotate=1h:2 -o rec -- true
[ "$(ls rec.* | wc -l)" = 2 ] || fail "2 files are to be kept, of all runs: $(ls)"
[ "$(ls rec.* | head -n 1)" = "$last" ] || fail "not the oldest went: $(ls)"
pass "the oldest go, numbers go on"

# As large as asked for: what every file needs and 64 KiB of events are in any case.
rm -f rec.*
expect 0 "$record" -F 4999 --stacks=raw --embed=none --rotate=64K -o rec -- ./split 3000
n=$(ls rec.* | wc -l)
[ "$n" -ge 2 ] || fail "64 KiB are never passed: $(ls -l)"
pass "a file of a size is followed by the next one ($n)"

expect 0 "$record" -F 999 --max-size=100 -o limited -- ./split 1500
"$report" info limited >info
[ "$(counter "samples stored")" -lt 500 ] || fail "not stopped: $(cat info)"
pass "recording stops when so much is written, and COMMAND does not"

kills=${DDPROF_KILLS:-6}
seed=${DDPROF_SEED:-$(date +%s)}
awk -v n="$kills" -v seed="$seed" 'BEGIN { srand(seed); for (; n > 0; n--) printf "%.3f\n", 0.9 + rand() * 2.4 }' >moments
echo "seed $seed, $kills kills"
n_finished=0
n_parts=0
while read -r after; do
	rm -f rec.*
	"$record" -F 999 --rotate=1s -o rec -- ./split 9000 >/dev/null 2>log &
	pid=$!
	background $pid
	sleep "$after"
	left=$(children $pid)
	kill -9 $pid
	wait $pid 2>/dev/null || :
	for child in $left; do
		kill -9 "$child" 2>/dev/null || :
	done
	for file in rec.*; do
		"$report" info "$file" >info 2>err || fail "killed after $after s: $file: $(cat err)"
		case $file in
		*.part)
			n_parts=$((n_parts + 1))
			grep -q 'ended' info || fail "$file: $(cat info)" ;;
		*)
			n_finished=$((n_finished + 1))
			grep -q 'ended in order' info || fail "killed after $after s: $file is not whole" ;;
		esac
	done
done <moments
[ $n_parts -gt 0 ] || fail "no file was being written"
pass "kill -9: all of $n_finished finished files are whole, $n_parts unfinished ones are read"

for wrong in '--rotate=5' '--rotate=1s --last=5s' '--rotate=1s -o -' '--max-size=x' '--sync=0.1'; do
	# shellcheck disable=SC2086
	expect 2 "$record" $wrong -- touch started
	one_line "expected|exclude|several files"
	[ ! -e started ] || fail "$wrong: COMMAND was started"
done
pass "wrong values are told in one line, and COMMAND is not started"
