#!/bin/sh
# COMMAND's exit status is passed on; ours are 2, 125, 126, 127.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/record.sh"
need_perf

for status in 0 1 42 125 255; do
	expect $status "$record" -o rec -- sh -c "exit $status"
done
pass "exit statuses are passed on"

for signal in 9 15 6; do
	expect $((128 + signal)) "$record" -o rec -- sh -c "kill -$signal \$\$"
done
pass "death by a signal is 128 and its number"

rm -f rec rec.old
expect 127 "$record" -o rec -- no-such-program
one_line "cannot run 'no-such-program': No such file"
expect 127 "$record" -o rec -- ./none
expect 127 env PATH=/nowhere "$record" -o rec -- true
echo 'echo hi' >plain
expect 126 "$record" -o rec -- ./plain
one_line "cannot run './plain': Permission denied"
expect 126 "$record" -o rec -- "$tmp"
printf '#!/no/such/interpreter\n' >script
chmod 755 script
expect 127 "$record" -o rec -- ./script
[ ! -e rec.old ] || fail "a program that is not there replaced a recording"
pass "programs that cannot run are 126 and 127"

for wrong in '' '-F 0 true' '-F x true' '-e sCPU,x=1 true' '-e nonsense true' '--stacks=some true' '--stack-size 9 true' \
	'-p x' '-p 1,,2' '-a true' '-p 1 -a' '--no-such' '--duration -1 true' '-o' '--embed true' \
	'--service'; do
	# shellcheck disable=SC2086 # words
	expect 2 "$record" $wrong
	[ ! -s out ] || fail "'$wrong' writes to standard output"
	one_line 'error: '
done
pass "wrong usage is 2 and one line"

expect 0 "$record" --help
grep -q -- '--stack-size=BYTES' out || fail "help does not tell of --stack-size: $(cat out)"
expect 0 "$record" --version
grep -qE '^ddprof-record [0-9]+\.' out || fail "version: $(cat out)"

# descriptors, signal mask and standard streams of COMMAND are what they were
here=$(ls /proc/self/fd | wc -l)
echo input | expect 0 "$record" -o rec -- sh -c 'ls /proc/self/fd | wc -l; cat; grep SigBlk /proc/self/status; echo error >&2'
[ "$(sed -n 1p out)" -le "$here" ] || fail "COMMAND inherits descriptors: $(cat out)"
grep -q '^input$' out || fail "COMMAND's standard input: $(cat out)"
grep -q '^SigBlk:[[:space:]]*0*$' out || fail "COMMAND's signal mask: $(cat out)"
grep -q '^error$' err || fail "COMMAND's standard error: $(cat err)"
pass "COMMAND gets descriptors, signals and streams as they were"
