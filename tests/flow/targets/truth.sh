# Profiles of targets against what the targets say of themselves. Sourced after lib.sh.
# Shares are compared with a tolerance, never counts.

# compile NAME OUT [FLAGS...]: compiles targets/NAME (its ending says how) into $tmp/OUT
compile() {
	source=$targets/$1
	out=$tmp/$2
	shift 2
	case $source in
	*.rs) rustc -C opt-level=2 -g -o "$out" "$source" "$@" 2>"$tmp/compile.log" ;;
	*.cpp) "${CXX:-g++}" -O2 -g -std=c++17 -o "$out" "$source" "$@" 2>"$tmp/compile.log" ;;
	*) ${CC:-gcc} -std=gnu11 -O2 -g -pthread -o "$out" "$source" "$@" -ldl 2>"$tmp/compile.log" ;;
	esac || fail "cannot build $source: $(cat "$tmp/compile.log")"
}

# profile COMMAND...: records it; $tmp/truth is what it printed, $tmp/rec the recording, $tmp/folded its stacks
profile() {
	rm -f "$tmp/rec" "$tmp/rec.old"
	# shellcheck disable=SC2086 # options of the caller are words
	"$record" -F 999 ${record_options:-} -o "$tmp/rec" -- "$@" >"$tmp/truth" 2>"$tmp/record.log" ||
		fail "'$*' under ddprof-record ended with $?: $(cat "$tmp/record.log")"
	# shellcheck disable=SC2086
	"$report" ${report_options:-} --folded "$tmp/rec" >"$tmp/folded" 2>"$tmp/report.log" ||
		fail "ddprof-report ended with $?: $(cat "$tmp/report.log")"
	[ -s "$tmp/folded" ] || fail "no stacks: $(cat "$tmp/record.log" "$tmp/report.log")"
}

# share PATTERN [OF]: share of the samples whose folded stack matches, of those that match OF
share() {
	awk -v pattern="$1" -v of="${2:-.}" '
		{ n = $NF; sub(/ [0-9]+$/, "") }
		$0 ~ of { all += n; if ($0 ~ pattern) part += n }
		END { printf "%.4f\n", all ? part / all : 0 }' "$tmp/folded"
}

top_stacks() {
	awk '{ print $NF, $0 }' "$tmp/folded" | sort -rn | head -n 15 | cut -c1-400
}

# near WHAT GOT WANT TOLERANCE (absolute)
near() {
	awk -v got="$2" -v want="$3" -v tolerance="$4" 'BEGIN {
		d = got - want; exit !(d <= tolerance + 0 && -d <= tolerance + 0) }' ||
		fail "$1: share is $2, expected $3 +- $4; stacks: $(top_stacks)"
}

# at_least WHAT GOT WANT
at_least() {
	awk -v got="$2" -v want="$3" 'BEGIN { exit !(got + 0 >= want + 0) }' ||
		fail "$1: share is $2, expected at least $3; stacks: $(top_stacks)"
}

# every line "share FUNCTION X" of the truth: the function is in X of the samples that are in any of them
shares_agree() {
	shares_any=$(awk '$1 == "share" { printf "%s%s", sep, $2; sep = "|" }' "$tmp/truth")
	while read -r shares_key shares_name shares_want; do
		[ "$shares_key" = share ] || continue
		near "$shares_name" "$(share "(^|;)$shares_name(;|\$)" "$shares_any")" "$shares_want" "$1"
	done <"$tmp/truth"
}
