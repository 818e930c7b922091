/*
 * The recorder's own cost. The rate is lowered here, before a sample costs anything, not in the
 * kernel: PERF_EVENT_IOC_PERIOD does not reach events that tasks inherited, and Linux 6.18 goes on
 * to tell the old period in samples of its clocks, so that weights would be wrong.
 */
#include "record/session_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/base/bits.h"
#include "common/base/log.h"

enum { NEVER_OFF = UINT8_MAX, TOLD_BYTES = 512 };

static bool by_time(const struct record_source *source)
{
	return source->frequency_hz && source->period;
}

static uint64_t own_busy_ns(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) < 0)
		return 0;
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

void session_govern_begin(struct session *s)
{
	const struct kernel_facts *f = kernel_facts(s->kernel);

	s->govern.budget.permyriad = s->options->max_overhead_permyriad;
	s->govern.n_sources = f->n_sources;
	for (uint8_t i = 0; i < f->n_sources; i++)
		s->govern.importance[i] = (uint8_t)f->importance[i];
	if (!f->task_ring_bytes)
		s->govern.importance[0] = NEVER_OFF; /* it carries mappings and tasks */
}

static void note_stack(struct session *s, uint64_t bytes)
{
	uint32_t most = s->governed.stack_bytes, less = govern_stack_bytes(s->govern.stack + 1u);

	bytes = most ? MIN(bytes, (uint64_t)most) : bytes;
	s->use.stack_bytes += bytes;
	s->use.spare_bytes += bytes > less ? bytes - less : 0;
}

bool session_thin(struct session *s, struct event *event)
{
	uint8_t i = event->sample.source;
	const struct kernel_facts *f = kernel_facts(s->kernel);

	if (i >= f->n_sources)
		return true;
	const struct record_source *source = &f->source[i];
	uint64_t weight = by_time(source) ? event->sample.period : 1;

	s->use.source[i].n_samples +=
		by_time(source) ? MAX(weight / source->period, UINT64_C(1)) : 1;
	if (!thin_take(&s->thin[i], &weight)) {
		sink_count(s->sink, COUNTER_SAMPLES_THINNED, 1);
		return false;
	}
	s->use.source[i].n_kept++;
	note_stack(s, event->sample.stack_bytes);
	if (by_time(source))
		event->sample.period = weight;
	else
		event->sample.period *= weight;
	return true;
}

/* Switches are records of off-CPU time. */
unsigned int session_meter_kind(const struct session *s, const struct event *event, bool kept)
{
	const struct kernel_facts *f = kernel_facts(s->kernel);

	if (event->type == EVENT_SAMPLE && event->sample.source < f->n_sources)
		return (kept ? METER_KEPT : METER_REST) + (unsigned int)event->sample.source;
	for (uint8_t i = 0; event->type == EVENT_SWITCH && i < f->n_sources; i++)
		if (f->importance[i] == IMPORTANCE_OFF_CPU)
			return METER_REST + (unsigned int)i;
	return METER_OTHER;
}

/* ---- acting ---- */

static void apply_rates(struct session *s)
{
	const struct kernel_facts *f = kernel_facts(s->kernel);
	bool any = false;

	for (uint8_t i = 0; i < f->n_sources; i++) {
		struct record_source now = f->source[i];
		unsigned int level = s->govern.level[i];
		uint64_t unit = by_time(&now) ? now.period : 1;

		if (level == s->level[i])
			continue;
		s->level[i] = s->govern.level[i];
		any = true;
		thin_begin(&s->thin[i], level ? unit << level : 0);
		now.period <<= level;
		if (now.frequency_hz)
			now.frequency_hz = MAX(now.frequency_hz >> level, UINT64_C(1));
		sink_set_source(s->sink, i, &now);
	}
	if (any)
		sink_sources_changed(s->sink, s->now_ns);
}

static void apply_rest(struct session *s)
{
	struct event event = {
		.type = EVENT_GOVERNED,
		.time_ns = sink_last_ns(s->sink) ? sink_last_ns(s->sink) : s->now_ns,
		.governed = { .stack_bytes = govern_stack_bytes(s->govern.stack),
			      .off = s->govern.off },
	};
	uint64_t changed = s->governed.off ^ event.governed.off;

	if (!changed && s->governed.stack_bytes == event.governed.stack_bytes)
		return;
	for (uint8_t i = 0; i < s->govern.n_sources; i++)
		if (changed >> i & 1)
			kernel_switch_source(s->kernel, i, !(event.governed.off >> i & 1));
	s->governed = event.governed;
	sink_event(s->sink, &event);
}

/* ---- telling ---- */

static void add(char *text, const char *separator, const char *fmt, unsigned int n,
		const char *name)
{
	size_t at = strlen(text);

	if (at)
		at += (size_t)snprintf(text + at, TOLD_BYTES - at, "%s", separator);
	if (at < TOLD_BYTES)
		snprintf(text + at, TOLD_BYTES - at, fmt, n, name);
}

/* "1 of 8 samples of sCPU is kept and counts for all, sPF is off" */
static void put_reduced(const struct session *s, char *text)
{
	const struct govern *g = &s->govern;
	const struct kernel_facts *f = kernel_facts(s->kernel);
	bool any = false;

	text[0] = '\0';
	for (uint8_t i = 0; i < g->n_sources; i++) {
		if (!g->level[i] || g->off >> i & 1)
			continue;
		add(text, ", ", "1 of %u samples of %s", 1u << g->level[i], f->source[i].name);
		any = true;
	}
	if (any)
		add(text, " ", "is kept and counts for all%.0u%s", 0, "");
	if (g->stack)
		add(text, "; ", "%u bytes of each stack are kept%s", govern_stack_bytes(g->stack),
		    "");
	for (uint8_t i = 0; i < g->n_sources; i++)
		if (g->off >> i & 1)
			add(text, "; ", "%.0u%s is off", 0, f->source[i].name);
}

static void tell(struct session *s, enum govern_change change)
{
	const struct govern *g = &s->govern;
	uint64_t used = g->used_permyriad, limit = g->budget.permyriad;
	char text[TOLD_BYTES];

	put_reduced(s, text);
	if (change != GOVERN_MORE)
		log_warning("recording used %" PRIu64 ".%" PRIu64
			    " %% of a CPU (--max-overhead %" PRIu64 ".%" PRIu64 "): from now on %s",
			    used / 100, used / 10 % 10, limit / 100, limit / 10 % 10, text);
	else if (text[0])
		log_notice("recording costs less: still %s", text);
	else
		log_notice("recording costs less: all is recorded again");
}

/* Once: it may go on for hours. */
static void tell_helpless(struct session *s)
{
	const struct govern *g = &s->govern;

	if (!g->helpless || s->helpless_told)
		return;
	s->helpless_told = true;
	log_warning("recording used %" PRIu64 ".%" PRIu64 " %% of a CPU, more than --max-overhead, "
		    "and nothing is left that could be left out: mappings and tasks are always "
		    "recorded",
		    g->used_permyriad / 100, g->used_permyriad / 10 % 10);
}

static void read_use(struct session *s)
{
	struct govern_use *use = &s->use;

	use->own_ns = own_busy_ns();
	use->inspector_ns = inspector_busy_ns(s->inspector);
	for (uint8_t i = 0; i < s->govern.n_sources; i++) {
		use->source[i].kept_cost_ns = s->meter.kind[METER_KEPT + i].cost_ns;
		use->source[i].rest_cost_ns = s->meter.kind[METER_REST + i].cost_ns;
	}
	use->other_cost_ns = s->meter.kind[METER_OTHER].cost_ns;
}

static void count_use(struct session *s)
{
	uint64_t used_ns = s->use.own_ns + s->use.inspector_ns;

	sink_count(s->sink, COUNTER_RECORDER_CPU_NS, used_ns - s->told_ns);
	s->told_ns = used_ns;
}

void session_govern_end(struct session *s)
{
	read_use(s);
	count_use(s);
}

void session_govern(struct session *s)
{
	struct govern *g = &s->govern;

	read_use(s);
	enum govern_change change = govern_look(g, s->now_ns, &s->use);
	if (change != GOVERN_NOTHING) {
		apply_rates(s);
		apply_rest(s);
		tell(s, change);
	}
	tell_helpless(s);
	/* Embedding waits for its share; at the end it is done in any case. */
	inspector_rest(s->inspector, !govern_may_spend(g, s->now_ns, &s->use));
	if (g->from_ns != s->now_ns)
		return;
	count_use(s);
	log_debug("govern",
		  "used: permyriad=%" PRIu64 " saved_us=%" PRId64 " level=%u stack=%u "
		  "off=%x sample_ns=%" PRIu64 " own_us=%" PRIu64 " inspector_us=%" PRIu64,
		  g->used_permyriad, g->budget.saved_ns / 1000, g->level[0], g->stack, g->off,
		  g->sample_cost_ns, s->use.own_ns / 1000, s->use.inspector_ns / 1000);
}
