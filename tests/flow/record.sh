# For tests of ddprof-record. Sourced after lib.sh.

# value KEY FILE: a number of `info --json`
value() {
	"$report" info --json "$2" 2>/dev/null | sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" | head -n 1
}

# expect STATUS COMMAND...: runs it; its output is in ./out and ./err
expect() {
	want=$1
	shift
	rc=0
	"$@" >out 2>err || rc=$?
	[ "$rc" -eq "$want" ] || fail "'$*' ended with $rc, expected $want: $(cat err)"
}

# one_line PATTERN: ./err is one line that says it
one_line() {
	[ "$(wc -l <err)" -eq 1 ] || fail "not one line: $(cat err)"
	grep -qE -- "$1" err || fail "the line says not '$1': $(cat err)"
}

# wait_for SECONDS COMMAND...: until it holds
wait_for() {
	tries=$(($1 * 50))
	shift
	while ! "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || fail "waited in vain for: $*"
		sleep 0.02
	done
}

# children PID: its direct children
children() {
	cat "/proc/$1/task/$1/children"
}
