#!/bin/sh
# C++ and Rust names are shown as written in the source.
. "$(dirname "$0")/lib.sh"
. "$targets/truth.sh"
need_report
need_perf

names_agree() {
	while read -r key name; do
		[ "$key" = name ] || continue
		grep -qF -- "$name" "$tmp/folded" || fail "no '$name' in: $(cat "$tmp/folded")"
	done <"$tmp/truth"
}

need g++
compile names.cpp names
profile "$tmp/names" 150
names_agree

need rustc
compile names.rs names-rust
profile "$tmp/names-rust" 300
grep -q 'shop::Basket<.*>::fill' "$tmp/folded" || fail "no Rust name in: $(cat "$tmp/folded")"
! grep -E '_ZN|_R[A-Z]|17h[0-9a-f]{16}' "$tmp/folded" || fail "mangled names are left"
