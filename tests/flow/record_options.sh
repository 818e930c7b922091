#!/bin/sh
# Options of Datadog's profiler are understood; what the recorder does itself is done.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/record.sh"
need_perf
need_report

# has KEY VALUE: of the manifest of rec
has() {
	"$report" info rec >info || fail "info: $(cat info)"
	grep -q "^  $1  *$2\$" info || fail "manifest has no $1 '$2': $(cat info)"
}
# says TEXT: on standard error
says() {
	grep -qF -- "$1" err || fail "does not say '$1': $(cat err)"
}

# ---- metadata ----
expect 0 "$record" -o rec -S checkout -E prod --service_version 1.4.2 -T team:a,zone:b true
has service checkout
has env prod
has version 1.4.2
has tags team:a,zone:b
export DD_SERVICE=cart DD_ENV=dev DD_VERSION=2 DD_TAGS=a:b
expect 0 "$record" -o rec -S checkout true
has service checkout
has env dev
has version 2
has tags a:b
DD_TAGS=$(printf 'a\033[2Jb') expect 0 "$record" -o rec true
says 'warning: environment variable DD_TAGS: control byte 0x1b at 1; left out'
expect 2 "$record" -o rec --service "$(printf '%0300d' 1)" true
says '300 bytes, limit is 200'
unset DD_SERVICE DD_ENV DD_VERSION DD_TAGS
pass "service, environment, version and tags are kept in the recording"

# ---- everything that its users type ----
expect 3 "$record" -o rec -U http://localhost:8126 -H localhost -P 8126 -u 59 --api_key 0123456789abcdef0123456789abcdef \
	--agentless false --do_export=no --runtime_id x --remote-symbolization -I true --timeline --no-timeline \
	--show_samples --disable-symbolization --debug_pprof_prefix /tmp/p --socket @x --pipefd -1 \
	--initial-loaded-libs-check-delay 1 --loaded-libs-check-interval 2 --worker_period 240 -b /x --fault_info no \
	--no-reorder-events --maximum-pids -1 --preset default --inherit yes --stack_sample_size 32768 -l notice \
	--log_mode stderr --enable true sh -c 'exit 3'
says "--url, --host, --port, --upload-period, --api-key, --agentless, --do-export, --runtime-id, --remote-symbolization belong to 'ddprof-report upload'"
says 'belong to the views of ddprof-report'
says 'belong to libdd_profiling'
! grep -q 'cdef' err rec || fail "the key is in messages or in the file"
expect 3 "$record" -o rec --preset default --stack_sample_size 32768 sh -c 'exit 3'
has stack_bytes 32768
DD_TRACE_AGENT_URL=x DD_TRACE_AGENT_PORT=none DD_AGENT_HOST=y expect 0 "$record" -o rec true
says "warning: environment variable DD_TRACE_AGENT_PORT: 'none'"
! grep -q upload err || fail "the environment of other programs is talked about: $(cat err)"
expect 2 "$record" -o rec -P none true
pass "options of upload, report and library are accepted, checked and named once"

# ---- where values come from ----
export DD_PROFILING_NATIVE_EVENTS='sCPU f=50' DDPROF_FREQUENCY=wrong
expect 0 "$record" -o rec -F 77 -e sCPU true
has frequency_hz 77
expect 0 "$record" -o rec -F 77 true
has frequency_hz 50
expect 2 "$record" -o rec true
says "environment variable DDPROF_FREQUENCY: 'wrong'"
unset DD_PROFILING_NATIVE_EVENTS DDPROF_FREQUENCY

DD_API_KEY=0123456789abcdef0123456789abcdef DD_ENV=dev expect 0 "$record" --show_config -F 50 -U https://u:secret@h/
says 'api-key = ****************************cdef (environment DD_API_KEY)'
says 'frequency = 50 (option)'
says 'output = ddprof.data (default)'
says 'environment = dev (environment DD_ENV)'
says 'url = https://***@h/ (option)'
says "event sCPU: at 50 Hz"
! grep -q 'secret\|89ab' err || fail "--show-config shows secrets: $(cat err)"
[ ! -e ddprof.data ] || fail "--show-config alone records"
# shellcheck disable=SC2016 # for the inner shell
expect 0 "$record" -o rec --api_key 0123456789abcdef --show-config sh -c 'tr "\\0" " " </proc/$PPID/cmdline'
says 'api-key = ************cdef (option)'
grep -q -- '--api_key \*\*\*\*\*\*\*\*\*\*\*\*\*\*\*\* --show' out || fail "the key is in the command line: $(cat out)"
DD_PROFILING_SHOW_CONFIG=1 expect 0 "$record" -o rec -l error --api_key short true
says 'api-key = ***** (option)'
pass "--show-config tells origins and hides keys"

DD_API_KEY=0123456789abcdef DD_ENV='q"\' expect 0 "$record" -o rec --capture_config conf -F 50 -e 'sCPU;sPF' -e sCS --inherit=no true
! grep -q 'cdef' conf || fail "--capture-config writes the key"
[ "$(stat -c %a conf)" = 600 ] || fail "--capture-config: mode $(stat -c %a conf)"
expect 0 "$record" -o rec --config conf --show-config true
says 'event = sCPU;sPF (configuration conf:'
says 'event = sCS (configuration conf:'
says 'environment = q"\ (configuration conf:'
says 'inherit = no (configuration conf:'
has frequency_hz 50
pass "--capture-config writes what --config reads, without keys"

# ---- where messages go ----
expect 0 "$record" -o rec --log_mode=messages -v true
[ ! -s err ] && [ ! -s out ] || fail "--log-mode=FILE still speaks: $(cat out err)"
grep -q '^ddprof-record: .*samples in' messages || fail "no summary in the file: $(cat messages)"
[ "$(stat -c %a messages)" = 600 ] || fail "messages: mode $(stat -c %a messages)"
expect 0 "$record" -o rec --log_mode=stdout true
grep -q 'samples in' out || fail "--log-mode=stdout: $(cat out)"
[ ! -s err ] || fail "--log-mode=stdout: $(cat err)"
DD_PROFILING_NATIVE_LOG_MODE=disabled expect 0 "$record" -o rec true
[ ! -s err ] && [ ! -s out ] || fail "--log-mode=disabled speaks: $(cat out err)"
expect 2 "$record" -o - --log_mode=stdout true
one_line 'both want standard output'
expect 0 "$record" -o rec --log_mode=/nowhere/x true
says "warning: cannot write messages to '/nowhere/x'"
pass "messages go to a file, standard output, or nowhere"

# ---- COMMAND and the recorder ----
rm -f rec
expect 7 "$record" -o rec --enable=false sh -c 'echo hello; exit 7'
says 'Profiling disabled'
grep -q hello out || fail "--enable=false: COMMAND did not run"
[ ! -e rec ] || fail "--enable=false records"
DD_PROFILING_ENABLED=0 expect 127 "$record" no-such-program
expect 0 "$record" -o rec --enable=no -p $$
pass "--enable=false runs COMMAND alone"

echo 'int main(void) { for (volatile long i = 0; i < 200000000; i++) ; return 0; }' >spin.c
"$CC" -O1 -o spin spin.c
expect 0 "$record" -o rec -e sCPU --inherit=no sh -c './spin; :'
"$report" show rec >show
! grep -q '\[spin\|(spin)' show || fail "--inherit=no records children: $(cat show)"
expect 0 "$record" -o rec -e sCPU --inherit=yes sh -c './spin; :'
"$report" show rec >show
grep -q '(spin)\|\[spin' show || fail "--inherit=yes does not record children: $(cat show)"
pass "--inherit=no leaves children out"

if [ "$(id -u)" = 0 ]; then
	# shellcheck disable=SC2016 # for the inner shell
	expect 0 "$record" -o rec --switch_user=nobody --nice=5 --cpu_affinity=0x1 sh -c \
		'id -un; id -gn; nice; grep Cpus_allowed: /proc/self/status; ps -o ni= -p $PPID; grep Cpus_allowed: /proc/$PPID/status'
	mask=$(awk '/Cpus_allowed:/ { print $2 }' /proc/self/status)
	printf 'nobody\nnogroup\n%s\nCpus_allowed:\t%s\n' "$(nice)" "$mask" >want
	head -n 4 out >got
	same want got "COMMAND is not nobody alone: $(cat out)"
	[ "$(sed -n 5p out | tr -d ' ')" = 5 ] || fail "nice of the recorder: $(cat out)"
	grep -q '^Cpus_allowed:.*0*1$' out || fail "CPUs of the recorder: $(cat out)"
	# shellcheck disable=SC2016 # for the inner shell
	expect 0 "$record" -o rec --nice=6 sh -c 'ps -o ni=,comm= --ppid $PPID'
	n=$(awk '$2 ~ /^ddprof/ { n++; bad += $1 != 6 } END { print (n > 1 && !bad) ? "ok" : "bad" }' out)
	[ "$n" = ok ] || fail "not all of the recorder's processes have its nice value: $(cat out)"
	# shellcheck disable=SC2016 # for the inner shell
	expect 0 "$record" -o rec --nice=6 sh -c 'ps -o cls= -p $PPID'
	[ "$(tr -d ' ' <out)" = TS ] || fail "--nice=6 runs in real time: $(cat out)"
	"$report" info rec | grep -q 'turn  *nice 6' || fail "turn: $("$report" info rec)"
	# shellcheck disable=SC2016 # for the inner shell
	expect 0 "$record" -o rec -r 2 sh -c 'ps -o cls=,comm= -p $$; ps -o cls= --ppid $PPID'
	[ "$(awk 'NR == 1 { print $1 }' out)" = TS ] || fail "COMMAND runs in real time: $(cat out)"
	! sed 1d out | grep -q RR || fail "a child runs in real time: $(cat out)"
	[ "$(stat -c %U rec)" = root ] || fail "the recording belongs to $(stat -c %U rec)"
	expect 0 "$record" -o rec --switch_user=4711:4712 sh -c 'id -u; id -g; id -G'
	printf '4711\n4712\n4712\n' >want
	same want out "UID:GID: $(cat out)"
	expect 0 "$record" --enable=no --switch_user=nobody id -un
	grep -qx nobody out || fail "--enable=no --switch-user: $(cat out)"
	need setpriv
	expect 125 setpriv --reuid=65534 --regid=65534 --clear-groups "$record" -o "$tmp/none" --switch_user=root sh -c 'echo ran'
	says 'Failed to switch to user root: Operation not permitted'
	[ ! -s out ] || fail "COMMAND ran as another user than asked for"
	expect 0 setpriv --reuid=65534 --regid=65534 --clear-groups "$record" --enable=no --switch_user=nobody id -un
	grep -qx nobody out || fail "nobody cannot become nobody: $(cat out err)"
	pass "--switch-user, --nice and --cpu-affinity"
fi
expect 2 "$record" -o rec --switch_user=nobody-at-all sh -c 'echo ran'
one_line 'Unable to find user nobody-at-all'
[ ! -s out ] || fail "COMMAND ran"
expect 0 "$record" -o rec --cpu_affinity=xyz true
says "warning: option --cpu-affinity: 'xyz' is no mask of CPUs"
pass "an unknown user is refused, a wrong mask is warned about"
