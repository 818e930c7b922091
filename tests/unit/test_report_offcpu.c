/* Time off CPUs, from recordings made by hand: report/offcpu.h */
#include "report/offcpu.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/format/file.h"
#include "common/format/object.h"
#include "common/format/record.h"
#include "report/pipeline.h"
#include "report/profile/profile.h"
#include "report/read/read.h"
#include "tests/unit/check.h"

enum { PID = 100, SITE = 0x1000 };

struct script {
	const char *off_cpu, *target; /* of the manifest */
	bool no_clock;
	uint64_t period; /* 0: nothing of off-CPU time is in the recording */
	const struct event *event;
	size_t n;
};

#define SWITCH(at, of, what)                                                                    \
	{                                                                                       \
		.type = EVENT_SWITCH, .time_ns = (at), .pid = (what) == SWITCH_WOKEN ? 0 : PID, \
		.tid = (of), .switched.kind = (what)                                            \
	}
#define MARK(at, what)                                                         \
	{                                                                      \
		.type = EVENT_SWITCH, .time_ns = (at), .switched.kind = (what) \
	}
/* In the kernel, at one place of its own for each site. */
#define SAMPLE(at, of, from, chain)                                                         \
	{                                                                                   \
		.type = EVENT_SAMPLE, .time_ns = (at), .pid = PID, .tid = (of), .sample = { \
			.source = (from),                                                   \
			.in_kernel = true,                                                  \
			.n_kchain = 1,                                                      \
			.kchain = chain,                                                    \
			.ip = chain##_at,                                                   \
			.period = 1                                                         \
		}                                                                           \
	}
#define COMM(at, of, by_exec)                                                           \
	{                                                                               \
		.type = EVENT_COMM, .time_ns = (at), .pid = PID, .tid = (of), .comm = { \
			.exec = (by_exec),                                              \
			.comm = "t"                                                     \
		}                                                                       \
	}
#define FORK(at, of)                                                                    \
	{                                                                               \
		.type = EVENT_FORK, .time_ns = (at), .pid = PID, .tid = (of), .fork = { \
			.ppid = PID,                                                    \
			.ptid = PID                                                     \
		}                                                                       \
	}

enum { site_a_at = SITE, site_b_at = SITE + 0x100 };
static const uint64_t site_a[] = { SITE }, site_b[] = { SITE + 0x100 };

static int put_file(void *ctx, const void *bytes, size_t n)
{
	return fwrite(bytes, 1, n, ctx) == n ? 0 : -EIO;
}

static void put_chunk(struct chunk_writer *w, struct record_encoder *e, enum chunk_type type)
{
	uint64_t first_ns, last_ns;
	size_t n;
	const uint8_t *bytes = record_encoder_bytes(e, &n);

	record_encoder_times(e, &first_ns, &last_ns);
	REQUIRE_INT(chunk_writer_put(w, type, 0, bytes, n, record_encoder_n(e), first_ns, last_ns),
		    0);
}

static void put_manifest(struct chunk_writer *w, const struct script *s)
{
	uint8_t bytes[256];
	size_t n = 0;

	manifest_put(bytes, sizeof(bytes), &n, "off_cpu", s->off_cpu);
	manifest_put(bytes, sizeof(bytes), &n, "target", s->target);
	REQUIRE_INT(chunk_writer_put(w, CHUNK_MANIFEST, 0, bytes, n, 2, 0, 0), 0);
}

static void write_script(const struct script *s, const char *path)
{
	struct record_source off = { .name = "offcpu", .unit = "switches", .period = s->period };
	struct record_source cpu = { .name = "sCPU", .unit = "nanoseconds", .frequency_hz = 99 };
	struct err err = { 0 };
	struct record_encoder *e = record_encoder_new(MACHINE_X86_64, &err);
	FILE *file = fopen(path, "w");
	struct chunk_writer *w = chunk_writer_new(1, put_file, file, &err);

	REQUIRE_INT(chunk_writer_begin(w), 0);
	put_manifest(w, s);
	if (s->period)
		record_encoder_put_source(e, 0, &off);
	if (!s->no_clock)
		record_encoder_put_source(e, 1, &cpu);
	for (size_t i = 0; i < s->n; i++)
		REQUIRE_INT(record_encoder_put(e, &s->event[i]), 0);
	put_chunk(w, e, CHUNK_EVENTS);
	record_encoder_begin(e);
	put_chunk(w, e, CHUNK_END);
	record_encoder_free(e);
	chunk_writer_free(w);
	fclose(file);
}

static struct recording *recording;
static struct profile *profile;

static int run(const struct script *s, struct pipeline_options *o)
{
	char path[64];
	struct err err = { 0 };

	snprintf(path, sizeof(path), "offcpu-%d.data", (int)getpid());
	write_script(s, path);
	o->no_local_files = true;
	int r = recording_open(path, &recording, &err);
	if (r == 0) {
		r = pipeline_run(recording, o, &profile, &err);
		if (r < 0)
			recording_close(recording);
	}
	unlink(path);
	return r;
}

static void run_plainly(const struct script *s)
{
	struct pipeline_options o = { 0 };

	filter_init(&o.filter);
	REQUIRE_INT(run(s, &o), 0);
	filter_done(&o.filter);
}

static void end(void)
{
	profile_free(profile);
	recording_close(recording);
}

static bool is_leaf(const struct profile_entry *e, uint64_t addr, const char *label)
{
	const struct profile_place *place;

	if (!e->node)
		return false;
	place = &profile->place[profile->node[e->node].place];
	return label ? !strcmp(profile_text(profile, profile->function[place->function].name),
			       label) :
		       place->addr == addr;
}

/* Of a thread (0: all), an event, and a leaf: an address, or a frame that is none. */
static uint64_t weight(uint32_t tid, const char *event, uint64_t addr, const char *label)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < profile->n_entries; i++) {
		const struct profile_entry *e = &profile->entry[i];

		if ((tid && profile->thread[e->thread].tid != tid) ||
		    strcmp(profile->source[e->source].about.name, event) != 0 ||
		    !is_leaf(e, addr, label))
			continue;
		sum += e->weight;
	}
	return sum;
}

static uint64_t total(const char *event)
{
	for (uint32_t s = 0; s < SOURCE_MAX; s++)
		if (profile->source[s].count && !strcmp(profile->source[s].about.name, event))
			return profile->source[s].weight;
	return 0;
}

#define ALL "time stacks wakeups"
/* Of these manifest entries and period. */
#define SCRIPT_OF(of, whom, every, events)                                               \
	(struct script)                                                                  \
	{                                                                                \
		.off_cpu = (of), .target = (whom), .period = (every), .event = (events), \
		.n = N_ELEMENTS(events)                                                  \
	}
#define SCRIPT(of, events) SCRIPT_OF(of, "command", 1, events)

static void sleep_and_wait_are_told_apart(void)
{
	static const struct event events[] = {
		COMM(1000, PID, true),
		SAMPLE(1990, PID, 0, site_a),
		SWITCH(2000, PID, SWITCH_OUT_ASLEEP),
		SWITCH(5000, PID, SWITCH_WOKEN),
		SWITCH(5001, PID, SWITCH_WOKEN), /* told twice */
		SWITCH(5400, PID, SWITCH_IN),
		SAMPLE(6990, PID, 0, site_b),
		SWITCH(7000, PID, SWITCH_OUT_RUNNABLE),
		SWITCH(7010, PID, SWITCH_IN),
		SWITCH(7020, 4242, SWITCH_WOKEN), /* a stranger */
	};

	run_plainly(&SCRIPT(ALL, events));
	CHECK_UINT(weight(PID, "offcpu", SITE, NULL), 3000);
	CHECK_UINT(weight(PID, "offcpu-wait", SITE, NULL), 400);
	CHECK_UINT(weight(PID, "offcpu-wait", SITE + 0x100, NULL), 10);
	CHECK_UINT(total("offcpu"), 3000);
	CHECK_UINT(total("offcpu-wait"), 410);
	CHECK_UINT(profile->n_samples, 2);
	CHECK_UINT(profile->n_advice, 0);
	end();
}

static void without_stacks_it_is_said(void)
{
	static const struct event events[] = {
		COMM(1000, PID, true),
		SWITCH(2000, PID, SWITCH_OUT_ASLEEP),
		SWITCH(5000, PID, SWITCH_IN),
	};

	run_plainly(&SCRIPT("time", events));
	CHECK_UINT(weight(PID, "offcpu", 0, "[no stack: kernel side not allowed]"), 3000);
	CHECK_UINT(profile->n_advice, 2);
	end();
	run_plainly(&SCRIPT(ALL, events));
	CHECK_UINT(weight(PID, "offcpu", 0, "[no stack: sample lost or not taken]"), 3000);
	end();
}

static void beginnings_and_ends_are_counted(void)
{
	static const struct event events[] = {
		COMM(1000, PID, false),
		COMM(1000, 101, false),
		COMM(1000, 102, false),
		COMM(1000, 103, false),
		MARK(2000, SWITCH_BEGIN),
		SWITCH(3000, PID, SWITCH_IN),
		SAMPLE(3500, PID, 0, site_a),
		SWITCH(3600, PID, SWITCH_OUT_ASLEEP),
		SWITCH(4000, 101, SWITCH_OUT_ASLEEP), /* it ran until now */
		SWITCH(4500, 101, SWITCH_IN),
		SAMPLE(4600, 103, 1, site_b), /* on a CPU all along */
		FORK(5000, 104),
		SWITCH(5300, 104, SWITCH_IN),
		{ .type = EVENT_EXIT, .time_ns = 5400, .pid = PID, .tid = 104 },
		MARK(9000, SWITCH_END),
	};
	static const char before[] = "[off CPU since before the start]";

	run_plainly(&SCRIPT_OF(ALL, "pid", 1, events));
	CHECK_UINT(weight(PID, "offcpu", 0, before), 1000);
	CHECK_UINT(weight(PID, "offcpu", 0, "[still off CPU at the end]"), 5400);
	CHECK_UINT(weight(101, "offcpu", 0, "[no stack: sample lost or not taken]"), 500);
	CHECK_UINT(weight(101, "offcpu", 0, before), 0);
	CHECK_UINT(weight(102, "offcpu", 0, before), 7000);
	CHECK_UINT(weight(103, "offcpu", 0, before), 0);
	CHECK_UINT(weight(104, "offcpu-wait", 0, "[new, has not run yet]"), 300);
	CHECK_UINT(total("offcpu"), 1000 + 5400 + 500 + 7000);
	end();
	run_plainly(&SCRIPT_OF(ALL, "system", 1, events));
	CHECK_UINT(weight(102, "offcpu", 0, before), 0); /* it did not run */
	end();
}

/* It may have run all the time: only a clock would tell. */
static void a_silent_thread_is_not_asleep_without_a_clock(void)
{
	static const struct event events[] = {
		COMM(1000, PID, false),	      COMM(1000, 101, false),
		MARK(2000, SWITCH_BEGIN),     SWITCH(3000, PID, SWITCH_OUT_ASLEEP),
		SWITCH(3600, PID, SWITCH_IN), MARK(9000, SWITCH_END),
	};
	struct script s = SCRIPT_OF(ALL, "pid", 1, events);

	run_plainly(&s);
	CHECK_UINT(total("offcpu"), 600 + 7000);
	CHECK_UINT(profile->n_advice, 0);
	end();
	s.no_clock = true;
	run_plainly(&s);
	CHECK_UINT(total("offcpu"), 600);
	REQUIRE_INT(profile->n_advice, 1);
	CHECK_HAS(profile_text(profile, profile->advice[0]),
		  "1 threads never left or entered a CPU");
	end();
}

static void pauses_are_nobodys_time(void)
{
	static const struct event events[] = {
		COMM(1000, PID, true),	      SWITCH(2000, PID, SWITCH_OUT_ASLEEP),
		MARK(3000, SWITCH_END),	      MARK(8000, SWITCH_BEGIN),
		SWITCH(8500, PID, SWITCH_IN), MARK(9000, SWITCH_END),
	};

	run_plainly(&SCRIPT(ALL, events));
	CHECK_UINT(total("offcpu"), 1000 + 500);
	end();
}

static void lost_words_count_for_nothing(void)
{
	static const struct event events[] = {
		COMM(1000, PID, true),
		SWITCH(2000, PID, SWITCH_OUT_ASLEEP), /* when it came back was lost */
		SWITCH(5000, PID, SWITCH_OUT_ASLEEP),
		SWITCH(5100, PID, SWITCH_IN),
		SWITCH(6000, PID, SWITCH_IN),
		{ .type = EVENT_LOST, .time_ns = 7000, .lost = { .source = 0, .n = 2 } },
	};

	run_plainly(&SCRIPT(ALL, events));
	CHECK_UINT(total("offcpu"), 100);
	REQUIRE_INT(profile->n_advice, 1);
	CHECK_STR(profile_text(profile, profile->advice[0]),
		  "offcpu: 2 switches or their stacks were lost: times are not exact");
	end();
}

static void filters_cut_intervals(void)
{
	static const struct event events[] = {
		COMM(1000, PID, true),
		SAMPLE(1990, PID, 0, site_a),
		SWITCH(2000, PID, SWITCH_OUT_ASLEEP),
		SWITCH(5000, PID, SWITCH_WOKEN),
		SWITCH(5400, PID, SWITCH_IN),
	};
	struct pipeline_options o = { 0 };
	struct err err = { 0 };

	filter_init(&o.filter);
	REQUIRE_INT(filter_set_time(&o.filter, "3000ns-4100ns", &err), 0);
	REQUIRE_INT(run(&SCRIPT(ALL, events), &o), 0);
	CHECK_UINT(weight(PID, "offcpu", SITE, NULL), 1000); /* from 4000 to 5000 */
	CHECK_UINT(weight(PID, "offcpu-wait", SITE, NULL), 100);
	end();
	filter_done(&o.filter);
	filter_init(&o.filter);
	filter_add_words(&o.filter.event, "offcpu-wait");
	REQUIRE_INT(run(&SCRIPT(ALL, events), &o), 0);
	CHECK_UINT(total("offcpu"), 0);
	CHECK_UINT(total("offcpu-wait"), 400);
	end();
	filter_done(&o.filter);
}

static void few_stacks_stand_for_all(void)
{
	static struct event events[] = {
		COMM(1000, PID, true),
		SAMPLE(1990, PID, 0, site_a),
		SWITCH(2000, PID, SWITCH_OUT_ASLEEP),
		SWITCH(2300, PID, SWITCH_IN),
		SWITCH(3000, PID, SWITCH_OUT_ASLEEP),
		SWITCH(3500, PID, SWITCH_IN),
		SAMPLE(3990, PID, 0, site_b),
		SWITCH(4000, PID, SWITCH_OUT_ASLEEP),
		SWITCH(4100, PID, SWITCH_IN),
	};

	run_plainly(&SCRIPT_OF(ALL, "command", 2, events));
	CHECK_UINT(total("offcpu"), 900);
	CHECK_UINT(weight(PID, "offcpu", SITE, NULL), 675);
	CHECK_UINT(weight(PID, "offcpu", SITE + 0x100, NULL), 225);
	end();
	events[1].sample.period = 2; /* left out by the recorder */
	run_plainly(&SCRIPT(ALL, events));
	CHECK_UINT(weight(PID, "offcpu", SITE, NULL), 675);
	CHECK_UINT(weight(PID, "offcpu", SITE + 0x100, NULL), 225);
	end();
}

static void wall_is_all_time(void)
{
	static const struct event events[] = {
		COMM(1000, PID, true),		 SAMPLE(1500, PID, 1, site_b),
		SAMPLE(1990, PID, 0, site_a),	 SWITCH(2000, PID, SWITCH_OUT_ASLEEP),
		SWITCH(5000, PID, SWITCH_WOKEN), SWITCH(5400, PID, SWITCH_IN),
	};
	static const struct event nothing[] = { COMM(1000, PID, true) };
	struct pipeline_options o = { .wall = true };

	filter_init(&o.filter);
	REQUIRE_INT(run(&SCRIPT(ALL, events), &o), 0);
	CHECK_UINT(total("wall"), 1 + 3000 + 400);
	CHECK_UINT(weight(PID, "wall", SITE + 0x100, NULL), 1);
	CHECK_UINT(weight(PID, "wall", 0, "[asleep]"), 3000);
	CHECK_UINT(weight(PID, "wall", 0, "[waiting for a CPU]"), 400);
	end();
	CHECK_INT(run(&SCRIPT_OF("", "command", 0, nothing), &o), -ENODATA);
	filter_done(&o.filter);
}

SUITE(report_offcpu,
      { "time asleep ends where the wait for a CPU begins", sleep_and_wait_are_told_apart },
      { "time without a stack says why", without_stacks_it_is_said },
      { "who slept before the start or still at the end is counted",
	beginnings_and_ends_are_counted },
      { "a silent thread is not asleep when no clock says so",
	a_silent_thread_is_not_asleep_without_a_clock },
      { "pauses of the recorder are nobody's time", pauses_are_nobodys_time },
      { "where a word was lost nothing is counted", lost_words_count_for_nothing },
      { "a time filter cuts intervals, an event filter chooses", filters_cut_intervals },
      { "where some switches have stacks they stand for all", few_stacks_stand_for_all },
      { "the wall clock view adds up", wall_is_all_time }, )
