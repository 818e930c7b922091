#!/bin/sh
# A crash, a hang, an exit and a failed check in a unit suite are one failure each; the rest still runs.
. "$(dirname "$0")/lib.sh"

cat >suites.c <<'END'
#include <stdlib.h>
#include <unistd.h>
#include "tests/unit/check.h"

static void good(void) { CHECK_INT(1, 1); }
static void bad(void) { CHECK_INT(1 + 1, 3); CHECK_STR("a", "b"); }
static void crash(void) { abort(); }
static void hang(void) { for (;;) pause(); }
static void leave(void) { exit(3); }
static void skipped(void) { check_skip("no %s here", "luck"); }
static void stopped(void) { REQUIRE_TRUE(0, "%d", 7); abort(); }

SUITE(a_bad, { "holds", good }, { "does not hold", bad }, { "is required", stopped }, )
SUITE(b_crash, { "crashes", crash }, { "is never reached", good }, )
SUITE_WITHIN(1, c_hang, { "hangs", hang }, )
SUITE(d_exit, { "leaves", leave }, )
SUITE(e_good, { "holds again", good }, { "is skipped", skipped }, )
END
printf 'int main(void){return 0;}\n' >probe.c
"$CC" -o probe probe.c -lcunit 2>/dev/null || skip "CUnit is not installed"
"$CC" -std=gnu11 -D_GNU_SOURCE= -DTESTS_SRC='"."' -I"$src" -o unit "$src/tests/unit/main.c" suites.c -lcunit

status=0
./unit >out 2>&1 || status=$?
cat out
test $status = 1 || fail "exit status $status"
for line in "FAIL a_bad: does not hold" "FAIL a_bad: is required" \
	    "FAIL b_crash: crashes: ended by signal 6 (Aborted)" \
	    "FAIL c_hang: hangs: still running after its deadline (1 s)" \
	    "FAIL d_exit: leaves: exited with status 3" \
	    "skip e_good: is skipped: no luck here"; do
	grep -qxF "$line" out || fail "not said: $line"
done
grep -q 'got  2 (0x2)' out || fail "the value is not shown"
test "$(tail -n 1 out)" = "2 passed, 5 failed, 1 skipped" || fail "last line: $(tail -n 1 out)"
pass "a crash, a hang and an exit are one failure each"

./unit e_good >out && test "$(tail -n 1 out)" = "1 passed, 0 failed, 1 skipped" || fail "one suite alone"
status=0
./unit no_such_suite >out 2>&1 || status=$?
test $status = 99 || fail "no suite at all gives status $status"
pass "suites run alone, and no suite is no success"
