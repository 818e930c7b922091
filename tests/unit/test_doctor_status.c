#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/err.h"
#include "record/doctor/checks.h"
#include "record/doctor/show.h"
#include "record/doctor/status.h"
#include "tests/unit/check.h"

static void stat_lines(void)
{
	struct status s = { 0 };

	REQUIRE_TRUE(status_parse_stat("4711 (sh) S 1 4711 4711 0 -1 4194560 180 0", &s));
	CHECK_STR(s.name, "sh");
	CHECK_INT(s.state, 'S');
	CHECK_TRUE(!s.kernel_thread);
	REQUIRE_TRUE(status_parse_stat("2 (kthreadd) S 0 0 0 0 -1 2129984 0 0", &s));
	CHECK_TRUE(s.kernel_thread);
	REQUIRE_TRUE(status_parse_stat("5 (a) R (b\n) Z 1 5 5 0 -1 12 0", &s));
	CHECK_STR(s.name, "a) R (b?");
	CHECK_INT(s.state, 'Z');
}

static void broken_stat_lines(void)
{
	static const char *const bad[] = { "",	     "4711",	    "4711 (sh",
					   ")(",     "4711 (sh) S", "4711 (sh) S 1 2 3 4 5 x",
					   "1 sh) S" };
	struct status s = { 0 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_TRUE(!status_parse_stat(bad[i], &s), "'%s'", bad[i]);
}

static void long_name(void)
{
	char text[512];
	struct status s = { 0 };

	snprintf(text, sizeof(text), "1 (%0200d) R 0 0 0 0 0 0", 0);
	REQUIRE_TRUE(status_parse_stat(text, &s));
	CHECK_UINT(strlen(s.name), sizeof(s.name) - 1);
}

static void status_lines(void)
{
	struct status s = { .seccomp = -1 };

	status_parse_status("Name:\tUid:\t7\nTgid:\t4700\nUid:\t1000\t0\t0\t0\nThreads:\t12\n"
			    "NSpid:\t4700\t3\nSeccomp:\t2\n",
			    &s);
	CHECK_INT(s.tgid, 4700);
	CHECK_UINT(s.uid, 1000);
	CHECK_INT(s.n_threads, 12);
	CHECK_INT(s.ns_depth, 2);
	CHECK_INT(s.seccomp, 2);
	s = (struct status){ .seccomp = 7 };
	status_parse_status("", &s);
	CHECK_INT(s.seccomp, -1);
	CHECK_INT(s.tgid, 0);
}

static void own_process(void)
{
	struct err err = { 0 };
	struct status s;

	REQUIRE_INT(status_read(getpid(), &s, &err), 0);
	CHECK_UINT(s.uid, getuid());
	CHECK_INT(s.tgid, getpid());
	CHECK_INT(s.n_threads, 1);
	CHECK_TRUE(!s.other_ns[0] && !s.other_ns[1] && !s.other_ns[2]);
	CHECK_INT(status_read(0x7fffffff, &s, &err), -ESRCH);
	CHECK_STR(err.text, "there is no process 2147483647");
}

static void cleaned(void)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "plain", "plain" },
		{ "a\tb\033[0m\x7f", "a?b?[0m?" },
		{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
		{ "\xc0\xaf\xe0\x80\x80", "?????" },
		{ "\xed\xa0\x80\xc2\x9b", "?????" },
		{ "\xf0\x9f\x98\x80\xf0\x9f", "\xf0\x9f\x98\x80??" },
		{ "\xe2\x82", "??" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[32];

		snprintf(text, sizeof(text), "%s", cases[i].text);
		text_clean(text);
		CHECK_STR(text, cases[i].want);
	}
}

static void json(void)
{
	static struct checks c;
	struct buf out;

	check_means(checks_add(&c, CHECK_TARGET, GATE_LIMITED, "na\"me", "a\\b\n%d", 7), "m");
	checks_summary(&c, "s");
	buf_init(&out);
	show_json(&c, &out);
	CHECK_HAS(buf_text(&out), "{\"format\":\"ddprof-record doctor\",\"version\":1,");
	CHECK_HAS(buf_text(&out),
		  "{\"about\":\"target\",\"name\":\"na\\\"me\",\"value\":\"a\\\\b?7\","
		  "\"verdict\":\"limited\",\"means\":\"m\",\"remedy\":\"\"}");
	CHECK_HAS(buf_text(&out), "\"possible\":false,\"summary\":\"s\"}\n");
	buf_done(&out);
}

static void many_checks(void)
{
	static struct checks c;

	for (int i = 0; i < 3 * CHECKS_MAX; i++)
		checks_add(&c, CHECK_HOST, GATE_OPEN, "x", "%d", i);
	CHECK_UINT(c.n, CHECKS_MAX);
	CHECK_STR(c.at[CHECKS_MAX - 1].value, "191");
}

SUITE(doctor_status,
	{ "a name with blanks and parentheses does not shift stat's fields", stat_lines },
	{ "broken stat lines are refused", broken_stat_lines },
	{ "a long name is cut", long_name },
	{ "status lines are found at line starts only", status_lines },
	{ "the own process is read, a missing one is said", own_process },
	{ "controls and what is not UTF-8 become question marks", cleaned },
	{ "JSON escapes quotes and backslashes", json },
	{ "checks past the limit replace the last", many_checks },
)
