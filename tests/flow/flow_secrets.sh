#!/bin/sh
# No secret of the program is in the recording, its logs or its exports; and the search would find one.
. "$(dirname "$0")/lib.sh"
. "$targets/truth.sh"
need_report
need_perf

dump=$build/tests/flow/dump
search=$build/tests/flow/search
[ -x "$dump" ] || fail "tests/flow/dump is not built"
DDPROF_TEST_SECRET=$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')
argument=$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')
export DDPROF_TEST_SECRET

compile secrets.c secrets
# with everything said, so that logs are searched too
record_options='-v -l debug'
DDPROF_DEBUG=all profile "$tmp/secrets" "$argument" 500
[ "$(grep -c '^secret ' "$tmp/truth")" -eq 5 ] || fail "the target printed: $(cat "$tmp/truth")"
"$dump" "$tmp/rec" >"$tmp/dumped" || fail "cannot dump the recording"
"$report" export pprof -o "$tmp/pprof.gz" "$tmp/rec" 2>"$tmp/export.log" || fail "no export: $(cat "$tmp/export.log")"
gzip -dc "$tmp/pprof.gz" >"$tmp/pprof" || fail "the export is no gzip file"
for view in '' --tree --json --folded; do
	DDPROF_DEBUG=all "$report" ${view:+"$view"} "$tmp/rec" >>"$tmp/views" 2>&1
done
"$report" info "$tmp/rec" >>"$tmp/views" 2>&1
"$search" "$tmp/rec" "$tmp/dumped" "$tmp/record.log" "$tmp/report.log" "$tmp/export.log" "$tmp/pprof" "$tmp/views" \
	<"$tmp/truth" >"$tmp/found" || fail "secrets: $(cat "$tmp/found")"

# the search is no proof unless it finds what --stacks=raw keeps
record_options=--stacks=raw
profile "$tmp/secrets" "$argument" 300
"$dump" "$tmp/rec" >"$tmp/dumped" || fail "cannot dump the raw recording"
"$search" "$tmp/dumped" <"$tmp/truth" >"$tmp/found" && fail "the search finds nothing even in raw stacks"
grep -q 'found stack word' "$tmp/found" || fail "raw stacks hold no planted words: $(cat "$tmp/found")"

# scrubbing later removes them as well
rm -f "$tmp/scrubbed"
"$report" scrub "$tmp/rec" "$tmp/scrubbed" 2>/dev/null || fail "scrub ended with $?"
"$dump" "$tmp/scrubbed" >"$tmp/dumped" || fail "cannot dump the scrubbed recording"
"$search" "$tmp/scrubbed" "$tmp/dumped" <"$tmp/truth" >"$tmp/found" || fail "secrets after scrub: $(cat "$tmp/found")"
