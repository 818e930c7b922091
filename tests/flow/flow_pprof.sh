#!/bin/sh
# Go's pprof reads the export, and its totals are those of --folded.
. "$(dirname "$0")/lib.sh"
. "$targets/truth.sh"
need_report
need_perf
need go

compile threads.c threads
profile "$tmp/threads" 150
"$report" export pprof -o "$tmp/profile.gz" "$tmp/rec" 2>"$tmp/export.log" || fail "no export: $(cat "$tmp/export.log")"
export HOME="$tmp" PPROF_TMPDIR="$tmp" GOCACHE="$tmp/go-cache" GOFLAGS=-mod=mod GO111MODULE=off GOPATH=/usr/share/gocode
go tool pprof -raw -symbolize=none "$tmp/profile.gz" >"$tmp/raw" 2>"$tmp/raw.log" || fail "pprof -raw: $(cat "$tmp/raw.log")"
go tool pprof -top -symbolize=none -sample_index=0 "$tmp/profile.gz" >"$tmp/top" 2>"$tmp/top.log" ||
	fail "pprof -top: $(cat "$tmp/top.log")"

folded_total=$(awk '{ n += $NF } END { print n }' "$tmp/folded")
raw_total=$(awk '/^Locations/ { exit } on && /^ *[0-9]+ +[0-9]+: / { n += $1 } /^Samples:/ { on = 1 } END { print n + 0 }' "$tmp/raw")
[ "$folded_total" = "$raw_total" ] || fail "pprof -raw has $raw_total samples, --folded $folded_total"
top=$(awk '$NF == "red_work" { print $1 }' "$tmp/top")
folded=$(awk '{ n = $NF; sub(/ [0-9]+$/, "") } /;red_work$/ { s += n } END { print s + 0 }' "$tmp/folded")
[ "$top" = "$folded" ] || fail "pprof -top gives red_work '$top', --folded $folded: $(head -n 20 "$tmp/top")"

checker=$src/tests/flow/pprofcheck.go
if [ -f "$checker" ] && [ -d /usr/share/gocode/src/github.com/google/pprof/profile ]; then
	go run "$checker" "$tmp/profile.gz" >"$tmp/parsed" 2>&1 || fail "profile.Parse: $(cat "$tmp/parsed")"
	grep -qw "$folded_total" "$tmp/parsed" || fail "profile.Parse does not count $folded_total samples: $(cat "$tmp/parsed")"
fi

# lines: the hot line of an inlined function, which the program prints, and the line of its call
compile lines.c lines
profile "$tmp/lines" 300
"$report" export pprof -o "$tmp/lines.gz" "$tmp/rec" 2>"$tmp/export.log" || fail "no export: $(cat "$tmp/export.log")"
go tool pprof -top -lines -symbolize=none "$tmp/lines.gz" >"$tmp/top" 2>"$tmp/top.log" || fail "pprof -lines: $(cat "$tmp/top.log")"
spin=$(awk '$2 == "spin" { print $4 }' "$tmp/truth")
call=$(awk '$2 == "holder" { print $4 }' "$tmp/truth")
flat=$(awk -v at="lines.c:$spin" '$6 == "spin" && index($7, at) { print $2 + 0 }' "$tmp/top")
cum=$(awk -v at="lines.c:$call" '$6 == "holder" && index($7, at) { print $5 + 0 }' "$tmp/top")
at_least "pprof: line $spin of spin, flat percent" "${flat:-0}" 95
at_least "pprof: line $call of holder, cumulated percent" "${cum:-0}" 95
go tool pprof -list='^spin$' -symbolize=none "$tmp/lines.gz" >"$tmp/list" 2>"$tmp/list.log" || fail "pprof -list: $(cat "$tmp/list.log")"
grep -qE "^ +[0-9.]+m?s +[0-9.]+m?s +$spin:.*the hot line" "$tmp/list" || fail "pprof -list: $(cat "$tmp/list")"
