#!/bin/sh
# Wrong usage: one line that names what is wrong and what is expected, status 2, COMMAND not started.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/record.sh"

# wrong PATTERN OPTIONS...
n=0
wrong() {
	says=$1
	shift
	expect 2 "$record" "$@" touch started
	one_line "^ddprof-record: error: .*$says"
	[ "$(wc -c <err)" -lt 400 ] || fail "'$*': a line of $(wc -c <err) bytes"
	[ ! -e started ] || fail "COMMAND was started in spite of '$*'"
	n=$((n + 1))
}

wrong "unknown option '--nonsense', see --help" --nonsense
wrong "unknown option '-Z'" -Z
wrong "nearest is --frequency" --frequenzy 5
wrong "'touch': expected 1 to 100000 samples a second, or max" -F
for value in 0 -5 1e3 100001 ''; do
	wrong "option --frequency: '$value': expected 1 to 100000" -F "$value"
done
wrong "'0': expected 1 to " -c 0
wrong '--count and --frequency exclude each other' -c 5 -F 5
wrong "'x': expected process numbers with ',' between, .*pgrep" -p x
wrong 'COMMAND, -p and -a exclude each other' -p $$
wrong 'COMMAND, -p and -a exclude each other' -a
wrong '-g is --global here' -g
wrong 'expected one of scrubbed, raw, none' --stacks=some
wrong 'expected 8 to 65528 bytes' --stack-size 7
wrong 'expected a multiple of 8' --stack-size 9
wrong 'expected one of none, unwind, symbols, full' --embed all
wrong 'expected yes or no' --inherit maybe
wrong 'expected yes or no' --enable maybe
wrong 'expected more than 0' --duration 0
wrong 'expected a time, like 30' --duration -1
wrong 'expected a time, like 30' --duration 5x
wrong 'expected a size' --max-size 5T
wrong "'5': expected a size like 64M or a time like 60s, with unit" --rotate 5
wrong "expected 1 to 99999 files to keep after ':'" --rotate 5m:0
wrong 'expected files of 64K or more' --rotate 1K
wrong '--rotate and --last exclude each other' --rotate 5m --last 5m
wrong '--max-size and --last exclude each other' --max-size 5M --last 5m
wrong 'with unit' --last 1
wrong '--trigger-cpu needs --last' --trigger-cpu 50
wrong 'expected percent of one CPU' --last 60s --trigger-cpu 0
wrong 'expected 1s or more, or off' --sync 0.1
wrong 'nothing would ever take samples' --start-paused
wrong 'nothing would ever take samples' -D -1
wrong "'soon': expected milliseconds, a time" -D soon
wrong 'expected -20 to 19' --nice 20
wrong 'Unable to find user nobody-at-all in /etc/passwd; UID:GID is taken too' --switch-user nobody-at-all
wrong 'expected 0.1 to 100 percent of one CPU, or off' --max-overhead 0
wrong "unknown level 'loud', expected error, warn" -l loud
wrong "expected a file name, or '-'" -o ''
wrong 'control byte 0x1b at 1' -S "$(printf 'a\033b')"
wrong '300 bytes, limit is 200' -E "$(printf '%0300d' 1)"
wrong 'expected 1 to 65535 as a port' -P 99999
wrong 'expected one of bash, zsh, fish' --completion tcsh
wrong 'configuration: none-here: No such file or directory' --config none-here
wrong '/tmp: not a regular file' --config /tmp
pass "$n wrong options"

n=0
wrong "'' names no event" -e ''
wrong "';,' names no event" -e ';,'
wrong 'Invalid event/tracepoint \(scpu\): no event has this name; see -e help' -e scpu
wrong "Duplicate event found in input: .*'label=' tells two of a kind apart" -e sCPU -e sCPU
wrong 'period and frequency exclude each other' -e 'sCPU p=5 f=5'
wrong 'only sALLOC takes a negative one' -e 'sCPU p=-5'
wrong "'x' is no key of an event; see -e help" -e 'sCPU x=1'
wrong 'only sALLOC has a live mode' -e 'sCPU m=l'
wrong 'only tracepoints have raw values' -e 'sCPU o=5'
wrong "event 'sCPU' has no id" -e 'sCPU id=5'
wrong 'exclude each other' -e 'sched:sched_switch o=5 n=1'
wrong 'expected 1, 2, 4 or 8' -e 'sched:sched_switch z=3 o=1'
wrong 'expected 1 to 2147483647' -e id=0
wrong 'expected GROUP:NAME' -e a:b:c
wrong 'expected GROUP:NAME' -e ../x:y
wrong 'does not start with a digit' -e 'sPF l=1x'
wrong "'p=99999999999999999999': expected" -e 'sPF p=99999999999999999999'
wrong 'a word of 200 characters' -e "$(printf '%0200d' 1)"
wrong 'Unknown preset \(none\): expected default, cpu_only' --preset none
wrong 'at most 10 events' -e 'i=1;i=2;i=3;i=4;i=5;i=6;i=7;i=8;i=9;i=10;i=11'
pass "$n wrong events"

# perf's: not taken, but each with what to type instead
n=0
for option in -C -t -m -G -z -s -d -R -B -N -n -j -W -k --switch-output=64M --overwrite --uid=root --off-cpu \
	--all-user --per-thread --mmap-pages=64 --compression-level=3 --filter; do
	wrong 'only perf has it: ' "$option"
done
wrong 'expected seconds between uploads; .*pgrep' -u root
wrong 'leave it out, or dwarf,BYTES' --call-graph=fp
wrong 'only u \(user code alone\)' -e cycles:pp
wrong "perf's raw codes" -e r1a8
wrong "';' stands between events" -e cycles,instructions
pass "$n options and events of perf are refused with a hint"

n=0
while read -r text; do
	printf '%b\n' "${text%%|*}" >conf
	wrong "conf:${text#*|}" --config conf
done <<'EOF'
frequency = "x|1:13: the string has no end
service = "x"\na b|2:3: '=' is expected
service = "x"\nfrequency = 0|2:13: frequency: '0': expected 1 to 100000
inherit = "perhaps"|1:11: inherit: a boolean is expected
event = "sCPU;sCPU"|1:9: event: Duplicate event
frequency = [1,2]|1:14: a string is expected
\x01\x02|1:1: a key is expected
EOF
pass "$n wrong configurations, by line and column"

if "$record" -o .probe true >/dev/null 2>&1 && [ -s .probe ]; then # all that perf and we share
	expect 0 "$record" -q -i -F max --freq=99 --call-graph dwarf,8192 -e cpu-clock:u -o rec true
	[ ! -s err ] || fail "-q speaks: $(cat err)"
	expect 0 "$record" -c 1000000 -e cpu-clock -o rec -- true
	pass "options of perf that mean the same are taken"
fi

expect 127 "$record" ''
one_line "cannot run '': an empty name"
expect 2 "$record"
one_line 'nothing to record: give a COMMAND, -p PID or -a; see --help'

"$record" --help >short
[ "$(awk 'length > 80' short | wc -l)" = 0 ] && [ "$(wc -l <short)" -lt 90 ] ||
	fail "--help is $(wc -l <short) lines: $(awk 'length > 80' short)"
"$record" --help_extended >long
grep -q 'DD_API_KEY' long && ! grep -q 'DD_API_KEY' short || fail "--help-extended: $(cat long)"
pass "--help fits a terminal, --help-extended has the rest"
