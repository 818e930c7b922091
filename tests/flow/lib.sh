# Harness of the flow tests. First line of each: . "$(dirname "$0")/lib.sh"
# The test then runs in an empty directory of its own, removed at the end, with
#	$record $report		the built programs
#	$src $build		source and build tree
#	$targets		sources of the programs to record
# and ends with status 0, 1 (fail), or 77 (skip). An unexpected failure of any command fails it (set -e).

set -eu
umask 022
export LC_ALL=C
unset DEBUGINFOD_URLS DDPROF_DEBUG 2>/dev/null || :
export DDPROF_MAX_OVERHEAD=off # on a busy host a second of start can cost more; record_overhead asks for it

src=${DDPROF_SRC:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${DDPROF_BUILD:-$PWD}
record=$build/ddprof-record
report=$build/ddprof-report
targets=$src/tests/flow/targets
CC=${CC:-gcc}

tmp=$(mktemp -d "${TMPDIR:-/tmp}/ddprof-flow.XXXXXX")
chmod 755 "$tmp" # tests that drop privileges have to come in
cd "$tmp"
export XDG_CACHE_HOME="$tmp/.cache" # nothing is left in, or taken from, the user's own
export XDG_CONFIG_HOME="$tmp/.config"

# Programs that the test left running: `background PID` has them killed at the end.
background_pids=
background() {
	background_pids="$background_pids $1"
}

at_end() {
	status=$?
	for pid in $background_pids; do
		kill -9 "$pid" 2>/dev/null || :
	done
	cd /
	rm -rf "$tmp"
	case $status in
	0|77) ;;
	*) echo "$(basename "$0"): ends with status $status" ;;
	esac
}
trap at_end EXIT
trap 'exit 1' HUP INT TERM

skip() {
	echo "skip: $*"
	exit 77
}

fail() {
	echo "FAIL: $*"
	exit 1
}

# pass SENTENCE: one thing has been shown; counted.
pass() {
	echo "ok: $*"
}

# need COMMAND...: skips where one is missing.
need() {
	for command; do
		command -v "$command" >/dev/null 2>&1 || skip "$command is not installed"
	done
}

# Skips where the kernel does not let this user sample a program.
need_perf() {
	test -e /proc/sys/kernel/perf_event_paranoid || skip "this kernel has no perf_event_open"
	"$record" -o "$tmp/.probe" -- true >"$tmp/.probe.text" 2>&1 || :
	test -s "$tmp/.probe" ||
		skip "sampling is not allowed here: $(tail -n 1 "$tmp/.probe.text")"
	rm -f "$tmp/.probe" "$tmp/.probe.text"
}

need_report() {
	test -x "$report" || skip "built with --disable-report"
}

need_root() {
	test "$(id -u)" = 0 || skip "needs root"
}

# target NAME [FLAGS...]: compiles targets/NAME.c into ./NAME
target() {
	name=$1
	shift
	"$CC" -std=gnu11 -O2 -g "$@" -o "$name" "$targets/$name.c" -lpthread -ldl -lm ||
		fail "target $name does not compile"
}

# same A B WHAT: two files are equal
same() {
	cmp -s "$1" "$2" && return
	diff "$1" "$2" | head -n 20 || :
	fail "$3"
}

# within GOT WANT TOLERANCE WHAT: numbers, decimal
within() {
	awk -v got="$1" -v want="$2" -v tolerance="$3" 'BEGIN {
		d = got - want
		exit !(d <= tolerance && -d <= tolerance)
	}' || fail "$4: got $1, want $2 +- $3"
}

# golden CASE/NAME FILE: compares with tests/golden; `make golden` writes it instead.
golden() {
	if test "${GOLDEN:-}" = write; then
		mkdir -p "$(dirname "$src/tests/golden/$1")"
		cp "$2" "$src/tests/golden/$1"
	else
		same "$src/tests/golden/$1" "$2" "output differs from tests/golden/$1 (make golden rewrites it)"
	fi
}
