#!/bin/sh
# The static recorder (--enable-static-record): one small file that needs nothing beside it. Built
# here as a user would, copied with a static program into an otherwise empty directory, and run
# there as nobody: no /proc, no /etc, no libraries.
# deadline: 300
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/record.sh"
. "$targets/truth.sh"
need make musl-gcc strings

# The tree may be configured where it lies: what is built from is copied without what was made.
(
	cd "$src"
	includes=$(ls -d ./*/Makefile.inc)
	# shellcheck disable=SC2086 # words
	tar cf - --exclude='*.o' --exclude='*.a' --exclude=.deps --exclude=.dirstamp configure configure.ac \
		aclocal.m4 config.h.in Makefile.am Makefile.in build-aux common record man $includes
) | (mkdir source && cd source && tar xf -)
mkdir made
(
	cd made
	unset CC CFLAGS MAKEFLAGS MAKELEVEL
	../source/configure -q --enable-static-record --disable-report \
		--disable-dependency-tracking >../made.log 2>&1
	make -s -j"$(nproc)" ddprof-record >>../made.log 2>&1
) || fail "it cannot be built: $(tail -n 20 made.log)"
bytes=$(wc -c <made/ddprof-record)
[ "$bytes" -lt 1048576 ] || fail "$bytes bytes: not below 1 MiB"
! readelf -l made/ddprof-record | grep -q INTERP || fail "it wants a dynamic linker"
pass "one static file below 1 MiB"

./made/ddprof-record --version >out || fail "--version fails"
grep -q '^ddprof-record [0-9]' out || fail "--version says: $(cat out)"

need_report
need_root # for chroot; the recorder itself runs as nobody
need_perf
need chroot setpriv
compile split.c split -static -Wl,--build-id
mkdir -m 777 jail
cp made/ddprof-record split jail/

jailed() {
	setpriv --bounding-set=-all,+sys_chroot,+setuid,+setgid --inh-caps=-all \
		chroot --userspec=65534:65534 jail "$@"
}
expect 0 jailed /ddprof-record -F 999 -o /rec -- /split 600
[ "$(stat -c %u:%a jail/rec)" = 65534:600 ] || fail "the recording is $(stat -c %u:%a jail/rec)"
[ "$(value stored jail/rec)" -gt 400 ] || fail "$(value stored jail/rec) samples: $(cat err)"
jailed /split 100 >truth
"$report" --folded jail/rec >folded 2>report.log || fail "the report: $(cat report.log)"
shares_agree 0.06
at_least "stacks from main" "$(share '(^|;)main;(heavy|light)_work(;|$)')" 0.97
pass "in an empty root, as nobody: recorded with names and stacks"

"$report" info --json jail/rec | grep -q '"missing":"/proc"' ||
	fail "the recording does not say that /proc was missing"
pass "the recording says what was missing"
