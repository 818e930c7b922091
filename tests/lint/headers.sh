#!/bin/sh
# Every header compiles alone, without a warning, with each compiler that is here.
set -eu
cd "${DDPROF_SRC:-$(dirname "$0")/../..}"

bad=0
for cc in gcc clang; do
	command -v $cc >/dev/null 2>&1 || continue
	for header in $(find common record report tests/unit -name '*.h' | LC_ALL=C sort); do
		printf '#include "%s"\n' "$header" |
			$cc -std=gnu11 -Wall -Wextra -Werror -Wno-unused-function -fsyntax-only -D_GNU_SOURCE= \
			    -I. -I"${DDPROF_BUILD:-.}" -x c - || { echo "$header: not alone with $cc"; bad=1; }
	done
done
exit $bad
