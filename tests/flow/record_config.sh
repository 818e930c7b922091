#!/bin/sh
# ddprof.toml: what it says counts between environment and command line; what is wrong has a place.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/record.sh"
need_perf
need_report

has() {
	"$report" info rec >info || fail "info: $(cat info)"
	grep -q "^  $1  *$2\$" info || fail "manifest has no $1 '$2': $(cat info)"
}
says() {
	grep -qF -- "$1" err || fail "does not say '$1': $(cat err)"
}
# config LINE...: ./ddprof.toml
config() {
	printf '%s\n' "$@" >ddprof.toml
}

# as users of the model have it
config '# short periods' 'event="sCPU period=200"' 'event="sPF"' 'upload_period=10' 'do_export=0' \
	'service="cart"' 'show_config = false' 'worker_period=2' 'stack-sample-size = 16384' 'timeline=true'
DD_SERVICE=other DD_ENV=dev DD_PROFILING_NATIVE_EVENTS=sCS expect 0 "$record" -o rec true
has event 'sCPU;sPF'
has frequency_hz 200
has service cart
has env dev
has stack_bytes 16384
says "--upload-period, --do-export belong to 'ddprof-report upload'"
[ "$(grep -c '' err)" -le 5 ] || fail "much is said: $(cat err)"
expect 0 "$record" -o rec -e sCPU --service wish true
has event sCPU
has frequency_hz 99
has service wish
pass "the default file goes before the environment and after options; event lines add up"

expect 0 "$record" -o rec --config=none true
has event sCPU
expect 0 "$record" --show-config
says 'options, with ddprof.toml:'
says 'event = sPF (configuration ddprof.toml:3:7)'
mkdir sub
printf 'frequency = 41\nevent = ["sCPU", "sPF"]\n' >sub/x.toml
expect 0 "$record" -o rec --config=sub/x.toml true
has frequency_hz 41
has event 'sCPU;sPF'
DD_PROFILING_NATIVE_CONFIG=sub/x.toml expect 0 "$record" -o rec true
has frequency_hz 41
rm ddprof.toml
expect 0 "$record" -o rec true
[ "$(grep -c '' err)" -eq 1 ] || fail "a default file that is not there is talked about: $(cat err)"
pass "--config, its variable, 'none', and no file at all"

# STATUS TEXT LINE...: the file with these lines; COMMAND must not have run when 2
wrong() {
	status=$1 text=$2
	shift 2
	config "$@"
	expect "$status" "$record" -o rec sh -c 'echo ran >>ran'
	says "$text"
	[ "$status" = 0 ] || [ "$(grep -c '' err)" -eq 1 ] || fail "not one line: $(cat err)"
	[ "$status" = 0 ] || [ ! -e ran ] || fail "COMMAND ran with a wrong configuration: $*"
	rm -f ran
}
wrong 0 "ddprof.toml:2:1: unknown key 'frequncy', nearest is frequency; left out" 'service = "a"' 'frequncy = 12'
wrong 0 "ddprof.toml:1:1: unknown key 'zzzz'; left out" 'zzzz = 1'
wrong 0 "unknown key 'config'" 'config = "x"'
wrong 0 "unknown key 'a.frequency'" '[a]' 'frequency = 12'
wrong 2 "ddprof.toml:2:13: frequency: '0': expected 1 to 100000 samples a second" 'service = "a"' 'frequency = 0'
wrong 2 "ddprof.toml:1:12: stacks: 'some': expected one of scrubbed, raw, none" '  stacks = "some"'
wrong 2 "ddprof.toml:1:9: event: " 'event = "sCPU bogus=1"'
wrong 2 "ddprof.toml:2:9: event: Duplicate event found in input: sPF" 'event = "sPF"' 'event = "sPF"'
wrong 2 "ddprof.toml:2:1: 'service' is set already in line 1" 'service = "a"' 'service = "b"'
wrong 2 "ddprof.toml:1:13: frequency: a string or number is expected, found boolean" 'frequency = true'
wrong 2 "ddprof.toml:1:8: all: a boolean is expected, found string" 'all  = "perhaps"'
wrong 2 "ddprof.toml:1:11: service: a single value is expected, found array of strings" 'service = ["a", "b"]'
wrong 2 "ddprof.toml:1:10: " 'preset = cpu_only'
wrong 2 "ddprof.toml:2:1: " 'service = "a"' '= 1'
wrong 2 "ddprof.toml:1:9: preset: Unknown preset (x)" 'preset ="x"'
rm -f ddprof.toml
expect 2 "$record" -o rec --config=none.toml true
one_line 'none.toml: No such file'
mkfifo fifo
expect 2 "$record" -o rec --config=fifo true
one_line 'fifo: not a regular file'
head -c 70000 /dev/zero | tr '\0' '#' >large
expect 2 "$record" -o rec --config=large true
one_line 'large: more than 65536 bytes'
pass "unknown keys are warned about, wrong values refused, both with line and column"

config 'output = "/etc/ddprof-was-here"' 'switch_user = "root"'
chmod 666 ddprof.toml
expect 0 "$record" -o rec true
says 'belongs to another user or is writable for everybody: left out'
if [ "$(id -u)" = 0 ]; then
	chmod 644 ddprof.toml
	chown 65534 ddprof.toml
	expect 0 "$record" -o rec true
	says 'belongs to another user'
	[ ! -e /etc/ddprof-was-here ] || fail "orders of another user were taken"
fi
rm -f ddprof.toml
mkfifo ddprof.toml
expect 0 timeout 20 "$record" -o rec true || fail "a FIFO stops it: $(cat err)"
pass "a default file of somebody else is left alone"
