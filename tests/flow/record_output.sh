#!/bin/sh
# The output is for its owner alone and never written over what is not ours; COMMAND runs anyway.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/record.sh"
need_perf

expect 0 "$record" -o rec -- true
[ "$(stat -c %a rec)" = 600 ] || fail "mode is $(stat -c %a rec)"
cp rec first
expect 0 "$record" -o rec -- true
same rec.old first "the older recording is not at rec.old"
expect 0 "$record" -o rec -- true
pass "an older recording of ours becomes FILE.old"

# refused FILE: it stays as it is, and COMMAND runs
refused() {
	cp -a "$1" before 2>/dev/null || :
	expect 3 "$record" -o "$1" -- sh -c 'echo ran; exit 3'
	grep -q ran out || fail "$1: COMMAND did not run"
	one_line "output '$1' exists and is not a recording of yours; remove it or use -o"
}
echo text >text
refused text
same text before "a text was changed"
: >empty
refused empty
mkdir directory
refused directory
ln -s rec link
refused link
[ -L link ] && [ ! -e link.old ] || fail "a link was moved"
ln -s nowhere dangling
refused dangling
[ ! -e nowhere ] || fail "a dangling link was followed"
ln rec hard
refused hard
mkfifo fifo
refused fifo
rm hard
cp text rec.old
expect 3 "$record" -o rec -- sh -c 'exit 3'
one_line "'rec.old' exists and is not a recording of yours"
rm rec.old
pass "what is not a recording of ours is refused and left alone"

expect 3 "$record" -o no/such/directory -- sh -c 'exit 3'
one_line "cannot create 'no/such/directory': No such file or directory"
expect 125 "$record" -o text -p $$
pass "an output that cannot be created is told in one line"

if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	mkdir -m 777 shared
	cp rec shared/rec
	chmod 644 shared/rec
	rc=0
	(cd shared && setpriv --reuid=65534 --regid=65534 --clear-groups "$record" -o rec -- true) 2>err || rc=$?
	one_line 'exists and is not a recording of yours'
	pass "another user's recording is not moved away"
fi

need_report
"$record" -F 999 -o - -- sh -c 'echo to-stderr; i=0; while [ $i -lt 50000 ]; do i=$((i+1)); done' 2>err >stream
grep -q '^to-stderr$' err || fail "COMMAND's output is in the stream"
"$report" --folded stream >folded 2>err || fail "the stream is not read: $(cat err)"
[ -s folded ] || fail "no stacks in the stream"
"$record" -F 999 -o - -- sh -c 'i=0; while [ $i -lt 50000 ]; do i=$((i+1)); done' 2>err | "$report" --folded - >folded 2>err2
[ -s folded ] || fail "no stacks through a pipe: $(cat err err2)"
pass "-o - streams"

# a reader that goes away ends nothing
expect 7 sh -c "\"$record\" -F 999 -o - -- sh -c 'i=0; while [ \$i -lt 100000 ]; do i=\$((i+1)); done; exit 7' | head -c 10 >/dev/null; exit 7"
pass "a reader that goes away ends nothing"
