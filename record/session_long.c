/* What a long recording needs from time to time: the next file, and an end when there is enough. */
#include "record/session_state.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/base/bits.h"
#include "common/base/log.h"

/* A file waits so long for what was asked of the inspector before it ends. */
static const uint64_t answers_wait_ns = 3000000000;

void session_on_file(void *ctx, const struct sink_file *file)
{
	const struct session *s = ctx;
	bool only_one = !strcmp(s->options->output, "-");

	if (!file->code && file->kept_ns)
		log_notice("'%s' has the last %.1f s: %" PRIu64 " samples", file->name,
			   (double)file->kept_ns / 1e9, file->n_samples);
	else if (!file->code)
		log_info("'%s' is complete: %" PRIu64 " bytes", file->name, file->bytes);
	else if (file->unsure_bytes)
		log_warning("'%s' could not be synced: %s; the last %" PRIu64 " bytes of it may be "
			    "lost%s",
			    file->name, strerror(-file->code), file->unsure_bytes,
			    only_one ? "" : ", recording goes on in another file");
	else
		log_warning("'%s' could not be finished: %s%s", file->name, strerror(-file->code),
			    file->again ? "; it is written again as soon as that is possible" : "");
}

/*
 * Whether what was asked so far is answered: asked for the first time it hurries the inspector.
 * After a time it is yes in any case, and what is missing is counted.
 */
static bool answers_are_in(struct session *s)
{
	if (!s->file_due_ns) {
		s->file_due_ns = s->now_ns;
		inspector_hurry(s->inspector);
		return false;
	}
	if (!inspector_idle(s->inspector)) {
		if (s->now_ns - s->file_due_ns < answers_wait_ns)
			return false;
		sink_count(s->sink, COUNTER_OBJECTS_FAILED, inspector_n_unanswered(s->inspector));
	}
	inspector_calm(s->inspector);
	s->file_due_ns = 0;
	return true;
}

static bool keeps(const struct session *s)
{
	const struct sink_limits *l = &s->options->long_run.sink;

	return l->last_bytes || l->last_ns;
}

bool session_writes_when_asked(const struct session *s)
{
	const struct sink_limits *l = &s->options->long_run.sink;

	return keeps(s) || l->rotate_bytes || l->rotate_ns;
}

void session_want_file(struct session *s, const char *why)
{
	if (!session_writes_when_asked(s)) {
		log_notice("%s to write a file: only with --last or --rotate", why);
		return;
	}
	log_info("%s: %s", why, keeps(s) ? "snapshot" : "next file");
	s->file_wanted = true;
}

static void next_file(struct session *s)
{
	if (!s->file_wanted && !s->file_due_ns && !sink_file_due(s->sink, s->now_ns))
		return;
	if (sink_snapshot_runs(s->sink) || !answers_are_in(s))
		return;
	int r = keeps(s) ? sink_snapshot(s->sink, s->now_ns) : sink_next_file(s->sink, s->now_ns);
	/* Not on the disk yet, the one before: again when it is. */
	s->file_wanted &= r == -EBUSY || r == -EAGAIN;
	if (r < 0)
		log_debug("session", "no next file: code=%d", r);
	if (r < 0 && s->file_due_ns == 0 && !s->file_wanted && keeps(s))
		log_warning("no snapshot: %s", strerror(-r));
}

/* Time off CPUs is in nanoseconds as well, but each of its samples is one event. */
static bool is_cpu_clock(const struct record_source *source)
{
	return !strcmp(source->unit, "nanoseconds") && source->period > 1;
}

/*
 * For the report to hold against what the samples stand for. Clocks of whole CPUs count idle time,
 * which is not sampled; of a flight recorder only the last samples are there.
 */
static void count_cpu(struct session *s, uint64_t counted_ns)
{
	if (s->whole_cpus || keeps(s) || counted_ns <= s->counted_ns)
		return;
	sink_count(s->sink, COUNTER_CPU_COUNTED_NS, counted_ns - s->counted_ns);
	s->counted_ns = counted_ns;
}

/* The use of the CPU is what the first CPU clock counted. */
void session_look_at_cpu(struct session *s, const uint64_t *count)
{
	const struct long_run_options *o = &s->options->long_run;
	const struct kernel_facts *f = kernel_facts(s->kernel);
	uint8_t i = 0;

	while (i < f->n_sources && !is_cpu_clock(&f->source[i]))
		i++;
	if (i == f->n_sources)
		return;
	count_cpu(s, count[i]);
	if (o->trigger_percent &&
	    trigger_look(&s->trigger, s->now_ns, count[i], o->trigger_percent, o->trigger_ns))
		session_want_file(s, "CPU use passed --trigger-cpu");
}

/* One of several: the others go on. */
static void look_for_the_dead(struct session *s)
{
	if (!keeps(s) || s->target.n_pids < 2)
		return;
	size_t n = target_n_gone(&s->target);
	if (n > s->n_gone && n < s->target.n_pids)
		session_want_file(s, "a process ended");
	s->n_gone = n;
}

void session_long_tick(struct session *s)
{
	const struct long_run_options *o = &s->options->long_run;

	look_for_the_dead(s);
	next_file(s);
	if (o->max_bytes && sink_bytes(s->sink) >= o->max_bytes)
		s->stop = true;
}
