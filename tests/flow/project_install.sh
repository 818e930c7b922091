#!/bin/sh
# `make install DESTDIR=` puts programs and pages where a package wants them, and they run from there.
. "$(dirname "$0")/lib.sh"
need make

unset MAKEFLAGS MAKELEVEL
make -s -C "$build" install DESTDIR="$tmp/root" prefix=/usr >install.log 2>&1 || {
	cat install.log
	fail "make install DESTDIR= does not work"
}
(cd root && find . -type f | sort) >installed

programs="ddprof-record"
pages="ddprof-record.1 ddprof-report.1 ddprof.7"
test ! -x "$report" || programs="$programs ddprof-report"
for program in $programs; do
	grep -qx "./usr/bin/$program" installed || fail "no $program among: $(cat installed)"
	"root/usr/bin/$program" --version >version || fail "installed $program --version fails"
	grep -q "^$program [0-9]" version || fail "$program --version says: $(cat version)"
done
for page in $pages; do
	grep -q "/man/man./$page$" installed || fail "no $page among: $(cat installed)"
done
for completion in bash-completion/completions/ddprof-record zsh/site-functions/_ddprof-record \
	fish/vendor_completions.d/ddprof-record.fish; do
	grep -qx "./usr/share/$completion" installed || fail "no $completion among: $(cat installed)"
done
pass "programs and pages are installed below DESTDIR and run there"

make -s -C "$build" uninstall DESTDIR="$tmp/root" prefix=/usr >install.log 2>&1
test -z "$(find root -type f)" || fail "uninstall leaves $(find root -type f)"
pass "uninstall takes all of it away"
