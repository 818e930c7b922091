#!/bin/sh
# What export and scrub write: whole or not at all, private, never through a link; pprof that Go's parser accepts.
. "$(dirname "$0")/lib.sh"
. "$targets/truth.sh"
need_report
need_perf

compile threads.c threads
profile "$tmp/threads" 50

"$report" export pprof -o a.gz rec || fail "export ended with $?"
"$report" export pprof -o - rec >b.gz || fail "export to standard output ended with $?"
same a.gz b.gz "standard output differs from a file"
test "$(stat -c %a a.gz)" = 600 || fail "mode of an export is $(stat -c %a a.gz)"
test "$(ls | grep -c tmp)" = 0 || fail "left behind: $(ls)"
pass "exports are private, and the same everywhere"

# failed ARGUMENTS...: status 1 and one line
failed() {
	rc=0
	"$report" "$@" >out 2>err || rc=$?
	test $rc = 1 || fail "'$*' ended with $rc, not 1"
	test "$(wc -l <err)" = 1 || fail "'$*' said: $(cat err)"
}
echo precious >target
ln -s target link
failed export pprof -o link rec
failed export pprof -o no/such/folder rec
failed export pprof -o . rec
failed export pprof -o target rec
failed scrub rec target
"$report" export pprof -o a.gz rec || fail "an earlier export is not replaced"
failed scrub rec link
failed scrub no-such-file scrubbed
failed export pprof -o c.gz no-such-file
test "$(cat target)" = precious || fail "wrote through a link"
test ! -e c.gz && test ! -e scrubbed || fail "a failure left a file"
if test -c /dev/full; then
	for view in --folded --json --tree ""; do
		rc=0
		"$report" $view rec >/dev/full 2>err || rc=$?
		test $rc = 1 && grep -q 'No space' err || fail "'$view' into a full disk ended with $rc: $(cat err)"
	done
fi
pass "what cannot be written is said, and nothing is left behind"

need go
test -d /usr/share/gocode/src/github.com/google/pprof/profile || skip "golang-github-google-pprof-dev is not installed"
export HOME="$tmp" GOCACHE="$tmp/go-cache" GO111MODULE=off GOPATH=/usr/share/gocode
go run "$src/tests/flow/pprofcheck.go" a.gz >parsed 2>&1 || fail "profile.Parse: $(cat parsed)"
total=$(awk '{ n += $NF } END { print n + 0 }' folded)
test "$(sed -n 's/^cpu-samples.count //p' parsed)" = "$total" || fail "pprof counts $(cat parsed), not $total"
pass "pprof totals are those of --folded"
