#!/bin/sh
# Messages that ddprof.7 quotes are messages of the programs: people search for them.
#	.It Sy "process ... is gone"
# Each part between "..." stands in a string of the sources, strings side by side joined.
set -eu
cd "${DDPROF_SRC:-$(dirname "$0")/../..}"
page=man/ddprof.7
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

find record report common -name '*.c' -exec cat {} + | tr '\n' ' ' | sed 's/"[[:space:]]*"//g' >"$tmp/sources"

# the line's number, a tab, one part
sed -n '/^\.It Sy "/=' "$page" | while read -r n; do
	sed -n "${n}s/^\\.It Sy \"\\(.*\\)\"\$/\\1/p" "$page" | sed 's/""/"/g; s/\.\.\./\n/g' |
		sed "/[a-zA-Z]\\{2\\}/!d; s/^ *//; s/ *\$//; s/^/$n	/"
done >"$tmp/parts"
test -s "$tmp/parts" || { echo "$page quotes no message in the form '.It Sy \"...\"'"; exit 1; }

bad=0
while IFS='	' read -r n part; do
	grep -qF -- "$part" "$tmp/sources" && continue
	echo "$page:$n: no message of the sources has the words \"$part\""
	bad=1
done <"$tmp/parts"
exit $bad
