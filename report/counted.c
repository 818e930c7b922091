#include "report/counted.h"

#include <string.h>

#include "common/base/buf.h"
#include "report/profile/profile.h"
#include "report/read/read.h"

static const uint64_t worth_ns = 100000000; /* less is told by no line */
static const uint64_t fast_ns = 50000;	    /* timers of virtual machines miss such periods */

/* The one that the counter speaks of, as record/session_long.c takes it; -1: none. */
static int first_clock(const struct recording *r)
{
	for (int i = 0; i < SOURCE_MAX; i++) {
		const struct record_source *s = recording_source(r, (uint8_t)i);

		if (s && !strcmp(s->unit, "nanoseconds") && s->period > 1)
			return i;
	}
	return -1;
}

/* Samples are missing for reasons that are told already; or parts stand in two files. */
static bool is_partial(const struct profile *p, const struct recording *r, int clock)
{
	const struct profile_origin *o = &p->origin;
	const uint64_t *n = o->counters.n;
	uint64_t n_missing = n[COUNTER_SAMPLES_LOST_KERNEL] + n[COUNTER_SAMPLES_DROPPED_DECODE] +
			     n[COUNTER_SAMPLES_DROPPED_WRITE] + n[COUNTER_SAMPLES_DROPPED_FILTER];

	return !o->ended || o->n_damaged || o->n_unreadable || p->coverage.n_filtered ||
	       p->source[clock].off_ns || recording_state(r)->samples_repeated ||
	       n_missing > p->n_samples / 100;
}

/* What a clock of this period cannot see. */
static void tell_limits(struct buf *line, uint64_t period_ns)
{
	if (period_ns <= fast_ns)
		buf_printf(line,
			   "the kernel's clock does not keep up with a sample each %.3g us; "
			   "a lower -F loses less",
			   (double)period_ns / 1e3);
	else
		buf_printf(line,
			   "processes that end within a sampling period (%.3g ms) give "
			   "hardly any; -a and a higher -F see them",
			   (double)period_ns / 1e6);
}

void counted_tell(struct profile *p, const struct recording *r)
{
	const char *in_kernel = recording_manifest(r, "kernel_frames");
	uint64_t counted_ns = p->origin.counters.n[COUNTER_CPU_COUNTED_NS];
	int clock = first_clock(r);
	struct buf line = { 0 };

	if (clock < 0 || is_partial(p, r, clock) || p->n_advice == PROFILE_ADVICE_MAX)
		return;
	uint64_t sampled_ns = p->source[clock].weight;
	if (sampled_ns + worth_ns > counted_ns || sampled_ns > counted_ns / 10 * 9)
		return;
	buf_printf(&line, "%s: samples stand for %.2f s of %.2f s of CPU time: ",
		   recording_source(r, (uint8_t)clock)->name, (double)sampled_ns / 1e9,
		   (double)counted_ns / 1e9);
	if (in_kernel && !strcmp(in_kernel, "no"))
		buf_puts(&line, "time in the kernel is not sampled without the right to, and ");
	tell_limits(&line, recording_source(r, (uint8_t)clock)->period);
	p->advice[p->n_advice++] = intern_put(&p->names, buf_text(&line));
	buf_done(&line);
}
