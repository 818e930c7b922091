#!/bin/sh
# Every source and header is listed in its Makefile.inc: what is not listed is neither built nor shipped.
set -eu
cd "${DDPROF_SRC:-$(dirname "$0")/../..}"

bad=0
for top in common record report tests; do
	for file in $(find $top -name '*.[ch]' ! -path 'tests/flow/*' ! -path 'tests/data/*' \
			! -path 'tests/fuzz/*' | LC_ALL=C sort); do
		grep -qF "%D%/${file#"$top"/}" $top/Makefile.inc && continue
		echo "$file is not listed in $top/Makefile.inc"
		bad=1
	done
done
for file in tests/fuzz/*_fuzz.c; do
	test -e "$file" || continue
	name=$(basename "$file" _fuzz.c)
	sed -e ':join' -e '/\\$/N' -e 's/\\\n/ /' -e 't join' tests/Makefile.inc |
		grep -Eq "^FUZZ_(REPORT_)?TARGETS.*[[:blank:]]$name([[:blank:]]|\$)" && continue
	echo "$file: $name is in neither FUZZ_TARGETS nor FUZZ_REPORT_TARGETS of tests/Makefile.inc"
	bad=1
done
exit $bad
