/* thin.c: leaving samples out leaves totals and shares; govern.c: when it does, and how often. */
#include "record/govern.h"
#include "record/thin.h"
#include "tests/unit/check.h"

static void total_and_shares(void)
{
	/* Two threads take turns: what is always the second of two must not be kept always. */
	for (unsigned int level = 1; level <= GOVERN_LEVEL_MAX; level++) {
		struct thin t = { 0 };
		uint64_t sum[2] = { 0, 0 };

		thin_begin(&t, UINT64_C(1000) << level);
		for (unsigned int i = 0; i < 400000; i++) {
			uint64_t weight = 1000;

			if (thin_take(&t, &weight))
				sum[i % 2] += weight;
		}
		CHECK_TRUE(sum[0] + sum[1] <= 400000000 + (UINT64_C(1000) << level));
		CHECK_TRUE(sum[0] + sum[1] >= 400000000 - (UINT64_C(1000) << level));
		CHECK_TRUE(sum[0] > 190000000 && sum[0] < 210000000, "level %u: %llu", level,
			   (unsigned long long)sum[0]);
	}
}

static void heavy_samples(void)
{
	struct thin t = { 0 };
	uint64_t want = 0, got = 0;

	thin_begin(&t, 64);
	for (uint64_t i = 0; i < 100000; i++) {
		uint64_t weight = i * 7919 % 1000;

		want += weight;
		got += thin_take(&t, &weight) ? weight : 0;
	}
	CHECK_TRUE(got < want + want / 200 && got > want - want / 200, "%llu of %llu",
		   (unsigned long long)got, (unsigned long long)want);
}

static void all_are_kept(void)
{
	struct thin t = { 0 };
	uint64_t weight = 17;

	thin_begin(&t, 0);
	CHECK_TRUE(thin_take(&t, &weight));
	CHECK_UINT(weight, 17);
}

/* A recorder that needs 10 us for each kept sample and `other` for the rest, second by second. */
struct simulated {
	struct govern g;
	struct govern_use use, last;
	uint64_t now_ns;
	unsigned int n_changes;
};

static void seconds(struct simulated *s, unsigned int n, uint64_t rate, uint64_t other_ns)
{
	for (unsigned int i = 0; i < n; i++) {
		uint64_t kept = rate >> s->g.level;

		s->now_ns += 1000000000;
		s->use.n_samples += rate;
		s->use.n_kept += kept;
		s->use.busy_ns += kept * 10000 + other_ns;
		s->n_changes += govern_look(&s->g, s->now_ns, &s->use, &s->last);
	}
}

static void start(struct simulated *s)
{
	*s = (struct simulated){ .g = { .limit_permyriad = 300 }, .now_ns = 1000000000 };
	seconds(s, 1, 0, 0);
}

static void a_start_is_no_storm(void)
{
	struct simulated s;

	start(&s);
	seconds(&s, 1, 198, 100000000); /* libc and the program are embedded: 0.1 s at once */
	seconds(&s, 10, 198, 1000000);
	CHECK_UINT(s.n_changes, 0);
}

static void storm_and_calm(void)
{
	struct simulated s;

	start(&s);
	seconds(&s, 20, 50000, 1000000); /* half a CPU at the full rate */
	CHECK_TRUE(s.g.level >= 4);
	CHECK_TRUE(s.g.used_permyriad <= 400, "%llu", (unsigned long long)s.g.used_permyriad);
	CHECK_TRUE(s.n_changes <= 3);
	seconds(&s, 10, 198, 1000000);
	CHECK_UINT(s.g.level, 0);
}

static void no_swinging(void)
{
	struct simulated s;

	start(&s);
	for (int minute = 0; minute < 10; minute++) {
		s.n_changes = 0;
		for (int i = 0; i < 6; i++) {
			seconds(&s, 5, 50000, 1000000);
			seconds(&s, 5, 198, 1000000);
		}
		CHECK_TRUE(s.n_changes <= GOVERN_CHANGES_A_MINUTE, "%u changes", s.n_changes);
	}
}

static void other_work(void)
{
	struct simulated s;

	start(&s);
	seconds(&s, 30, 198, 80000000); /* execs: fewer samples would save nothing */
	CHECK_TRUE(198u >> s.g.level >= 49, "level %u", s.g.level);
	CHECK_TRUE(s.g.over);
}

SUITE(record_govern,
      { "thinned samples keep total and shares, also of what alternates", total_and_shares },
      { "samples heavier than a stretch stand for several", heavy_samples },
      { "without a stretch every sample is kept as it is", all_are_kept },
      { "what a start costs is paid from what was saved", a_start_is_no_storm },
      { "a storm lowers the rate at once, calm raises it within ten seconds", storm_and_calm },
      { "at most six changes a minute, whatever comes", no_swinging },
      { "where samples are not what costs, they are kept", other_work }, )
