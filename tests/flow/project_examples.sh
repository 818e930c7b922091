#!/bin/sh
# What the pages and README show can be typed: each example runs, with a program and a process in place of theirs.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/record.sh"
need_report
need_perf
target split

mkdir bin
ln -s "$record" "$report" bin/
printf '#!/bin/sh\ncat >/dev/null\n' >bin/flamegraph.pl # nothing of ours
chmod +x bin/flamegraph.pl
PATH=$tmp/bin:$PATH
export HOME=$tmp

# Commands of a page: .Dl lines, and displays; of README: what is indented. Escapes and remarks go.
examples() {
	case $1 in
	*.md) sed -n 's/^    //p' "$1" ;;
	*) sed -n 's/^\.Dl //p; /^\.Bd/,/^\.Ed/{/^\.[BE]d/!p;}' "$1" ;;
	esac | sed -n 's/  *#.*//; s/\\&//g; s/\\e$/\\/; /^\(\.\/\|[A-Z_]*=[a-z]* \|mkfifo .*; \|ssh host \)*ddprof-re/p'
}

# What needs a network, another tool's file, or names a function of another program.
left_out() {
	case $1 in
	*--urls*|*annotate*|*debug-dir*|*perf.data*|*'     '*|*'->'*) return 0 ;;
	*--switch-user*) [ "$(id -u)" != 0 ] ;;
	*sched:*) [ ! -r /sys/kernel/tracing/events/sched ] ;;
	*' -a'*) [ "$(id -u)" != 0 ] ;;
	*'go tool'*) ! command -v go >/dev/null ;;
	*) return 1 ;;
	esac
}

# run LINE: in a directory with what examples name. ./out and ./err have what it says.
run() {
	rm -rf here
	mkdir here
	cd here
	ln -s ../split split
	printf '#!/bin/sh\nexec ./split 20\n' >app
	cp app server
	chmod +x app server
	echo 'int main(void) { return 0; }' >large.c
	cp large.c some.c
	echo 'service = "checkout"' >ddprof.toml
	cp ../one.data ddprof.data
	cp ../one.data other.data
	cp ../one.data crash.data
	cp ../one.data app.data.000001
	cp ../one.data FILE.000001
	a= b=
	case $1 in
	*4711*|*1234*|*PID*|*pidof*)
		sleep 1 &
		a=$!
		sleep 1 &
		b=$!
		;;
	esac
	line=$(printf '%s\n' "$1" | sed "s/4711,4712/$a,$b/; s/4711\|1234\|\$(pidof server)/$a/; s/-p PID/-p $a/
		s/--duration[ =][0-9]*/--duration=0.3/; s/--delay=10s/--delay=0.05s/; s/^ssh host //; s,^\./ddprof,ddprof,
		s,/var/[a-z]*/,,; s,/etc/,,")
	case $line in
	*'&'|*'& '*) # what runs in the background is waited for as well
		line=$(printf '%s\nrc=$?; wait; exit $rc' "$line")
		;;
	esac
	case $line in
	*ddprof-record*' -a'*|*start-paused*) set -- timeout -s INT 2 sh -c "$line" ;;
	*) set -- timeout 60 sh -c "$line" ;;
	esac
	rc=0
	"$@" >../out 2>../err </dev/null || rc=$?
	wait
	cd ..
}

"$record" -F 999 -e 'sCPU;offcpu' -o one.data ./split 100 >/dev/null 2>err || fail "$(cat err)"
for page in README.md man/ddprof-record.1 man/ddprof-report.1 man/ddprof.7; do
	n=0
	examples "$src/$page" >list
	while read -r line <&3; do
		left_out "$line" && continue
		run "$line"
		case $line in
		*doctor*) [ $rc -le 1 ] ;;
		*' -a'*|*start-paused*) [ $rc = 0 ] || [ $rc = 124 ] ;;
		*) [ $rc = 0 ] ;;
		esac || fail "$page: '$line' ends with $rc: $(cat err)"
		! grep -q 'error:\|; COMMAND runs without' err || fail "$page: '$line' says $(cat err)"
		n=$((n + 1))
	done 3<list
	[ $n -gt 0 ] || fail "$page has no examples"
	pass "$page: $n examples run"
done
