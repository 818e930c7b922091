#!/bin/sh
# What perf recorded reads like a recording: the same chains and names as perf script's, as a file, packed, and from
# a pipe; and what convert makes of it shows the same and says less.
. "$(dirname "$0")/lib.sh"
. "$targets/truth.sh"
need_report
need perf python3
need_perf

compile frames.c frames -fomit-frame-pointer
compile frames.c frames_fp -fno-omit-frame-pointer

perf_record() {
	out=$1
	shift
	perf record -q -e cpu-clock -F 2000 -o "$out" "$@" >"$tmp/truth" 2>"$tmp/perf.log" ||
		skip "perf cannot record here: $(tail -n 1 "$tmp/perf.log")"
}

# same FILE: every chain and name is perf's
same() {
	python3 "$src/tests/check/perfscript.py" "$build/tests/check/perfchains" "$1" -v 2 --min 99 >"$tmp/compared" 2>&1 ||
		fail "$1 is not what perf script shows: $(cat "$tmp/compared")"
	compared=$(sed -n 's/^ *\([0-9]*\)  our samples$/\1/p' "$tmp/compared")
	test "${compared:-0}" -gt 100 || fail "$1: ${compared:-no} samples compared: $(cat "$tmp/compared")"
	test "$compared" = "$(sed -n "s/^ *\([0-9]*\)  perf's samples$/\1/p" "$tmp/compared")" ||
		fail "$1: perf has other samples: $(cat "$tmp/compared")"
}

folded() {
	"$report" --inline=no --folded "$@" 2>"$tmp/report.log" || fail "ddprof-report --folded $* ended with $?: $(cat "$tmp/report.log")"
}

perf_record dwarf --call-graph dwarf,16384 -- "$tmp/frames" 100
same dwarf
folded dwarf >dwarf.folded
grep -q 'with_realign;leaf_work' dwarf.folded || fail "a realigned frame is missing: $(cat dwarf.folded)"
pass "stacks of perf record --call-graph dwarf"

if perf_record packed -z --call-graph dwarf,16384 -- "$tmp/frames" 100 && grep -qi zstd "$tmp/perf.log"; then
	echo "this perf cannot pack"
else
	same packed
	pass "packed ones"
fi

perf record -q -e cpu-clock -F 2000 --call-graph dwarf,16384 -o - -- "$tmp/frames" 100 2>"$tmp/perf.log" >piped ||
	fail "perf record -o - ended with $?: $(cat "$tmp/perf.log")"
same piped
folded - <piped >stdin.folded
folded piped >piped.folded
cmp stdin.folded piped.folded || fail "standard input reads otherwise"
pass "a pipe"

perf_record fp --call-graph fp -- "$tmp/frames_fp" 100
same fp
folded fp >fp.folded
grep -q ';leaf_work' fp.folded || fail "no callers by frame pointer: $(cat fp.folded)"
pass "chains that the kernel walked"

for file in dwarf fp; do
	"$report" convert "$file" "$file.ddprof" 2>convert.log || fail "convert ended with $?: $(cat convert.log)"
	test "$(stat -c %a "$file.ddprof")" = 600 || fail "others may read what convert wrote"
	folded "$file.ddprof" >converted.folded
	cmp "$file.folded" converted.folded || fail "convert changed chains: $(diff "$file.folded" converted.folded | head)"
	"$report" info "$file.ddprof" >info 2>/dev/null || fail "info ended with $?"
	if grep -q "$(uname -n)\$" info || grep -q 'frames_fp 100\|frames 100' info; then
		fail "host or command line was carried over: $(cat info)"
	fi
done
grep -q 'stacks  *none' info || fail "info of fp: $(cat info)"
"$report" info dwarf.ddprof 2>/dev/null | grep -q 'stacks  *scrubbed' || fail "convert does not scrub"
mv frames frames.away
folded --no-local-files dwarf.ddprof | grep -q 'with_realign;leaf_work' || fail "what convert wrote needs the program"
pass "convert: the same chains, scrubbed, readable alone, without host and command line"

# code made at run time is named by the perf map that is here, and convert takes the names along
compile jitted.c jitted
perf_record made --call-graph dwarf,16384 -- "$tmp/jitted" map 4 10 /tmp
map=/tmp/perf-$(awk '$1 == "pid" { print $2 }' "$tmp/truth").map
folded made >made.folded
"$report" convert made made.ddprof 2>convert.log || fail "convert ended with $?: $(cat convert.log)"
rm -f "$map"
grep -q 'native_[0-7];made_[0-7]' made.folded || fail "no names from $map: $(head -n 5 made.folded)"
folded --no-local-files made.ddprof | grep -q 'native_[0-7];made_[0-7]' || fail "convert left the names behind"
folded made | grep -q 'made_[0-7]' && fail "names without their map"
pass "names of a perf map"

# when threads left and entered CPUs
perf_record switched --switch-events -- sleep 0.7
"$report" --folded --event=offcpu switched >off.folded 2>said || fail "switches: $(cat said)"
awk '{ n += $NF } END { exit !(n > 690000 && n < 1500000) }' off.folded || fail "a sleep of 0.7 s: $(cat off.folded said)"
"$report" switched 2>&1 | grep -q 'offcpu: where threads slept is not known: perf record -g' ||
	fail "nothing tells how to have stacks: $("$report" switched)"
"$report" --wall --folded switched | grep -q '\[asleep\]' || fail "no wall clock view"
"$report" convert switched switched.ddprof 2>convert.log || fail "convert ended with $?: $(cat convert.log)"
"$report" --folded --event=offcpu switched.ddprof | cmp - off.folded || fail "convert changed times off CPUs"
pass "switches of threads"

if "$report" scrub dwarf scrubbed 2>scrub.log; then
	fail "scrub takes a perf.data"
fi
grep -q 'ddprof-report convert' scrub.log || fail "scrub does not point at convert: $(cat scrub.log)"

# cut anywhere: what is there is shown, and that it was cut
for bytes in 50 150 5000 100000; do
	head -c "$bytes" dwarf >cut
	"$report" info cut >info 2>cut.log && status=0 || status=$?
	case $status in
	0) grep -q 'ended abnormally' info || fail "cut after $bytes bytes: $(cat info)" ;;
	1) grep -q 'cut' cut.log || fail "cut after $bytes bytes: $(cat cut.log)" ;;
	*) fail "cut after $bytes bytes: status $status" ;;
	esac
done
pass "a cut file"
