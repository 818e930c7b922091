/* What a long recording needs from time to time: the next file, and an end when there is enough. */
#include "record/session_state.h"

#include <inttypes.h>
#include <string.h>

#include "common/base/log.h"

/* A file waits so long for what was asked of the inspector before it ends. */
static const uint64_t answers_wait_ns = 3000000000;

void session_on_file(void *ctx, const struct sink_file *file)
{
	(void)ctx;
	if (!file->code)
		log_info("'%s' is complete: %" PRIu64 " bytes", file->name, file->bytes);
	else if (file->unsure_bytes)
		log_warning("'%s' could not be synced: %s; the last %" PRIu64 " bytes of it may be "
			    "lost, recording goes on in another file",
			    file->name, strerror(-file->code), file->unsure_bytes);
	else
		log_warning("'%s' could not be finished: %s", file->name, strerror(-file->code));
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

static void next_file(struct session *s)
{
	if (!s->file_due_ns && !sink_file_due(s->sink, s->now_ns))
		return;
	if (!answers_are_in(s))
		return;
	int r = sink_next_file(s->sink, s->now_ns);
	if (r < 0)
		log_debug("session", "no next file: code=%d", r);
}

void session_long_tick(struct session *s)
{
	const struct long_run_options *o = &s->options->long_run;

	next_file(s);
	if (o->max_bytes && sink_bytes(s->sink) >= o->max_bytes)
		s->stop = true;
}
