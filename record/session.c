/*
 * Order of the start: the inspector is forked first, while we are small; then COMMAND, which
 * waits; then the kernel's events, the file, and COMMAND's go. Order of the end: events off,
 * rings drained, files still asked for embedded, the kernel's last word on losses, the end
 * record. Whatever fails before COMMAND's go leaves COMMAND running without us.
 */
#include "record/session.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "common/base/log.h"
#include "common/elf/vdso.h"
#include "record/attach.h"
#include "record/kernel/kernel.h"
#include "record/manifest.h"
#include "record/summary.h"
#include "record/target.h"

enum { POLL_MS = 50, POLL_OTHERS = 2, UNKNOWN_PIDS = 256, CHANGE_PIDS = 1024 };

static const uint64_t losses_every_ns = 1000000000;
static const uint64_t snapshot_wait_ns = 3000000000;
static const uint64_t embed_wait_ns = 3000000000;
static const uint64_t unknown_again_ns = 1000000000; /* a pid nobody knows is asked for again */

struct unknown_pid {
	uint32_t pid;
	uint64_t asked_ns;
};

struct session {
	const struct session_options *options;
	sigset_t old_mask;
	int signal_fd;
	struct target target;
	struct kernel *kernel;
	struct inspector *inspector;
	struct sink *sink;
	struct pollfd *fds; /* rings, then signals, then the inspector */
	size_t n_rings;
	uint64_t start_ns, losses_ns, now_ns;
	struct unknown_pid unknown[UNKNOWN_PIDS];
	uint64_t change_ns[CHANGE_PIDS]; /* of mappings, of the last pid that fell on this place */
	uint32_t stale_pid;		 /* whose snapshot is not taken */
	int n_interrupts;
	bool stop;
};

/* ---- what the rooms tell each other ---- */

static void on_object(void *ctx, const struct space *space, const struct mapping *mapping)
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

static void on_kernel(void *ctx, uint64_t pc)
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

/* ---- the loop ---- */

/* Its mappings were never told, or that was lost: look them up, but once a second at most. */
static void ask_unknown(struct session *s, uint32_t pid)
{
	struct unknown_pid *unknown = &s->unknown[pid % UNKNOWN_PIDS];

	if (!pid || pid == UINT32_MAX || sink_knows(s->sink, pid) ||
	    (unknown->pid == pid && s->now_ns - unknown->asked_ns < unknown_again_ns))
		return;
	*unknown = (struct unknown_pid){ .pid = pid, .asked_ns = s->now_ns };
	inspector_ask_snapshot(s->inspector, pid);
}

static void note_change(struct session *s, const struct event *event)
{
	if (event->type == EVENT_MMAP || event->type == EVENT_FORK ||
	    (event->type == EVENT_COMM && event->comm.exec))
		s->change_ns[event->pid % CHANGE_PIDS] = event->time_ns;
}

static void drain(struct session *s, bool all)
{
	struct event event;

	kernel_round(s->kernel, all);
	while (kernel_next(s->kernel, &event)) {
		if (event.type == EVENT_SAMPLE && event.sample.user)
			ask_unknown(s, event.pid);
		note_change(s, &event);
		if (event.type != EVENT_SAMPLE)
			inspector_note(s->inspector, &event);
		sink_event(s->sink, &event);
	}
	kernel_release(s->kernel);
}

static void read_losses(struct session *s)
{
	struct kernel_losses losses;

	kernel_read_losses(s->kernel, &losses);
	sink_losses(s->sink, s->now_ns, losses.samples, losses.bad_samples);
	s->losses_ns = s->now_ns;
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

static void read_signals(struct session *s)
{
	struct signalfd_siginfo info;

	while (read(s->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		if (info.ssi_signo != SIGCHLD)
			interrupt(s, &info);
	if (target_reap(&s->target))
		s->stop = true;
}

static void wait_for_something(struct session *s)
{
	struct pollfd *others = s->fds + s->n_rings;

	others[0] = (struct pollfd){ .fd = s->signal_fd, .events = POLLIN };
	others[1] = (struct pollfd){ .fd = inspector_fd(s->inspector), .events = POLLIN };
	if (sink_failing(s->sink))
		others[1].fd = -1; /* what it has for us cannot be taken now */
	if (poll(s->fds, s->n_rings + POLL_OTHERS, POLL_MS) <= 0)
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

static void run(struct session *s)
{
	while (!s->stop) {
		wait_for_something(s);
		s->now_ns = io_monotonic_ns();
		read_signals(s);
		drain(s, false);
		inspector_work(s->inspector, s->now_ns, kernel_settled_ns(s->kernel));
		if (s->now_ns - s->losses_ns >= losses_every_ns)
			read_losses(s);
		sink_tick(s->sink, s->now_ns);
		check_end(s);
	}
}

/* Everything that was counted comes into the file, and the kernel's last word on losses. */
static void finish(struct session *s)
{
	struct summary summary = { .output = s->options->output };
	struct err err = { .code = 0 };

	kernel_disable(s->kernel);
	s->now_ns = io_monotonic_ns();
	drain(s, true);
	sink_tick(s->sink, s->now_ns);
	inspector_finish(s->inspector, s->now_ns + embed_wait_ns, true);
	sink_count(s->sink, COUNTER_OBJECTS_FAILED, inspector_n_unanswered(s->inspector));
	read_losses(s);
	if (sink_close(s->sink, &summary.total, &err) < 0)
		log_error("output '%s': %s", s->options->output, err.text);
	summary.counters = *sink_counters(s->sink);
	summary.ran_ns = s->now_ns - s->start_ns;
	summary.exact_lost = kernel_facts(s->kernel)->exact_lost;
	summary_print(&summary);
}

/* ---- start ---- */

static int open_signals(struct session *s, struct err *err)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGHUP);
	sigaddset(&mask, SIGCHLD);
	sigprocmask(SIG_BLOCK, &mask, &s->old_mask);
	s->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signal_fd < 0)
		return err_set(err, -errno, "cannot receive signals: %s", strerror(errno));
	return 0;
}

/* A full pipe and a file at its limit are errors of write, not deaths. COMMAND is forked before. */
static void ignore_write_signals(void)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
}

static int start_inspector(struct session *s, struct err *err)
{
	struct inspect_sink sink = {
		.ctx = s, .event = on_snapshot, .chunk = on_chunk, .embedded = on_embedded
	};

	return inspector_start(s->options->embed, &sink, &s->inspector, err);
}

static void fill_kernel_options(const struct session *s, struct kernel_options *ret)
{
	const struct session_options *o = s->options;

	*ret = (struct kernel_options){
		.watchers = o->watchers,
		.whole_system = o->whole_system,
		.enable_on_exec = o->argv != NULL,
		.stack = o->stacks != SINK_STACKS_NONE,
		.stack_bytes = o->stack_bytes,
	};
}

static int open_kernel(struct session *s, struct err *err)
{
	struct kernel_options options;

	fill_kernel_options(s, &options);
	if (s->target.command) {
		options.tids = &s->target.command;
		options.n_tids = 1;
	}
	if (!s->target.n_pids)
		return kernel_open(&options, &s->kernel, err);
	return attach_open(&s->target, &options, &s->kernel, err);
}

static int open_sink(struct session *s, struct err *err)
{
	const struct kernel_facts *facts = kernel_facts(s->kernel);
	struct manifest manifest;
	struct sink_options options = {
		.machine = facts->machine,
		.stacks = s->options->stacks,
		.source = facts->source,
		.n_sources = facts->n_sources,
		.filter_pid = { (uint32_t)getpid(), (uint32_t)inspector_pid(s->inspector) },
		.on_object = on_object,
		.on_kernel = on_kernel,
		.ctx = s,
	};

	manifest_fill(&manifest, s->options, facts);
	vdso_build_id(&options.vdso);
	options.manifest = manifest.bytes;
	options.manifest_bytes = manifest.n;
	options.manifest_pairs = manifest.n_pairs;
	return sink_open(s->options->output, &options, &s->sink, err);
}

static int alloc_poll(struct session *s, struct err *err)
{
	size_t n = kernel_facts(s->kernel)->n_rings;

	s->fds = calloc(n + POLL_OTHERS, sizeof(*s->fds));
	if (!s->fds)
		return err_set(err, -ENOMEM, "no memory to wait for %zu rings", n);
	s->n_rings = kernel_poll_fds(s->kernel, s->fds, n);
	return 0;
}

/*
 * Processes that run already: their mappings are looked up once tasks are told and before
 * samples are taken, so that no sample meets a process that nobody knows.
 */
static int begin_attached(struct session *s, struct err *err)
{
	int r = kernel_enable_tasks(s->kernel, err);

	if (r < 0)
		return r;
	drain(s, true);
	s->now_ns = io_monotonic_ns();
	if (s->options->whole_system)
		inspector_ask_snapshot(s->inspector, 0);
	for (size_t i = 0; i < s->target.n_pids; i++)
		inspector_ask_snapshot(s->inspector, (uint32_t)s->target.pid[i]);
	inspector_finish(s->inspector, io_monotonic_ns() + snapshot_wait_ns, false);
	return kernel_enable_samples(s->kernel, err);
}

/* "task-clock at 99 Hz, page-faults every 1" */
static const char *rates_text(const struct kernel_facts *f, char *text, size_t cap)
{
	const char *name = f->event_text;

	*text = 0;
	for (uint8_t i = 0; i < f->n_sources; i++) {
		size_t n = strlen(text), n_name = strcspn(name, ";");
		bool by_time = f->source[i].frequency_hz != 0;

		snprintf(text + n, cap - n, "%s%.*s %s %" PRIu64 "%s", i ? ", " : "", (int)n_name,
			 name, by_time ? "at" : "every",
			 by_time ? f->source[i].frequency_hz : f->source[i].period,
			 by_time ? " Hz" : "");
		name += n_name + (name[n_name] == ';');
	}
	return text;
}

static void tell_facts(const struct session *s)
{
	const struct kernel_facts *f = kernel_facts(s->kernel);

	char rates[256];

	log_info("sampling %s on %u CPUs%s; rings of %zu KiB, stacks of %u bytes",
		 rates_text(f, rates, sizeof(rates)), f->n_cpus,
		 f->kernel_frames ? ", user and kernel" : ", user only", f->ring_bytes >> 10,
		 f->stack_bytes);
	if (f->fallbacks[0])
		log_info("given up: %s", f->fallbacks);
}

static int start(struct session *s, struct err *err)
{
	int r = open_kernel(s, err);

	if (r < 0)
		return r;
	tell_facts(s);
	r = open_sink(s, err);
	if (r < 0)
		return r;
	r = alloc_poll(s, err);
	if (r < 0)
		return r;
	s->now_ns = io_monotonic_ns();
	r = s->target.command ? 0 : begin_attached(s, err);
	s->start_ns = s->losses_ns = s->now_ns = io_monotonic_ns();
	return r;
}

static void close_all(struct session *s)
{
	inspector_stop(s->inspector);
	kernel_close(s->kernel);
	sink_free(s->sink);
	target_done(&s->target);
	free(s->fds);
	if (s->signal_fd >= 0)
		close(s->signal_fd);
}

/* Until COMMAND ends; signals to us are passed on. */
static void wait_for_command(struct session *s)
{
	struct pollfd fd = { .fd = s->signal_fd, .events = POLLIN };

	if (s->signal_fd < 0) {
		target_wait(&s->target);
		return;
	}
	while (!target_reap(&s->target) && s->n_interrupts < 2) {
		poll(&fd, 1, 1000);
		read_signals(s);
	}
}

static int exit_status(struct session *s)
{
	return s->target.ended ? target_exit_status(&s->target) : EXIT_OWN_FAILURE;
}

/* COMMAND runs in any case: whether it could be profiled is told, not decided here. */
static int run_command(struct session *s, bool profiled)
{
	target_release(&s->target);
	int code = target_exec_result(&s->target);
	if (code)
		log_error("cannot run '%s': %s", s->options->argv[0], strerror(code));
	if (profiled) {
		run(s);
		finish(s);
	}
	wait_for_command(s);
	return exit_status(s);
}

static int run_attached(struct session *s)
{
	run(s);
	finish(s);
	return 0;
}

static int set_up_target(struct session *s, struct err *err)
{
	const struct session_options *o = s->options;

	if (o->argv)
		return target_fork(&s->target, o->argv, !strcmp(o->output, "-"), &s->old_mask, err);
	return target_attach(&s->target, o->pids, o->n_pids, err);
}

int session_run(const struct session_options *options)
{
	struct session s = { .options = options, .signal_fd = -1 };
	struct err err = { .code = 0 };
	int status = EXIT_OWN_FAILURE;

	if (options->argv) {
		status = target_check_command(options->argv[0], &err);
		if (status) {
			log_error("%s", err.text);
			return status;
		}
	}
	int r = open_signals(&s, &err);
	if (r == 0)
		r = start_inspector(&s, &err);
	int target = set_up_target(&s, r == 0 ? &err : NULL);
	ignore_write_signals();
	if (r == 0)
		r = target < 0 ? target : start(&s, &err);
	if (r < 0)
		log_error("%s%s", err.text,
			  options->argv ? "; COMMAND runs without being recorded" : "");
	if (options->argv && target == 0)
		status = run_command(&s, r == 0);
	else
		status = r < 0 ? EXIT_OWN_FAILURE : run_attached(&s);
	close_all(&s);
	return status;
}
