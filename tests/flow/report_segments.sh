#!/bin/sh
# deadline: 300
# Segments and snapshots of one recorder are one recording: nothing is counted twice, and what is missing is named.
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

# read_of FILE...: samples that are read
read_of() {
	"$report" info --json "$@" 2>said | sed -n 's/.*"read":\([0-9]*\).*/\1/p'
}

# sum: folded stacks of several reports -> each stack once
sum() {
	awk '{ n = $NF; sub(/ [0-9]+$/, ""); all[$0] += n } END { for (s in all) print s, all[s] }' | sort
}

# recorded FILE: samples, as the recorder's last line says it
recorded() {
	sed -n 's/^ddprof-record: \([0-9]*\) samples in.*/\1/p' "$1"
}

expect 0 "$record" -v -F 999 --rotate=1s -o rec -- sh -c './split 1500; sleep 1.2; ./split 1500'
cp err log
set -- rec.0*
[ $# -ge 5 ] || fail "only $# files: $(cat log)"
all=$(recorded log)
got=$(read_of "$@")
[ "$got" = "$all" ] || fail "$got samples of $# files, the recorder has $all: $(cat said)"
[ ! -s said ] || fail "something is said of sound segments: $(cat said)"
"$report" info "$@" >info
[ "$(counter "samples stored")" = "$all" ] || fail "stored is not the sum: $(cat info)"
grep -q "segment  *1-$#\$" info || fail "the segments are not named: $(grep segment info)"
pass "$# segments have the $all samples of the recorder"

"$report" --folded "$@" >together 2>said
for file; do
	"$report" --folded "$file"
done 2>said | sum >apart
sort together | same - apart "the stacks of all are not those of each added up"
[ "$("$report" --folded --comm=split "$@" | awk '{ n += $NF } END { print n }')" = \
	"$(for file; do "$report" --folded --comm=split "$file"; done | awk '{ n += $NF } END { print n }')" ] ||
	fail "filters do not add up"
within "$(awk '{ all += $NF } /heavy_work/ { heavy += $NF } END { printf "%.1f", heavy * 100 / all }' together)" \
	70 4 "heavy_work's share"
# shellcheck disable=SC2046
"$report" --folded $(ls -r rec.0*) 2>said | same - together "the order of the files matters"
pass "stacks of all are the sum of each"

n_processes=$("$report" --by=process --limit=all "$@" | grep -c 'split')
[ "$n_processes" = 2 ] || fail "2 processes ran, $n_processes are shown: $("$report" --by=process "$@")"
pass "a process that is in several segments is one"

mkdir dir
cp "$@" dir/
echo "no recording" >dir/notes
"$report" --folded dir | same - together "a directory is not its files"
expect 0 "$report" export pprof -o all.pb.gz dir
[ -s all.pb.gz ] || fail "no profile"
expect 1 "$report" /proc/self/fdinfo
one_line "no recording lies in directory '/proc/self/fdinfo'"
pass "a directory stands for the recordings in it"

# ---- what is missing ----

rm dir/rec.000002
without=$((all - $(read_of rec.000002)))
[ "$(read_of dir)" = "$without" ] || fail "not what the others have: $(read_of dir), expected $without"
grep -q "nothing is known from .* s to .* s (segment 2 is not among the files)" said ||
	fail "the missing segment is not named: $(cat said)"
[ "$(wc -l <said)" = 1 ] || fail "not one line: $(cat said)"
pass "a segment that is not there is named, with its time"

cp rec.000002 dir/
: >dir/rec.000003
[ "$(read_of dir/rec.*)" = $((all - $(read_of rec.000003))) ] || fail "an empty segment: $(cat said)"
"$report" dir/rec.* >out 2>said
grep -q "left out: .*rec.000003.*empty" said || fail "an empty segment is not told: $(cat said)"
grep -q "segment 3 is not among" said || fail "its time is not told: $(cat said)"

# Ends in the middle: what it lacks is counted, the rest and all others are there.
head -c $(($(stat -c %s rec.000003) * 2 / 3)) rec.000003 >dir/rec.000003
part=$(read_of dir/rec.000003)
[ "$(read_of dir)" = $((all - $(read_of rec.000003) + part)) ] || fail "a cut segment: $(cat said)"
"$report" dir >out 2>said
grep -q "1 of $# files ended abnormally; damaged in .*'rec.000003': cut in the middle" said ||
	fail "the cut segment is not told: $(cat said)"

# A chunk of events that does not check: it is gone, and its samples are counted.
cp rec.000003 dir/
size=$(stat -c %s rec.000003)
printf '\377\377\377\377\377\377\377\377' | dd of=dir/rec.000003 bs=1 seek=$((size - 1200)) conv=notrunc 2>/dev/null
got=$(read_of dir)
"$report" info dir >info 2>said
[ $((got + $(counter "samples unreadable"))) = "$all" ] ||
	fail "$got read, $(counter "samples unreadable") unreadable of $all: $(cat said)"
cp rec.000003 dir/
pass "what a damaged segment lacks is counted, the rest is shown"

# ---- snapshots of a flight recorder overlap ----

"$record" -F 999 --last=2s -o fl -- ./split 3500 >out 2>log &
pid=$!
background $pid
for n in 1 2 3; do
	sleep 0.9
	"$record" snapshot $pid || fail "no snapshot $n"
	wait_for 10 test -e fl.00000$n
done
wait $pid
"$report" info fl.000001 fl.000002 >info 2>said
twice=$(($(read_of fl.000001) + $(read_of fl.000002) - $(read_of fl.000001 fl.000002)))
[ "$twice" -gt 0 ] || fail "the snapshots do not overlap: $(cat info)"
grep -q "$twice samples stand in two of the files, and count once" said || fail "not said: $(cat said)"
got=$(read_of fl fl.0*)
all_of_it=$(recorded log)
[ "$got" = "$all_of_it" ] || grep -q 'nothing is known' said ||
	fail "$got samples of all snapshots, the recorder had $all_of_it: $(cat said)"
[ "$got" -le "$all_of_it" ] || fail "$got samples counted of $all_of_it"
"$report" --folded fl.000001 fl.000001 2>said | sort >twice
"$report" --folded fl.000001 | sort | same - twice "a file given twice counts twice"
pass "what is in two snapshots counts once ($twice of $got)"

# ---- different recordings ----

expect 0 "$record" -F 999 -o one -- ./split 700
expect 0 "$record" -F 999 -o two -- ./split 700
expect 1 "$report" one two
one_line "'one' and 'two' are different recordings: --merge adds them up"
for file in one two; do
	"$report" --folded $file
done | sum >apart
"$report" --folded --merge one two | sort | same - apart "--merge does not add up"
expect 2 "$report" info --merge one two
expect 0 "$report" --merge one dir fl fl.0*
grep -q "function" out || fail "no table: $(cat out)"
pass "different recordings are added up on demand only"

# ---- time off the CPU goes on from segment to segment ----

expect 0 "$record" -e offcpu --rotate=1s -o off -- sleep 3.5
"$report" --wall --folded off.0* >together 2>said
grep -q asleep together || skip "no off-CPU time here: $(cat said together)"
within "$(awk '/asleep/ { n += $NF } END { printf "%.3f", n / 1e6 }' together)" 3.5 0.15 "asleep over $(ls off.0* | wc -l) files"
pass "a sleep over several segments is one"
