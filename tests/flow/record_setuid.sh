#!/bin/sh
# Programs that the kernel takes from whoever samples them: setuid, setgid, file capabilities, not
# readable. They are named with their reason, the others are sampled as ever, statuses are passed.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/record.sh"
. "$targets/truth.sh"
need_report
need_perf
need_root
need setpriv
compile split.c split
compile rights.c plain
chmod 777 .

nobody='setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all,+net_raw --inh-caps=-all'
# By root without capabilities such a file would still be readable: a shell of nobody's execs it.
as_nobody() {
	# shellcheck disable=SC2086 # words
	$nobody "$@"
}
make() {
	cp plain "$1"
	chown "${3:-0:0}" "$1"
	chmod "$2" "$1"
}
make suid 4755
make sgid 2755 0:1
make shut 0711
make taken 4755
make given 4755
make other 4755 1:1
programs='suid sgid shut taken given'
labels='suid (setuid)|sgid (setgid)|shut (not readable)|taken (setuid)|given (setuid)'
if command -v setcap >/dev/null && cp plain caps && setcap cap_net_raw+ep caps 2>/dev/null; then
	programs="$programs caps"
	labels="$labels|caps (file capabilities)"
fi
[ "$(as_nobody ./suid | cut -d' ' -f2)" = 0 ] || skip "setuid has no effect on this file system"

cat >all.sh <<'END'
#!/bin/sh
for program in "$@"; do
	case $program in
	taken) how=take ;;
	given) how=drop ;;
	*) how= ;;
	esac
	{ ./$program 100 2500 $how >/dev/null; echo "$program $?"; } &
done
./split 1000
wait
END
chmod 755 all.sh

# How long until the recorder looks at them is up to a busy host: where one was gone, once more.
tries=0
while :; do
	rm -f rec
	# shellcheck disable=SC2086 # words
	as_nobody "$record" -F 499 -o rec -- ./all.sh $programs >out 2>err || fail "all.sh: $(cat err)"
	grep -q 'not known' err || break
	tries=$((tries + 1))
	[ $tries -lt 4 ] || fail "not looked at in time: $(cat err)"
done
[ "$(grep -c 'could not be sampled' err)" = 1 ] || fail "not said once: $(cat err)"
number=$(echo "$programs" | wc -w)
grep -q ": $number processes could not be sampled: " err || fail "not all: $(cat err)"
echo "$labels" | tr '|' '\n' >labels
while read -r label; do
	grep -qF "$label" err || fail "'$label' is not said: $(cat err)"
done <labels
for program in $programs; do
	grep -qx "$program 7" out || fail "the status of $program: $(cat out)"
done
pass "each of $number programs is named with its reason: $(sed -n 's/.*sampled: \(.*\); the.*/\1/p' err)"

"$report" --comm=split --folded rec >folded
[ "$(wc -l <folded)" -gt 0 ] || fail "no samples of the ordinary child"
right=$(share ';(heavy_work|light_work)(;|$)')
awk -v r="$right" 'BEGIN { exit !(r >= 0.98) }' || fail "$right of the ordinary child's samples are right"
near "heavy_work" "$(share 'heavy_work')" 0.70 0.08
"$report" --folded rec | grep -q privileged_work && fail "samples of a program that has none"
pass "the ordinary child beside them: $right of its samples where they belong"

"$report" show rec >text
head -n 1 text | grep -q "^$number processes could not be sampled: .*shut (not readable)" ||
	fail "show: $(head -n 3 text)"
"$report" info rec >text
grep -q '^ *1  taken: setuid$' text || fail "info: $(cat text)"
for verb in show info; do
	"$report" $verb --json rec | grep -q '"name":"shut","reason":"not readable","processes":1' ||
		fail "$verb --json"
done
"$report" export pprof -o pprof.gz rec
gzip -dc pprof.gz | grep -aq "$number processes could not be sampled" || fail "no comment in pprof"
"$report" scrub rec scrubbed && "$report" info scrubbed | grep -q 'sgid: setgid' || fail "scrub loses them"
pass "show, info, JSON, pprof and scrub have them"

# Too short to be looked at, and too many names for the table: none is missing from the count.
cat >many.sh <<'END'
#!/bin/sh
i=0
while [ $i -lt 60 ]; do
	cp "$1" many-$((i % 40))
	chmod 111 many-$((i % 40))
	./many-$((i % 40)) >/dev/null
	rm -f many-$((i % 40))
	i=$((i + 1))
done
true
END
chmod 755 many.sh
as_nobody "$record" -o many -- ./many.sh ./plain >out 2>err || fail "many.sh: $(cat err)"
grep -q ': 60 processes could not be sampled: .*others (.*, [0-9]*)' err || fail "60 of 40 names: $(cat err)"
counted=$("$report" show --json many | grep -o '"processes":[0-9]*' | awk -F: '{ n += $2 } END { print n }')
[ "$counted" = 60 ] || fail "$counted of 60 are in the recording"
pass "60 short ones of 40 names are all counted"

# Where exec gives no rights there is nothing to take away.
as_nobody setpriv --no-new-privs "$record" -F 499 -o rec -- ./suid 300 >out 2>err || [ $? = 7 ] || fail "$(cat err)"
grep -q 'could not' err && fail "without new privileges: $(cat err)"
"$report" --folded rec | grep -q privileged_work || fail "without new privileges: no samples"
# The whole system's events are the CPUs': they stay.
# shellcheck disable=SC2086 # words
$nobody sh -c './shut 600 2000; ./suid 600 1000' >out 2>&1 &
background $!
"$record" -a --duration 4 -o roots >out 2>err || fail "-a: $(cat err)"
grep -q 'could not' err && fail "-a: $(cat err)"
"$report" --comm='s*' --folded roots | grep -q privileged_work || fail "-a: no samples"
pass "no_new_privs and the whole system: sampled, not labelled"

"$record" -F 499 -o roots -- ./suid 300 >out 2>err || [ $? = 7 ] || fail "root: $(cat err)"
grep -q 'could not' err && fail "root's own: $(cat err)"
"$report" --folded roots | grep -q privileged_work || fail "root's own: no samples"
"$record" -o roots -- ./other 100 2000 >out 2>err || [ $? = 7 ] || fail "root: $(cat err)"
grep -q '1 process could not be sampled: other (' err || fail "root, another user's setuid program: $(cat err)"
"$record" --switch_user nobody -o roots -- sh -c './shut 100 2000; true' >out 2>err || fail "root as nobody: $(cat err)"
grep -q '1 process could not be sampled: shut (' err || fail "root as nobody: $(cat err)"
pass "root: its own setuid programs are sampled, those of others are named"

# Long recordings: every file says it.
as_nobody "$record" --rotate 1s -o seg -- sh -c './suid 10 1500; ./split 2500' >out 2>err || fail "$(cat err)"
set -- seg.*
[ $# -ge 2 ] || fail "one file: $(cat err)"
for file in "$@"; do last=$file; done
"$report" info "$last" | grep -q '^ *1  suid: ' || fail "the last of $# files: $("$report" info "$last")"
as_nobody "$record" --last 1s -o last -- sh -c './suid 10 1500; ./split 1500' >out 2>err || fail "$(cat err)"
"$report" info last | grep -q '^ *1  suid: ' || fail "the flight recorder: $("$report" info last)"
pass "the last segment and the flight recorder have those that began before"

# By number: the same words, before anything is recorded.
for program in suid shut; do
	# shellcheck disable=SC2086 # words; not as_nobody: $! is what is to end
	$nobody sh -c "./$program 10 60000 & echo \$! >pid; exec sleep 60" >out 2>&1 &
	background $!
	wait_for 20 test -s pid
	pid=$(cat pid)
	background "$pid"
	wait_for 20 grep -qx "$program" "/proc/$pid/comm"
	as_nobody "$record" -o one -p "$pid" >out 2>err && fail "-p of $program: $(cat err)"
	one_line 'setuid, setgid, has file capabilities or is not readable.*CAP_PERFMON'
	as_nobody "$record" doctor "$pid" >out 2>&1 && fail "doctor of $program: $(cat out)"
	grep -q '^-p  *refused.*is not readable' out || fail "doctor of $program: $(cat out)"
	kill -9 "$pid"
	rm -f pid
done
as_nobody "$record" doctor ./suid >out 2>&1 && fail "doctor ./suid: $(cat out)"
grep -q 'refused  *setuid: the kernel ends sampling' out || fail "doctor ./suid: $(cat out)"
as_nobody "$record" doctor ./shut >out 2>&1 && fail "doctor ./shut: $(cat out)"
grep -q 'refused  *not readable (' out || fail "doctor ./shut: $(cat out)"
pass "-p and doctor say the same"

# Whoever may sample everybody may not look into everybody.
cp "$record" perfmon
if setcap cap_perfmon+ep perfmon 2>/dev/null; then
	./plain 4000 0 >/dev/null &
	background $!
	# shellcheck disable=SC2086 # words
	setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all ./perfmon -a --duration 2 -o all >out 2>err ||
		fail "CAP_PERFMON: $(cat err)"
	"$report" info all | grep -q 'plain: mappings not readable' || fail "CAP_PERFMON: $("$report" info all | head -60)"
	"$report" show --by=process all | grep -q ' plain$' || fail "CAP_PERFMON: a process without a name"
	pass "CAP_PERFMON alone: processes that cannot be looked into are named"
fi
