#!/bin/sh
# doctor says what a recording would be like, by doing it: here, for a process, for a program; and what it
# puts into a bundle holds no secret.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/record.sh"
. "$targets/truth.sh"
compile deny.c deny
compile split.c split

# verdict NAME FILE: of the line with this name
verdict() {
	sed -n "s/^$1  *\(ok\|limited\|refused\|not known\) .*/\1/p" "$2" | head -n 1
}

# ---- usage ----
expect 2 "$record" doctor --no-such
one_line 'doctor: .*no-such'
expect 2 "$record" doctor --dry-run
expect 0 "$record" doctor --help
grep -q -- '--bundle=FILE' out || fail "--help: $(cat out)"
pass "wrong usage is status 2"

# ---- gates, without any right to sample ----
expect 1 ./deny 13 "$record" doctor
[ "$(verdict COMMAND out)" = refused ] || fail "EACCES: $(cat out)"
tail -n 1 out | grep -q '^nothing can be recorded here' || fail "last line: $(tail -n 1 out)"
expect 1 ./deny 38 "$record" doctor
[ "$(verdict perf_event_open out)" = refused ] || [ "$(verdict seccomp out)" = refused ] || fail "ENOSYS: $(cat out)"
expect 1 ./deny kill "$record" doctor
[ "$(verdict seccomp out)" = refused ] || fail "a killing filter: $(cat out)"
grep -q 'signal 31' out || fail "the signal is not named: $(grep seccomp out)"
expect 1 ./deny 13 "$record" doctor --json
command -v python3 >/dev/null && python3 - out <<'EOF'
import json, sys
d = json.load(open(sys.argv[1]))
assert d["format"] == "ddprof-record doctor" and d["version"] == 1 and d["possible"] is False
assert {c["verdict"] for c in d["checks"]} <= {"ok", "limited", "refused", "not known"}
assert all(c["name"] and "remedy" in c and c["about"] in ("host", "recording", "target") for c in d["checks"])
EOF
pass "refusals are found without being killed by them; --json"

# ---- programs ----
expect_target() { # STATUS NAME-OF-LINE VERDICT OPERAND
	rc=0
	"$record" doctor "$4" >out 2>err || rc=$?
	[ ! -s err ] || fail "doctor $4: $(cat err)"
	[ "$(verdict "$2" out)" = "$3" ] || fail "doctor $4: '$2' is not $3: $(cat out)"
	[ "$1" = any ] || [ "$rc" = "$1" ] || fail "doctor $4: status $rc, want $1"
}
# shellcheck disable=SC2016 # $ is the script's
printf '#!/bin/sh\necho $0\n' >script
chmod +x script
cp split stripped
strip -s stripped
cp split closed
chmod -x closed
expect_target 1 'may be executed' refused ./closed
expect_target 1 program refused no-such-program-at-all
expect_target any symbols ok ./split
expect_target any symbols limited ./stripped
expect_target any 'unwind tables' ok ./stripped
expect_target any kind ok ./script
expect_target any interpreter ok ./script
printf '\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\363\0' >riscv
head -c 100 /dev/zero >>riscv
chmod +x riscv
expect_target 1 machine refused ./riscv
pass "programs: stripped, not executable, of another machine, scripts, missing"

# ---- processes ----
sleep 100 &
sleeper=$!
background $sleeper
expect_target any CPU limited $sleeper
grep -q -- '-e offcpu' out || fail "a sleeper: $(cat out)"
./split 60000 >/dev/null &
busy=$!
background $busy
wait_for 5 grep -qx split /proc/$busy/comm
expect_target any CPU ok $busy
expect_target 1 process refused 2147483647
if command -v python3 >/dev/null; then
	python3 -c 'while True: pass' &
	snake=$!
	background $snake
	wait_for 5 grep -q python "/proc/$snake/maps"
	expect_target any runtime limited $snake
	grep -q 'Python.*-X perf' out || fail "python3: $(cat out)"
	kill -9 $snake
fi
# shellcheck disable=SC2016 # $ is the inner shell's; it is another program when its child ends
sh -c 'sleep 0.1 & echo $! >zombie; exec sleep 100' &
background $!
wait_for 5 grep -q . zombie
wait_for 5 grep -q '^State:	Z' "/proc/$(cat zombie)/status"
expect_target 1 process refused "$(cat zombie)"
grep -q 'a zombie' out || fail "a zombie: $(cat out)"
if [ "$(cat /proc/2/comm 2>/dev/null)" = kthreadd ]; then
	expect_target 1 process refused 2
	grep -q 'a kernel thread: it has no user code; record it with -a' out || fail "kthreadd: $(cat out)"
fi
pass "processes: asleep, busy, missing, a zombie, a kernel thread"

# ---- the bundle ----
need tar zstd
./split 60000 --api-key=canary-one --token canary-two 'postgres://user:canary-three@db/x' 'Authorization: Bearer canary-four' >/dev/null 2>&1 &
secret=$!
background $secret
DD_API_KEY=canary-five0123456789abcdef
MY_SECRET=canary-six
DD_SERVICE=canary-seven
export DD_API_KEY MY_SECRET DD_SERVICE
expect 0 "$record" doctor --bundle=b.tar.zst --dry-run $secret
[ ! -e b.tar.zst ] || fail "--dry-run wrote"
cp out dry
expect 0 "$record" doctor --bundle=b.tar.zst $secret
[ "$(stat -c %a b.tar.zst)" = 600 ] || fail "mode $(stat -c %a b.tar.zst)"
tar --zstd -tf b.tar.zst >listed || fail "tar cannot list it"
sed -n 's/^  \(ddprof-bundle[^ ]*\).*/\1/p' out >said
same listed said "what is in the bundle is not what was listed"
sed -n 's/^  \(ddprof-bundle[^ ]*\).*/\1/p' dry >said
same listed said "--dry-run lists something else"
mkdir bundle
tar --zstd -xf b.tar.zst -C bundle || fail "tar cannot read it"
if zstd -dcq b.tar.zst | grep -aq canary; then
	fail "a secret is in the bundle: $(zstd -dcq b.tar.zst | grep -a canary)"
fi
grep -qx 'DD_API_KEY=\*\*\*' bundle/ddprof-bundle/environment.txt || fail "names of variables are missing"
grep -qx -- '--api-key=\*\*\*' bundle/ddprof-bundle/target-command.txt || fail "$(cat bundle/ddprof-bundle/target-command.txt)"
grep -q '^Max locked memory' bundle/ddprof-bundle/recorder.txt || fail "no limits"
grep -q '^CapEff' bundle/ddprof-bundle/recorder.txt || fail "no capabilities"
grep -q "^kernel: Linux $(uname -r)" bundle/ddprof-bundle/system.txt || fail "no kernel"
if grep -raqw "$(uname -n)" bundle/ddprof-bundle/system.txt; then fail "the host's name is in it"; fi
grep -q '^ddprof-record: ' bundle/ddprof-bundle/record.log || fail "no log: $(cat bundle/ddprof-bundle/record.log)"
expect 0 "$record" doctor --bundle=program.tar.zst ./split --token canary-eight --password=canary-nine 7
tar --zstd -xOf program.tar.zst ddprof-bundle/command.txt >command
printf '%s\n' ./split --token '***' '--password=***' 7 >want
same want command "the command line of a program"
expect 1 "$record" doctor --bundle=b.tar.zst
grep -q "cannot make 'b.tar.zst'" err || fail "$(cat err)"
ln -s elsewhere link.tar.zst
expect 1 "$record" doctor --bundle=link.tar.zst
[ ! -e elsewhere ] || fail "it was written through a symbolic link"
unset DD_API_KEY MY_SECRET DD_SERVICE
pass "the bundle: listed first, private, no secret, never over a file"

# ---- what doctor says is what happens ----
need_perf
expect 0 "$record" doctor
grep -q '^a recording here: sCPU at 99 Hz' out || fail "last line: $(tail -n 1 out)"
expect_target 0 -p ok $busy
status=0
(ulimit -n 4; "$record" doctor) >out 2>err || status=$?
[ $status -eq 1 ] || fail "without files for a trial: status $status"
[ "$(verdict COMMAND out)" = 'not known' ] || fail "a trial that could not be made: $(cat out)"
grep -q '^it is not known whether' out || fail "a trial that could not be made: $(tail -n 1 out)"
pass "what could not be tried is not known, not refused"

for words in doctor 'doctor --json' 'doctor --help' --help '-e help'; do
	status=0
	# shellcheck disable=SC2086 # words
	"$record" $words >/dev/full 2>err || status=$?
	[ $status -ne 0 ] || fail "'$words' to a full disk ends with 0"
	one_line "standard output"
done
"$record" doctor --bundle unseen.tar.zst --dry-run >/dev/full 2>err && fail "a list that was not seen"
[ ! -e unseen.tar.zst ] || fail "--dry-run writes when the list cannot be printed"
pass "standard output that cannot be written is an error"
expect 0 "$record" -o rec -- "$record" doctor --help # the name alone is the verb, behind a COMMAND it is not
need_root
need setpriv
chmod 777 .
nobody='setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs'
# shellcheck disable=SC2086 # words
$nobody "$record" doctor >out 2>err || fail "an ordinary user: $(cat out)"
[ "$(verdict COMMAND out)" = limited ] || fail "an ordinary user: $(cat out)"
[ "$(verdict -a out)" = limited ] || fail "-a of an ordinary user: $(cat out)"
grep -q '^a recording here: .*user only.*-a: own processes alone' out || fail "an ordinary user: $(tail -n 1 out)"
# shellcheck disable=SC2086 # words
$nobody "$record" doctor $busy >out 2>err && fail "root's process for an ordinary user: $(cat out)"
[ "$(verdict -p out)" = refused ] || fail "root's process for an ordinary user: $(cat out)"
pass "an ordinary user: user code of own processes, as doctor says"

cp split setuid
chmod 4755 setuid
cp split unread
chmod 711 unread
for program in ./setuid ./unread; do
	# shellcheck disable=SC2086 # words
	$nobody "$record" doctor $program >out 2>err && fail "an ordinary user, $program: $(cat out)"
	grep -q 'the kernel ends sampling when it starts' out || fail "an ordinary user, $program: $(cat out)"
done
pass "programs that the kernel takes from an ordinary user"

mkdir -m 755 roots
# shellcheck disable=SC2086 # words
$nobody "$record" doctor -o roots/data >out 2>err && fail "root's directory for an ordinary user: $(cat out)"
[ "$(verdict 'output directory' out)" = refused ] || fail "root's directory: $(cat out)"
# shellcheck disable=SC2086 # words
$nobody "$record" doctor -o - >out 2>err || fail "standard output: $(cat out)"
expect 1 "$record" doctor -o no/such/place
pass "the directory of the output is looked at"
