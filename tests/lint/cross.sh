#!/bin/sh
# Every source compiles for aarch64 too. Headers of libraries are taken from this machine: the ones
# used here are the same for both.
set -eu
cd "${DDPROF_SRC:-$(dirname "$0")/../..}"
cc=aarch64-linux-gnu-gcc
command -v $cc >/dev/null 2>&1 || { echo "skip: $cc is not installed"; exit 77; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
for header in zconf.h; do
	found=$(find /usr/include -maxdepth 2 -name $header | head -n 1)
	test -z "$found" || ln -s "$found" "$tmp/$header"
done

rooms="common record report"
test -x "${DDPROF_BUILD:-.}/ddprof-report" || rooms="common record"
find $rooms -name '*.c' | LC_ALL=C sort | tr '\n' '\0' | xargs -0 -n 8 -P 2 \
	$cc -std=gnu11 -O1 -Wall -Wextra -Werror -fsyntax-only -D_GNU_SOURCE= \
	-I. -I"${DDPROF_BUILD:-.}" -idirafter "$tmp" -idirafter /usr/include
