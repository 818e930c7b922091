#include "record/long_run.h"

#include <errno.h>

#include "common/base/bits.h"
#include "common/base/err.h"
#include "record/trigger.h"
#include "tests/unit/check.h"

static const uint64_t second = 1000000000;

static void times(void)
{
	static const struct {
		const char *text;
		double seconds; /* 0: refused */
	} cases[] = {
		{ "30", 30 },	{ "0.5", 0.5 },	  { "30s", 30 },       { "5m", 300 },
		{ "1h", 3600 }, { "2d", 172800 }, { "", 0 },	       { "-1", 0 },
		{ "0", 0 },	{ "1M", 0 },	  { "1sm", 0 },	       { "inf", 0 },
		{ "0x10", 0 },	{ "1e99", 0 },	  { " 1", 0 },	       { "1h30m", 0 },
		{ "s", 0 },	{ "nan", 0 },	  { "1000000000", 0 },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct err err = { .code = 0 };
		uint64_t ns = 0;
		int r = long_run_parse_time(cases[i].text, &ns, &err);

		CHECK_INT(r, cases[i].seconds > 0 ? 0 : -EINVAL);
		CHECK_UINT(ns, (uint64_t)(cases[i].seconds * 1e9));
	}
}

static void sizes(void)
{
	static const struct {
		const char *text;
		uint64_t bytes; /* 0: refused */
	} cases[] = {
		{ "65536", 65536 },
		{ "64K", 65536 },
		{ "64k", 65536 },
		{ "3M", 3 << 20 },
		{ "1G", 1 << 30 },
		{ "7B", 7 },
		{ "0", 0 },
		{ "", 0 },
		{ "-1", 0 },
		{ "1KB", 0 },
		{ "5m", 0 },
		{ "99999999999G", 0 },
		{ "18446744073709551616", 0 },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct err err = { .code = 0 };
		uint64_t bytes = 0;
		int r = long_run_parse_size(cases[i].text, &bytes, &err);

		CHECK_INT(r, cases[i].bytes ? 0 : -EINVAL);
		CHECK_UINT(bytes, cases[i].bytes);
	}
}

static void rotation(void)
{
	static const char *const wrong[] = {
		"5",	"",	"5m:", "5m:0",	 "5m:x",      "1K",
		"64M:", "0.5s", ":3",  "5m:3:4", "5m:100000", "123456789012345678901234567890123s"
	};
	struct long_run_options o = { .start_paused = false };
	struct err err = { .code = 0 };

	CHECK_INT(long_run_set_rotate(&o, "5m:12", &err), 0);
	CHECK_UINT(o.sink.rotate_ns, 300 * second);
	CHECK_UINT(o.sink.rotate_bytes, 0);
	CHECK_UINT(o.sink.rotate_keep, 12);
	CHECK_INT(long_run_set_rotate(&o, "5M", &err), 0);
	CHECK_UINT(o.sink.rotate_ns, 0);
	CHECK_UINT(o.sink.rotate_bytes, 5 << 20);
	CHECK_UINT(o.sink.rotate_keep, 0);
	for (size_t i = 0; i < N_ELEMENTS(wrong); i++)
		CHECK_INT(long_run_set_rotate(&o, wrong[i], &err), -EINVAL);
}

static void other_values(void)
{
	struct long_run_options o = { .start_paused = false };
	struct err err = { .code = 0 };

	CHECK_INT(long_run_set_last(&o, "60s", &err), 0);
	CHECK_UINT(o.sink.last_ns, 60 * second);
	CHECK_INT(long_run_set_last(&o, "64M", &err), 0);
	CHECK_UINT(o.sink.last_bytes, 64 << 20);
	CHECK_INT(long_run_set_last(&o, "64K", &err), -EINVAL);
	CHECK_INT(long_run_set_last(&o, "5G", &err), -EINVAL);
	CHECK_INT(long_run_set_sync(&o, "1s", &err), 0);
	CHECK_UINT(o.sink.sync_ns, second);
	CHECK_INT(long_run_set_sync(&o, "0.1", &err), -EINVAL);
	CHECK_INT(long_run_set_sync(&o, "off", &err), 0);
	CHECK_UINT(o.sink.sync_ns, 0);
	CHECK_INT(long_run_set_trigger(&o, "150%:2s", &err), 0);
	CHECK_UINT(o.trigger_percent, 150);
	CHECK_UINT(o.trigger_ns, 2 * second);
	CHECK_INT(long_run_set_trigger(&o, "0", &err), -EINVAL);
}

static void contradictions(void)
{
	struct err err = { .code = 0 };
	struct long_run_options both = { .sink = { .rotate_ns = 1, .last_ns = 1 } };
	struct long_run_options trigger = { .trigger_percent = 1 };
	struct long_run_options rotate = { .sink = { .rotate_ns = 1 } };

	CHECK_INT(long_run_check(&both, "x", &err), -EINVAL);
	CHECK_STR(err.text, "--rotate and --last exclude each other; see --help");
	CHECK_INT(long_run_check(&trigger, "x", &err), -EINVAL);
	CHECK_INT(long_run_check(&rotate, "x", &err), 0);
	CHECK_INT(long_run_check(&rotate, "-", &err), -EINVAL);
	CHECK_STR(err.text, "--rotate writes several files: name them with -o FILE, not '-'");
}

static void above_the_mark(void)
{
	/* CPU use of each second in percent; above 100 for 3 s asks once. */
	static const unsigned int used[] = {
		50, 150, 150, 90, 120, 120, 120, 120, 10, 200, 200, 200
	};
	static const bool fires[] = { 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1 };
	struct trigger t = { .seen_ns = 0 };
	uint64_t busy = 7 * second;

	CHECK_TRUE(!trigger_look(&t, 5 * second, busy, 100, 3 * second));
	for (size_t i = 0; i < N_ELEMENTS(used); i++) {
		busy += used[i] * second / 100;
		CHECK_INT(trigger_look(&t, (6 + i) * second, busy, 100, 3 * second), fires[i]);
	}
}

SUITE(record_long_run, { "times have units, and nothing else behind them", times },
      { "sizes have units, and pass no limit", sizes },
      { "a unit tells files by time from files by size", rotation },
      { "values outside their limits are refused", other_values },
      { "what contradicts each other is wrong usage", contradictions },
      { "CPU use asks once while it stays above the mark", above_the_mark }, )
