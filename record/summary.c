/* One line for the end; warnings before it only where something was not stored. */
#include "record/summary.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/bits.h"
#include "common/base/log.h"

static const struct {
	enum counter counter;
	const char *text;
} reasons[] = {
	{ COUNTER_SAMPLES_LOST_KERNEL, "ring full" },
	{ COUNTER_SAMPLES_DROPPED_WRITE, "output refused" },
	{ COUNTER_SAMPLES_DROPPED_DECODE, "not understood" },
};

void summary_losses(const struct summary *s, char *text, unsigned int n)
{
	uint64_t lost = 0;
	int at;

	for (size_t i = 0; i < N_ELEMENTS(reasons); i++)
		lost += s->counters.n[reasons[i].counter];
	text[0] = '\0';
	if (!lost)
		return;
	at = snprintf(text, n, "lost %s%" PRIu64 " of %" PRIu64 " samples:",
		      s->exact_lost ? "" : "at least ", lost,
		      lost + s->counters.n[COUNTER_SAMPLES_STORED]);
	const char *comma = "";
	for (size_t i = 0; i < N_ELEMENTS(reasons); i++) {
		uint64_t count = s->counters.n[reasons[i].counter];

		if (!count || at >= (int)n)
			continue;
		at += snprintf(text + at, n - (unsigned int)at, "%s %" PRIu64 " %s", comma, count,
			       reasons[i].text);
		comma = ",";
	}
}

static void format_bytes(uint64_t bytes, char *text, size_t n)
{
	if (bytes < 1 << 20)
		snprintf(text, n, "%.1f KiB", (double)bytes / 1024);
	else
		snprintf(text, n, "%.1f MiB", (double)bytes / (1 << 20));
}

/* No right helps where the events are the task's own: only those of whole CPUs stay. */
static void print_unsampled(const struct unsampled_table *t)
{
	char text[UNSAMPLED_TEXT_MAX];

	unsampled_describe(t, text, sizeof(text));
	if (text[0])
		log_warning("%s; the kernel ends sampling, also of what they start, when a program "
			    "gains rights or may not be read: record the whole system (-a) as root "
			    "or with CAP_PERFMON to see them",
			    text);
}

void summary_print(const struct summary *s)
{
	char losses[256], bytes[32], files[32] = "";
	const uint64_t *n = s->counters.n;

	summary_losses(s, losses, sizeof(losses));
	format_bytes(s->total.bytes, bytes, sizeof(bytes));
	if (s->total.write_code)
		log_warning("output '%s' was refused for a time: %s", s->output,
			    strerror(-s->total.write_code));
	if (n[COUNTER_OBJECTS_FAILED])
		log_info("%" PRIu64 " of %" PRIu64 " files could not be embedded",
			 n[COUNTER_OBJECTS_FAILED],
			 n[COUNTER_OBJECTS_FAILED] + n[COUNTER_OBJECTS_EMBEDDED]);
	if (n[COUNTER_TASKS_LOST_KERNEL])
		log_warning("%" PRIu64
			    " records of mappings and tasks were lost; samples whose mappings "
			    "are not known since are marked",
			    n[COUNTER_TASKS_LOST_KERNEL]);
	if (s->unsampled)
		print_unsampled(s->unsampled);
	if (s->total.n_files > 1)
		snprintf(files, sizeof(files), "%" PRIu32 " files of ", s->total.n_files);
	log_notice("%" PRIu64 " samples in %.2f s, %s, %s in %s'%s'", n[COUNTER_SAMPLES_STORED],
		   (double)s->ran_ns / 1e9, losses[0] ? losses : "none lost", bytes, files,
		   s->output);
}
