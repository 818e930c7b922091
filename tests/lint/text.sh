#!/bin/sh
# What a reader sees: lines of at most 100 columns (tabs are 8) and no trailing blanks.
set -eu
cd "${DDPROF_SRC:-$(dirname "$0")/../..}"

find common record report tests -name '*.[ch]' | LC_ALL=C sort | xargs awk '
{
	line = $0
	while ((at = index(line, "\t")))
		line = substr(line, 1, at - 1) substr("        ", 1, 8 - (at - 1) % 8) substr(line, at + 1)
	if (length(line) > 100) {
		printf "%s:%d: %d columns, the edge is 100\n", FILENAME, FNR, length(line)
		bad = 1
	}
	if ($0 ~ /[ \t]$/) {
		printf "%s:%d: trailing blank\n", FILENAME, FNR
		bad = 1
	}
}
END { exit bad }'
