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

/*
 * A recorder of a clock, page faults and off-CPU time, that needs 2 us for each kept sample, 2 us
 * more for 8 KiB of stack, 0.5 us for a sample that is left out, and `other` for the rest. Half of
 * it is in what is measured. Second by second.
 */
enum { CLOCK, FAULTS, OFFCPU };

struct simulated {
	struct govern g;
	struct govern_use use;
	uint64_t rate[3], switches, other_ns, inspector_ns, now_ns;
	uint64_t stack_bytes;
	unsigned int n_changes;
};

static uint64_t keep(struct simulated *s, int i, uint64_t n)
{
	struct govern_source_use *use = &s->use.source[i];
	uint64_t kept = n >> s->g.level[i], most = govern_stack_bytes(s->g.stack);
	uint64_t bytes = most && most < s->stack_bytes ? most : s->stack_bytes;
	uint64_t less = govern_stack_bytes(s->g.stack + 1u);
	uint64_t kept_ns = kept * (2000 + bytes / 4), rest_ns = (n - kept) * 500;

	if (s->g.off >> i & 1)
		return 0;
	rest_ns += i == OFFCPU ? s->switches * 300 : 0;
	use->n_samples += n;
	use->n_kept += kept;
	use->kept_cost_ns += kept_ns / 2;
	use->rest_cost_ns += rest_ns / 2;
	s->use.stack_bytes += kept * bytes;
	s->use.spare_bytes += bytes > less ? kept * (bytes - less) : 0;
	return kept_ns + rest_ns;
}

static void seconds(struct simulated *s, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		s->now_ns += 1000000000;
		for (int source = 0; source < s->g.n_sources; source++)
			s->use.own_ns += keep(s, source, s->rate[source]);
		s->use.own_ns += s->other_ns;
		s->use.other_cost_ns += s->other_ns / 2;
		s->use.inspector_ns += s->inspector_ns;
		s->n_changes += govern_look(&s->g, s->now_ns, &s->use) != GOVERN_NOTHING;
	}
}

static void start(struct simulated *s, uint64_t permyriad, uint8_t n_sources)
{
	*s = (struct simulated){
		.g = { .budget.permyriad = permyriad,
		       .n_sources = n_sources,
		       .importance = { IMPORTANCE_CLOCK, IMPORTANCE_SOFTWARE,
				       IMPORTANCE_OFF_CPU } },
		.now_ns = 1000000000,
	};
	govern_look(&s->g, s->now_ns, &s->use);
	s->rate[CLOCK] = 198;
	s->other_ns = 1000000;
}

static void a_start_is_no_storm(void)
{
	struct simulated s;

	start(&s, 300, 1);
	s.other_ns = 60000000; /* mappings of the program and its libraries at once */
	s.inspector_ns = 40000000;
	seconds(&s, 1);
	s.other_ns = 1000000;
	s.inspector_ns = 0;
	seconds(&s, 10);
	CHECK_UINT(s.n_changes, 0);
}

static void files_wait(void)
{
	struct simulated s;

	start(&s, 50, 1);
	CHECK_TRUE(govern_may_spend(&s.g, s.now_ns, &s.use));
	s.inspector_ns = 100000000; /* one large file at the limit of 5 ms a second */
	seconds(&s, 1);
	CHECK_TRUE(!govern_may_spend(&s.g, s.now_ns, &s.use));
	s.inspector_ns = 0;
	seconds(&s, 2);
	CHECK_TRUE(!govern_may_spend(&s.g, s.now_ns, &s.use));
	seconds(&s, 14); /* ten seconds' worth is paid off, not more */
	CHECK_TRUE(govern_may_spend(&s.g, s.now_ns, &s.use));
	CHECK_UINT(s.n_changes, 0); /* the samples were not to blame */
}

static void storm_and_calm(void)
{
	struct simulated s;

	start(&s, 300, 1);
	s.rate[CLOCK] = 50000;
	s.stack_bytes = 8192;
	seconds(&s, 20);
	CHECK_TRUE(s.g.level[CLOCK] >= 3, "level %u", s.g.level[CLOCK]);
	CHECK_TRUE(s.g.used_permyriad <= 300, "%llu", (unsigned long long)s.g.used_permyriad);
	CHECK_TRUE(s.n_changes <= 3);
	s.rate[CLOCK] = 198;
	seconds(&s, 10);
	CHECK_UINT(s.g.level[CLOCK], 0);
}

static void at_once(void)
{
	struct simulated s;

	start(&s, 300, 1);
	s.now_ns += 250000000;
	s.use.own_ns += 200000000;
	s.use.source[CLOCK].n_samples = s.use.source[CLOCK].n_kept = 50000;
	s.use.source[CLOCK].kept_cost_ns = 100000000;
	CHECK_UINT(govern_look(&s.g, s.now_ns, &s.use), GOVERN_LESS_SAMPLES);
}

static void no_swinging(void)
{
	struct simulated s;

	start(&s, 300, 3);
	for (int minute = 0; minute < 10; minute++) {
		s.n_changes = 0;
		for (int i = 0; i < 6; i++) {
			s.rate[CLOCK] = s.switches = s.rate[OFFCPU] = 100000;
			seconds(&s, 5);
			s.rate[CLOCK] = s.switches = s.rate[OFFCPU] = 198;
			seconds(&s, 5);
		}
		CHECK_TRUE(s.n_changes <= GOVERN_CHANGES_A_MINUTE, "%u changes", s.n_changes);
	}
}

static void other_work(void)
{
	struct simulated s;

	start(&s, 300, 3);
	s.other_ns = 80000000; /* execs: less of anything else would save nothing */
	seconds(&s, 30);
	CHECK_TRUE(198u >> s.g.level[CLOCK] >= 49, "level %u", s.g.level[CLOCK]);
	CHECK_UINT(s.g.stack, 0);
	CHECK_UINT(s.g.off, 0);
	CHECK_TRUE(s.g.helpless);
}

static void stacks(void)
{
	struct simulated s;

	start(&s, 10, 1); /* 0.1 %: 1 ms a second */
	s.other_ns = 100000;
	s.stack_bytes = 65528; /* 18 us a sample */
	seconds(&s, 30);
	CHECK_UINT(s.g.level[CLOCK], 1); /* 99 a second: fewer are not worth having */
	CHECK_TRUE(s.g.stack >= 1 && s.g.stack <= 2, "stack %u", s.g.stack);
	CHECK_TRUE(s.g.used_permyriad <= 10, "%llu", (unsigned long long)s.g.used_permyriad);
	s.rate[CLOCK] = 20;
	s.stack_bytes = 4096;
	seconds(&s, 30);
	CHECK_UINT(s.g.stack, 0);
	CHECK_UINT(s.g.level[CLOCK], 0);
}

static void sources(void)
{
	struct simulated s;
	uint64_t used_ns;

	start(&s, 300, 3);
	s.rate[FAULTS] = 20; /* cost nothing: they stay, though least important */
	s.rate[OFFCPU] = s.switches = 150000;
	seconds(&s, 6);
	CHECK_UINT(s.g.off, 1u << OFFCPU);
	CHECK_UINT(s.g.level[CLOCK], 1);
	used_ns = s.use.own_ns;
	seconds(&s, 600); /* tried again, and longer pauses */
	used_ns = (s.use.own_ns - used_ns) / 600;
	CHECK_TRUE(used_ns <= 30000000, "%llu ns a second", (unsigned long long)used_ns);
	CHECK_TRUE(s.n_changes <= 25, "%u changes", s.n_changes);
	s.rate[OFFCPU] = s.switches = 1000;
	seconds(&s, 400);
	CHECK_UINT(s.g.off, 0);
	CHECK_UINT(s.g.level[OFFCPU], 0);
}

static void least_first(void)
{
	struct simulated s;

	start(&s, 100, 3);
	s.rate[CLOCK] = 100000; /* what is left out costs too */
	s.rate[FAULTS] = s.rate[OFFCPU] = s.switches = 20000;
	for (unsigned int i = 0; i < 10 && !s.g.off; i++)
		seconds(&s, 1);
	CHECK_UINT(s.g.off, 1u << FAULTS);
	seconds(&s, 5);
	CHECK_UINT(s.g.off, 1u << FAULTS | 1u << OFFCPU);
	seconds(&s, 60);
	CHECK_TRUE(!(s.g.off & 1u << CLOCK));
}

SUITE(record_govern,
      { "thinned samples keep total and shares, also of what alternates", total_and_shares },
      { "samples heavier than a stretch stand for several", heavy_samples },
      { "without a stretch every sample is kept as it is", all_are_kept },
      { "what a start costs is paid from what was saved", a_start_is_no_storm },
      { "files are embedded when there is CPU for it, and no sample pays", files_wait },
      { "a storm lowers the rate at once, calm raises it within ten seconds", storm_and_calm },
      { "when all is used up it looks before the second is over", at_once },
      { "at most six changes a minute, whatever comes", no_swinging },
      { "what does not cost is not reduced", other_work },
      { "when the lowest rate does not do, stacks are cut, and whole again in calm", stacks },
      { "a source that costs too much is off, and tried again ever more seldom", sources },
      { "the least important source goes first, the most important never", least_first }, )
