/* Programs without samples: the table's bounds, its record, what people read of it. */
#include <stdio.h>
#include <string.h>

#include "common/format/unsampled.h"
#include "common/format/wire.h"
#include "tests/unit/check.h"

static void counts(void)
{
	struct unsampled_table t = { .n = 0 };

	CHECK_UINT(unsampled_add(&t, UNSAMPLED_SETUID, "sudo"), 0);
	CHECK_UINT(unsampled_add(&t, UNSAMPLED_UNKNOWN, "sudo"), 1);
	CHECK_UINT(unsampled_add(&t, UNSAMPLED_SETUID, "sudo"), 0);
	CHECK_UINT(t.n, 2);
	CHECK_UINT(t.at[0].n, 2);
	CHECK_UINT(t.at[1].n, 1);
}

static void too_many_names(void)
{
	struct unsampled_table t = { .n = 0 };
	char name[COMM_MAX];
	uint64_t others = 0, all = 0;

	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "program-%d", i);
		unsampled_add(&t, i % 2 ? UNSAMPLED_SETUID : UNSAMPLED_UNREADABLE, name);
	}
	unsampled_add(&t, UNSAMPLED_SETUID, "program-1");
	CHECK_UINT(t.n, UNSAMPLED_NAMES_MAX + 2);
	for (uint32_t i = 0; i < t.n; i++) {
		others += t.at[i].name[0] ? 0 : t.at[i].n;
		all += t.at[i].n;
	}
	CHECK_UINT(others, 1000 - UNSAMPLED_NAMES_MAX);
	CHECK_UINT(t.at[1].n, 2);
	CHECK_UINT(all, 1001);
}

static void later_records(void)
{
	struct unsampled_table t = { .n = 0 };
	struct unsampled u = { .reason = UNSAMPLED_SETGID, .n = 7, .name = "wall" };
	char text[UNSAMPLED_TEXT_MAX];

	unsampled_set(&t, &u);
	u.n = 3;
	unsampled_set(&t, &u);
	CHECK_UINT(t.n, 1);
	CHECK_UINT(t.at[0].n, 7);
	u.n = UINT64_MAX;
	unsampled_set(&t, &u);
	u.reason = UNSAMPLED_SETUID;
	unsampled_set(&t, &u);
	unsampled_describe(&t, text, sizeof(text));
	CHECK_HAS(text, "18446744073709551615 processes");
}

static void other_recordings(void)
{
	struct unsampled_table a = { .n = 0 }, b = { .n = 0 };

	unsampled_add(&a, UNSAMPLED_SETUID, "su");
	unsampled_add(&b, UNSAMPLED_SETUID, "su");
	unsampled_add(&b, UNSAMPLED_SETUID, "sudo");
	b.at[1].n = UINT64_MAX;
	unsampled_add_all(&a, &b);
	unsampled_add_all(&a, &b);
	REQUIRE_INT(a.n, 2);
	CHECK_UINT(a.at[0].n, 3);
	CHECK_UINT(a.at[1].n, UINT64_MAX);
}

static void round_trip(void)
{
	struct unsampled in = { .reason = UNSAMPLED_CAPABILITIES,
				.n = UINT64_MAX,
				.name = "fifteen-letters" },
			 out;
	uint8_t bytes[UNSAMPLED_BYTES_MAX];
	size_t n = (size_t)(unsampled_put(&in, bytes) - bytes);

	for (size_t cut = 0; cut < n; cut++) {
		struct cursor c = cursor_of(bytes, cut);

		CHECK_TRUE(!unsampled_get(&c, &out), "cut at %zu", cut);
	}
	struct cursor c = cursor_of(bytes, n);
	REQUIRE_TRUE(unsampled_get(&c, &out), "whole");
	CHECK_UINT(out.reason, in.reason);
	CHECK_UINT(out.n, in.n);
	CHECK_STR(out.name, in.name);
}

static void hostile(void)
{
	static const uint8_t long_name[] = { 1,	  1,   16,  'a', 'a', 'a', 'a', 'a', 'a', 'a',
					     'a', 'a', 'a', 'a', 'a', 'a', 'a', 'a', 'a' };
	static const uint8_t zero_inside[] = { 1, 1, 3, 'a', 0, 'b' };
	static const uint8_t new_reason[] = { 0x80, 0x01, 1, 1, 'a' };
	struct unsampled u = { .n = 9 };
	struct cursor c = cursor_of(long_name, sizeof(long_name));

	CHECK_TRUE(!unsampled_get(&c, &u), "a name too long");
	c = cursor_of(zero_inside, sizeof(zero_inside));
	CHECK_TRUE(!unsampled_get(&c, &u), "a zero in a name");
	CHECK_UINT(u.n, 9);
	c = cursor_of(new_reason, sizeof(new_reason));
	CHECK_TRUE(unsampled_get(&c, &u), "a reason of the future");
	CHECK_UINT(u.reason, UNSAMPLED_UNKNOWN);
}

static void described(void)
{
	struct unsampled_table t = { .n = 0 };
	char text[UNSAMPLED_TEXT_MAX];

	unsampled_describe(&t, text, sizeof(text));
	CHECK_STR(text, "");
	unsampled_add(&t, UNSAMPLED_SETUID, "sudo");
	unsampled_describe(&t, text, sizeof(text));
	CHECK_STR(text, "1 process could not be sampled: sudo (setuid)");
	unsampled_add(&t, UNSAMPLED_UNREADABLE, "x");
	unsampled_add(&t, UNSAMPLED_UNREADABLE, "x");
	unsampled_add(&t, UNSAMPLED_UNKNOWN, "");
	unsampled_describe(&t, text, sizeof(text));
	CHECK_STR(text, "4 processes could not be sampled: sudo (setuid), x (not readable, 2), "
			"others (reason not known, 1)");
	unsampled_describe_hidden(&t, text, sizeof(text));
	CHECK_STR(text, "");
	unsampled_add(&t, UNSAMPLED_HIDDEN, "nginx");
	unsampled_describe_hidden(&t, text, sizeof(text));
	CHECK_STR(text, "1 process could not be looked into: nginx (mappings not readable)");
	unsampled_describe(&t, text, 20);
	CHECK_STR(text, "4 processes could n");
	for (int i = 0; i < 100; i++) {
		struct unsampled u = { .reason = i % UNSAMPLED_REASONS, .n = UINT64_MAX - 1 };

		snprintf(u.name, sizeof(u.name), "fifteen-let-%03d", i);
		unsampled_set(&t, &u);
	}
	unsampled_describe(&t, text, sizeof(text));
	CHECK_HAS(text, "others (not readable, 1844674407370955");
}

SUITE(format_unsampled, { "processes are counted by reason and name", counts },
      { "names beyond the limit are counted together", too_many_names },
      { "later records never take counts back", later_records },
      { "those of several recordings add up", other_recordings },
      { "a record is read as it was written, and never cut", round_trip },
      { "names that are none are refused", hostile }, { "one line says it to people", described }, )
