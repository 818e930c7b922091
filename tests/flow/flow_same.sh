#!/bin/sh
# The same recording gives the same bytes, each time, from each place, by file and by standard input.
. "$(dirname "$0")/lib.sh"
. "$targets/truth.sh"
need_report
need_perf

compile threads.c threads
compile names.cpp names
profile sh -c "'$tmp/threads' 60; '$tmp/names' 60"
cp "$tmp/rec" "$tmp/copy"
for view in '' --tree=callers --tree=callees --folded --json --by=module --by=thread --by=process --by=address info; do
	# shellcheck disable=SC2086 # no word for the default view
	"$report" $view "$tmp/rec" >"$tmp/first" 2>/dev/null || fail "ddprof-report $view ended with $?"
	for run in 1 2 3; do
		# shellcheck disable=SC2086
		(cd / && "$report" $view "$tmp/rec" >"$tmp/again" 2>/dev/null)
		cmp "$tmp/first" "$tmp/again" || fail "ddprof-report $view differs in run $run"
	done
done
"$report" --folded - <"$tmp/rec" >"$tmp/again" 2>/dev/null || fail "standard input is not read"
cmp "$tmp/folded" "$tmp/again" || fail "standard input gives something else"
"$report" export pprof -o "$tmp/a.gz" "$tmp/rec" 2>/dev/null || fail "no export"
sleep 1.1 # gzip keeps seconds: an export that holds the time would differ
"$report" export pprof -o "$tmp/b.gz" "$tmp/copy" 2>/dev/null || fail "no export"
cmp "$tmp/a.gz" "$tmp/b.gz" || fail "exports of one recording differ"
