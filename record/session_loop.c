/*
 * The loop of a recording: rings are drained, files looked up, losses asked for, until the target
 * ends or somebody says stop.
 */
#include "record/session_state.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "common/base/log.h"
#include "record/summary.h"

static const uint64_t losses_every_ns = 1000000000;
static const uint64_t embed_wait_ns = 3000000000;
static const uint64_t unknown_again_ns = 1000000000; /* a pid nobody knows is asked for again */

/* ---- what the rooms tell each other ---- */

void session_on_object(void *ctx, const struct space *space, const struct mapping *mapping)
{
	struct session *s = ctx;
	const struct space_object *object = spaces_object(sink_spaces(s->sink), mapping->object);

	if (!object || object->anonymous)
		return;
	struct object_key key = {
		.build_id = object->build_id,
		.maj = object->maj,
		.min = object->min,
		.ino = object->ino,
		.path = object->path,
	};
	if (s->options->embed != EMBED_NONE &&
	    !inspector_ask_embed(s->inspector, &key, space->pid, mapping->start, mapping->end))
		sink_count(s->sink, COUNTER_OBJECTS_FAILED, 1);
}

void session_on_kernel(void *ctx, uint64_t pc)
{
	struct session *s = ctx;

	inspector_ask_kernel(s->inspector, pc);
}

/*
 * A snapshot is older than its arrival. If the kernel told of the mappings of this process in
 * between, taking it would undo that: it is left, and asked for again when the process is met.
 * Otherwise it is as good now as it was then. At the start it bears the time of the last drain:
 * what the kernel told since then comes after it.
 */
static void on_snapshot(void *ctx, struct event *event)
{
	struct session *s = ctx;

	if (event->type == EVENT_SPACE)
		s->stale_pid =
			s->change_ns[event->pid % CHANGE_PIDS] > event->time_ns ? event->pid : 0;
	if (event->type != EVENT_COMM && event->pid == s->stale_pid)
		return;
	event->time_ns = MAX(s->start_ns ? event->time_ns : s->now_ns, sink_last_ns(s->sink));
	inspector_note(s->inspector, event);
	sink_event(s->sink, event);
}

/* Its name is known to everybody, and was told before. */
static void on_hidden(void *ctx, uint32_t pid)
{
	struct session *s = ctx;

	if (hidden_add(&s->hidden, pid))
		sink_hidden(s->sink, pid);
}

static int on_chunk(void *ctx, enum chunk_type type, uint64_t tag, const void *stored,
		    size_t stored_bytes, size_t raw_bytes, uint32_t n_records)
{
	struct session *s = ctx;

	return sink_chunk(s->sink, type, tag, stored, stored_bytes, raw_bytes, n_records);
}

static void on_embedded(void *ctx, bool ok)
{
	struct session *s = ctx;

	sink_count(s->sink, ok ? COUNTER_OBJECTS_EMBEDDED : COUNTER_OBJECTS_FAILED, 1);
}

static void on_unsampled(void *ctx, enum unsampled_reason reason, const char *name)
{
	struct session *s = ctx;

	if (!s->whole_cpus)
		sink_unsampled(s->sink, reason, name);
}

struct inspect_sink session_answers(struct session *s)
{
	return (struct inspect_sink){
		.ctx = s,
		.event = on_snapshot,
		.chunk = on_chunk,
		.embedded = on_embedded,
		.unsampled = on_unsampled,
		.hidden = on_hidden,
	};
}

/* ---- the loop ---- */

/* Its mappings were never told, or that was lost: look them up, but once a second at most. */
static void ask_unknown(struct session *s, uint32_t pid)
{
	struct unknown_pid *unknown = &s->unknown[pid % UNKNOWN_PIDS];

	if (!pid || pid == UINT32_MAX || sink_knows(s->sink, pid) ||
	    (unknown->pid == pid && s->now_ns - unknown->asked_ns < unknown_again_ns) ||
	    hidden_has(&s->hidden, pid))
		return;
	*unknown = (struct unknown_pid){ .pid = pid, .asked_ns = s->now_ns };
	inspector_ask_snapshot(s->inspector, pid);
}

static void note_change(struct session *s, const struct event *event)
{
	if (s->hidden.n && ((event->type == EVENT_EXIT && event->pid == event->tid) ||
			    (event->type == EVENT_COMM && event->comm.exec)))
		hidden_remove(&s->hidden, event->pid);
	if (event->type == EVENT_MMAP || event->type == EVENT_FORK ||
	    (event->type == EVENT_COMM && event->comm.exec))
		s->change_ns[event->pid % CHANGE_PIDS] = event->time_ns;
}

/* Whether it is for the file; whatever is no sample is. */
static bool take_sample(struct session *s, struct event *event)
{
	if (event->type != EVENT_SAMPLE)
		return true;
	if (!s->drop_samples || !(s->paused_sources >> event->sample.source & 1))
		return session_thin(s, event);
	sink_count(s->sink, COUNTER_SAMPLES_DROPPED_FILTER, 1);
	return false;
}

void session_drain(struct session *s, bool all)
{
	struct event event;
	uint64_t now_ns = io_monotonic_ns(), n_exits = 0;

	if (s->drained_ns)
		s->longest_ns = MAX(s->longest_ns, now_ns - s->drained_ns);
	s->drained_ns = now_ns;

	kernel_round(s->kernel, all);
	meter_round(&s->meter, now_ns);
	unsigned int fill_percent = kernel_fill_percent(s->kernel);
	while (kernel_next(s->kernel, &event)) {
		if (event.type == EVENT_SAMPLE && event.sample.user)
			ask_unknown(s, event.pid);
		note_change(s, &event);
		n_exits += event.type == EVENT_EXIT;
		if (event.type != EVENT_SAMPLE && event.type != EVENT_SWITCH)
			inspector_note(s->inspector, &event);
		bool kept = take_sample(s, &event);
		unsigned int kind = session_meter_kind(s, &event, kept);
		if (kept)
			sink_event(s->sink, &event);
		meter_record(&s->meter, kind);
	}
	kernel_release(s->kernel);
	pace_round(&s->pace, now_ns, n_exits, fill_percent);
}

static void read_losses(struct session *s)
{
	struct kernel_losses losses;

	kernel_read_losses(s->kernel, &losses);
	sink_losses(s->sink, s->now_ns, losses.samples, losses.bad_samples);
	s->losses_ns = s->now_ns;
	session_look_at_cpu(s, losses.count);
	for (uint8_t i = 0; i < kernel_facts(s->kernel)->n_sources; i++)
		log_debug("session",
			  "kernel counts: source=%u samples_lost=%" PRIu64 " count=%" PRIu64, i,
			  losses.samples[i], losses.count[i]);
}

/* A terminal's Ctrl-C reaches COMMAND by itself; a signal sent to us alone is passed on. */
static void interrupt(struct session *s, const struct signalfd_siginfo *info)
{
	if (!s->target.command || s->n_interrupts++) {
		s->stop = true;
		return;
	}
	if (info->ssi_code != SI_KERNEL)
		kill(s->target.command, (int)info->ssi_signo);
}

void session_read_signals(struct session *s)
{
	struct signalfd_siginfo info;

	while (read(s->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		if (info.ssi_signo == SIGUSR2)
			session_want_file(s, "asked by a signal");
		else if (info.ssi_signo != SIGCHLD)
			interrupt(s, &info);
	if (target_reap(&s->target))
		s->stop = true;
}

static void wait_for_something(struct session *s)
{
	struct pollfd *others = s->fds + s->n_rings;
	int pause_ms = sink_has_pieces(s->sink) ? 0 : pace_pause_ms(&s->pace);

	others[0] = (struct pollfd){ .fd = s->signal_fd, .events = POLLIN };
	others[1] = (struct pollfd){ .fd = inspector_fd(s->inspector), .events = POLLIN };
	others[2] = (struct pollfd){ .fd = s->control.fd, .events = POLLIN };
	if (sink_failing(s->sink))
		others[1].fd = -1; /* what it has for us cannot be taken now */
	bool by_clock = s->pace.by_clock;
	int n = by_clock ? poll(others, POLL_OTHERS, pause_ms) :
			   poll(s->fds, s->n_rings + POLL_OTHERS, pause_ms);
	if (n < 0 && errno != EINTR)
		poll(NULL, 0, pause_ms); /* no memory for so many: then by the clock alone */
	if (n <= 0 || by_clock)
		return;
	for (size_t i = 0; i < s->n_rings; i++)
		if (s->fds[i].revents & (POLLHUP | POLLERR))
			kernel_poll_gone(s->kernel, s->fds, i);
}

static void check_end(struct session *s)
{
	const struct session_options *o = s->options;

	if (o->duration_ns && s->now_ns - s->start_ns >= o->duration_ns)
		s->stop = true;
	if (s->target.n_pids && target_all_gone(&s->target))
		s->stop = true;
}

void session_loop(struct session *s)
{
	while (!s->stop) {
		wait_for_something(s);
		s->now_ns = io_monotonic_ns();
		session_read_signals(s);
		session_read_commands(s);
		session_drain(s, false);
		inspector_work(s->inspector, s->now_ns, kernel_settled_ns(s->kernel));
		if (s->now_ns - s->losses_ns >= losses_every_ns)
			read_losses(s);
		sink_tick(s->sink, s->now_ns);
		session_long_tick(s);
		turn_tick(&s->turn, s->now_ns);
		session_govern(s);
		check_end(s);
	}
}

void session_finish(struct session *s)
{
	struct summary summary = { .output = s->options->output };
	struct err err = { .code = 0 };

	kernel_disable(s->kernel);
	s->now_ns = io_monotonic_ns();
	session_count_pause(s);
	session_drain(s, true);
	sink_tick(s->sink, s->now_ns);
	inspector_finish(s->inspector, s->now_ns + embed_wait_ns, true);
	session_govern_end(s);
	sink_count(s->sink, COUNTER_OBJECTS_FAILED, inspector_n_unanswered(s->inspector));
	read_losses(s);
	if (sink_close(s->sink, &summary.total, &err) < 0)
		log_error("output '%s': %s", s->options->output, err.text);
	log_debug("session", "rings: longest_between_looks_us=%" PRIu64, s->longest_ns / 1000);
	summary.counters = *sink_counters(s->sink);
	summary.unsampled = sink_unsampled_so_far(s->sink);
	summary.ran_ns = s->now_ns - s->start_ns;
	summary.exact_lost = kernel_facts(s->kernel)->exact_lost;
	summary_print(&summary);
}
