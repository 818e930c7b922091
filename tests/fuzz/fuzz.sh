#!/bin/sh
# Fuzzes each decoder for some time, in a tree configured with --enable-fuzzers CC=clang:
#
#	tests/fuzz/fuzz.sh SECONDS [TARGET...]		all targets when none is named
#	tests/fuzz/fuzz.sh merge [TARGET...]		puts what reached new code into the corpus, made small
#
# Run it in the build tree. What was found to reach new code lies in tests/fuzz/found/TARGET, inputs that
# crash or hang in tests/fuzz/bad/TARGET-*: fix the decoder, then put them into the corpus.
# Limits: 10 s and 512 MiB for one input. JOBS=2 runs as many processes for each target.
set -eu

src=$(cd "$(dirname "$0")" && pwd)
test $# -ge 1 || { sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 2; }
seconds=$1
shift
test -d tests/fuzz || { echo "fuzz.sh: run me in a build tree" >&2; exit 2; }
if test $# -eq 0; then
	set -- $(ls tests/fuzz/fuzz-* 2>/dev/null | sed 's|.*/fuzz-||')
fi
test $# -gt 0 || { echo "fuzz.sh: no fuzzers here; ./configure CC=clang --enable-fuzzers" >&2; exit 2; }

ASAN_OPTIONS=${ASAN_OPTIONS:-allocator_may_return_null=1:detect_leaks=1}
export ASAN_OPTIONS
mkdir -p tests/fuzz/bad
bad=0

if test "$seconds" = merge; then
	for target; do
		mkdir -p "tests/fuzz/small/$target" "tests/fuzz/found/$target"
		tests/fuzz/fuzz-$target -merge=1 -rss_limit_mb=512 "tests/fuzz/small/$target" \
			"$src/corpus/$target" "tests/fuzz/found/$target" 2>"tests/fuzz/$target.merge.log"
		echo "$target: $(ls "tests/fuzz/small/$target" | wc -l) inputs in tests/fuzz/small/$target"
	done
	exit 0
fi

for target; do
	mkdir -p "tests/fuzz/found/$target"
	status=0
	nice -n 19 tests/fuzz/fuzz-$target -max_total_time="$seconds" -timeout=10 -rss_limit_mb=512 \
		-fork="${JOBS:-1}" -ignore_crashes=0 -artifact_prefix="tests/fuzz/bad/$target-" \
		"tests/fuzz/found/$target" "$src/corpus/$target" >"tests/fuzz/$target.log" 2>&1 || status=$?
	runs=$(sed -n 's/^#\([0-9]*\): cov.*/\1/p' "tests/fuzz/$target.log" | tail -n 1)
	echo "$target: ${seconds} s, ${runs:-0} runs, status $status"
	test $status -eq 0 || { bad=1; tail -n 30 "tests/fuzz/$target.log"; }
done
exit $bad
