#!/bin/sh
# Man pages are clean for mandoc, list exactly the options that --help lists, name its variables.
set -eu
cd "${DDPROF_SRC:-$(dirname "$0")/../..}"
build=${DDPROF_BUILD:-.}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

bad=0
if command -v mandoc >/dev/null 2>&1; then
	mandoc -T lint -W warning man/*.[1-9] || bad=1
else
	echo "mandoc is not installed: the pages' markup was not checked"
fi

# "  -F, --frequency=HZ  ..." -> frequency
help_options() {
	sed -n 's/^  \(-., \|    \)--\([a-z0-9-]*\).*/\2/p' | LC_ALL=C sort -u
}

# ".It Fl F Ar HZ , Fl -frequency Ns = Ns Ar HZ" -> frequency
page_options() {
	sed -n '/^\.It /s/Fl -/\n&/gp' "$1" | sed -n 's/^Fl -\([a-z0-9-]*\).*/\1/p' | LC_ALL=C sort -u
}

for program in ddprof-record ddprof-report; do
	test -x "$build/$program" || continue
	"$build/$program" --help-extended >"$tmp/help" 2>/dev/null </dev/null ||
		"$build/$program" --help >"$tmp/help" </dev/null || { echo "$program --help failed"; bad=1; }
	help_options <"$tmp/help" >"$tmp/$program.help"
	page_options "man/$program.1" >"$tmp/$program.page"
	# "(default 99; $DDPROF_FREQUENCY)" -> ".Ev DDPROF_FREQUENCY"
	grep -o '\$[A-Z][A-Z_]*' "$tmp/help" | tr -d '$' | LC_ALL=C sort -u | while read -r variable; do
		grep -q "Ev .*$variable\( \|$\)" "man/$program.1" || echo "$variable"
	done >"$tmp/variables"
	if test -s "$tmp/variables"; then
		echo "man/$program.1 does not name these variables of --help:"
		cat "$tmp/variables"
		bad=1
	fi
	if ! diff "$tmp/$program.help" "$tmp/$program.page" >"$tmp/diff"; then
		echo "$program: options of --help (<) and of man/$program.1 (>) differ:"
		cat "$tmp/diff"
		bad=1
	fi
done

# Keys of the configuration: { "debug_dir", CONFIG_PATHS } and ".It Ic debug_dir , Ic source_dir"
sed -n 's/.*{ "\([a-z_]*\)", CONFIG_.*/\1/p' report/configuration.c | LC_ALL=C sort >"$tmp/keys"
sed -n '/^\.Sh CONFIGURATION/,/^\.Sh JSON/s/^\.It //p' man/ddprof-report.1 | tr ' ' '\n' |
	grep -v '^\(Ic\|,\)$' | LC_ALL=C sort >"$tmp/keys.page"
if ! diff "$tmp/keys" "$tmp/keys.page" >"$tmp/diff"; then
	echo "keys of report/configuration.c (<) and of man/ddprof-report.1 (>) differ:"
	cat "$tmp/diff"
	bad=1
fi
exit $bad
