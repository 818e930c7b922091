/*
 * The recorder's own cost. The rate is lowered here, before a sample costs anything, not in the
 * kernel: PERF_EVENT_IOC_PERIOD does not reach events that tasks inherited, and Linux 6.18 goes on
 * to tell the old period in samples of its clocks, so that weights would be wrong.
 */
#include "record/session_state.h"

#include <inttypes.h>
#include <time.h>

#include "common/base/bits.h"
#include "common/base/log.h"

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

bool session_thin(struct session *s, struct event *event)
{
	uint8_t i = event->sample.source;
	const struct kernel_facts *f = kernel_facts(s->kernel);

	if (i >= f->n_sources)
		return true;
	const struct record_source *source = &f->source[i];
	uint64_t weight = by_time(source) ? event->sample.period : 1;

	s->use.n_samples += by_time(source) ? MAX(weight / source->period, UINT64_C(1)) : 1;
	if (!thin_take(&s->thin[i], &weight)) {
		sink_count(s->sink, COUNTER_SAMPLES_THINNED, 1);
		return false;
	}
	s->use.n_kept++;
	if (by_time(source))
		event->sample.period = weight;
	else
		event->sample.period *= weight;
	return true;
}

static void apply(struct session *s)
{
	const struct kernel_facts *f = kernel_facts(s->kernel);
	unsigned int level = s->govern.level;

	for (uint8_t i = 0; i < f->n_sources; i++) {
		struct record_source now = f->source[i];
		uint64_t unit = by_time(&now) ? now.period : 1;

		thin_begin(&s->thin[i], level ? unit << level : 0);
		now.period <<= level;
		if (now.frequency_hz)
			now.frequency_hz = MAX(now.frequency_hz >> level, UINT64_C(1));
		sink_set_source(s->sink, i, &now);
	}
	sink_sources_changed(s->sink, s->now_ns);
}

static void tell(const struct session *s)
{
	const struct govern *g = &s->govern;

	if (g->level)
		log_warning("recording used %" PRIu64 ".%" PRIu64
			    " %% of a CPU (--max-overhead %" PRIu64 ".%" PRIu64
			    "): from now on 1 of %u samples is kept and counts for all",
			    g->used_permyriad / 100, g->used_permyriad / 10 % 10,
			    g->limit_permyriad / 100, g->limit_permyriad / 10 % 10, 1u << g->level);
	else
		log_notice("the full rate of samples again");
}

void session_govern(struct session *s)
{
	s->use.busy_ns = own_busy_ns() + inspector_busy_ns(s->inspector);
	if (govern_look(&s->govern, s->now_ns, &s->use, &s->used)) {
		apply(s);
		tell(s);
	}
	inspector_rest(s->inspector, s->govern.over);
	if (s->govern.from_ns == s->now_ns)
		log_debug("govern", "used: permyriad=%" PRIu64 " level=%u sample_ns=%" PRIu64,
			  s->govern.used_permyriad, s->govern.level, s->govern.sample_cost_ns);
}
