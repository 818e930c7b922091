/*
 * Order of the start: the inspector is forked first, while we are small; then COMMAND, which
 * waits; then the kernel's events, the file, and COMMAND's go. Order of the end: events off,
 * rings drained, files still asked for embedded, the kernel's last word on losses, the end
 * record. Whatever fails before COMMAND's go leaves COMMAND running without us.
 */
#include "record/session_state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "common/base/bits.h"
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "common/base/log.h"
#include "common/elf/vdso.h"
#include "record/attach.h"
#include "record/harden/harden.h"
#include "record/manifest.h"
#include "record/options.h"
#include "record/self.h"
#include "record/snapshot.h"
#include "record/unrecorded.h"

static const uint64_t snapshot_wait_ns = 3000000000;

static void release_command(struct session *s)
{
	target_release(&s->target);
	int code = target_exec_result(&s->target);
	if (code < 0)
		log_error("Failed to switch to user %s: %s", s->options->user_name,
			  strerror(-code));
	else if (code)
		log_error("cannot run '%s': %s", s->options->argv[0], strerror(code));
}

static struct session *running; /* who is met without memory, */
static pid_t running_pid;	/* here and not in a child */

static int open_signals(struct session *s, struct err *err)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGHUP);
	sigaddset(&mask, SIGCHLD);
	sigaddset(&mask, SIGUSR2);
	sigprocmask(SIG_BLOCK, &mask, &s->old_mask);
	s->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signal_fd < 0)
		return err_set(err, -errno, "cannot receive signals: %s", strerror(errno));
	if (session_writes_when_asked(s)) {
		sigaddset(&mask, SNAPSHOT_MARK);
		sigprocmask(SIG_BLOCK, &mask, NULL);
	}
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
	struct inspect_sink sink = session_answers(s);

	return inspector_start(s->options->embed, &sink, &s->inspector, err);
}

static void fill_kernel_options(const struct session *s, struct kernel_options *ret)
{
	const struct session_options *o = s->options;

	*ret = (struct kernel_options){
		.watchers = o->watchers,
		.whole_system = o->whole_system,
		.enable_on_exec = o->argv != NULL,
		.no_inherit = !o->inherit,
		.start_paused = o->long_run.start_paused,
		.stack = o->stacks != SINK_STACKS_NONE,
		.stack_bytes = o->stack_bytes,
	};
}

/* The whole system is refused: what this user may have of it. err: that refusal, and the next. */
static int open_own(struct session *s, struct kernel_options *options, struct err *err)
{
	struct err late;

	if (inspector_await(s->inspector, &late) < 0)
		return err_set(err, late.code, "%s", late.text);
	pid_t skip[] = { getpid(), inspector_pid(s->inspector), inspector_spare_pid(s->inspector) };
	uint32_t n;
	int r = attach_open_own(options, skip, N_ELEMENTS(skip), &s->kernel, &n);

	if (r < 0)
		return err->code;
	log_warning("%s; recording the %u processes of user %u that may be, and what they start",
		    err->text, (unsigned int)n, (unsigned int)geteuid());
	return 0;
}

static int open_kernel(struct session *s, struct err *err)
{
	struct kernel_options options;

	fill_kernel_options(s, &options);
	if (s->target.command) {
		options.tids = &s->target.command;
		options.n_tids = 1;
	}
	if (s->target.n_pids)
		return attach_open(&s->target, &options, &s->kernel, err);
	int r = kernel_open(&options, &s->kernel, err);
	if (options.whole_system && (r == -EACCES || r == -EPERM))
		return open_own(s, &options, err);
	s->whole_cpus = options.whole_system;
	return r;
}

/* Of the whole system: the recorder itself is not what is looked for. */
static bool is_own(void *ctx, uint32_t pid)
{
	const struct session *s = ctx;

	return pid == (uint32_t)running_pid || inspector_owns(s->inspector, pid);
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
		.is_filtered = is_own,
		.on_object = session_on_object,
		.on_kernel = session_on_kernel,
		.on_file = session_on_file,
		.ctx = s,
		.limits = s->options->long_run.sink,
	};

	session_govern_begin(s);
	manifest_fill(&manifest, s->options, facts, s->turn.text);
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
	session_drain(s, true);
	s->now_ns = io_monotonic_ns();
	if (s->options->whole_system)
		inspector_ask_snapshot(s->inspector, 0);
	for (size_t i = 0; i < s->target.n_pids; i++)
		inspector_ask_snapshot(s->inspector, (uint32_t)s->target.pid[i]);
	inspector_finish(s->inspector, io_monotonic_ns() + snapshot_wait_ns, false);
	return s->paused ? 0 : kernel_enable_samples(s->kernel, err);
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

/* It is made while events are opened, perhaps before whoever makes it had its place. */
static int place_inspector(struct session *s, struct err *err)
{
	int r = inspector_await(s->inspector, err);

	if (r == 0)
		self_place(s->options->self, inspector_pid(s->inspector));
	return r;
}

static int start(struct session *s, struct err *err)
{
	int r = open_kernel(s, err);

	if (r == 0)
		r = place_inspector(s, err);
	if (r < 0)
		return r;
	tell_facts(s);
	harden_writes(s->options->output, s->target.command != 0, s->turn.needs_right);
	r = open_sink(s, err);
	if (r < 0)
		return r;
	r = alloc_poll(s, err);
	if (r < 0)
		return r;
	s->now_ns = io_monotonic_ns();
	if (s->options->long_run.start_paused)
		session_begin_paused(s);
	r = s->target.command ? 0 : begin_attached(s, err);
	s->start_ns = s->losses_ns = s->now_ns = io_monotonic_ns();
	if (r == 0)
		harden_recorder(s->options->output);
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
	control_close(&s->control);
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
		if (poll(&fd, 1, 1000) < 0 && errno != EINTR)
			nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
		session_read_signals(s);
	}
}

static int exit_status(struct session *s)
{
	return s->target.ended ? target_exit_status(&s->target) : EXIT_OWN_FAILURE;
}

/* Not even a pipe or a process can be had to wait for COMMAND: it takes our place. */
static int become_command(struct session *s)
{
	inspector_stop(s->inspector);
	s->inspector = NULL;
	sigprocmask(SIG_SETMASK, &s->old_mask, NULL);
	return unrecorded_run(s->options);
}

/* Nobody can go on recording, but COMMAND runs on, and its status is passed. */
static void on_exhaustion(size_t size_bytes)
{
	struct session *s = running;

	if (getpid() != running_pid)
		return;
	mem_on_exhaustion(NULL); /* once */
	log_error("out of memory: %zu bytes wanted%s", size_bytes,
		  s->options->argv ? "; COMMAND runs without being recorded" : "");
	if (!s->options->argv)
		_exit(EXIT_OWN_FAILURE);
	if (!s->target.command)
		_exit(become_command(s));
	release_command(s);
	wait_for_command(s);
	_exit(exit_status(s));
}

/* COMMAND runs in any case: whether it could be profiled is told, not decided here. */
static int run_command(struct session *s, bool profiled)
{
	release_command(s);
	if (profiled) {
		session_loop(s);
		session_finish(s);
	}
	wait_for_command(s);
	return exit_status(s);
}

static int run_attached(struct session *s)
{
	session_loop(s);
	session_finish(s);
	return 0;
}

/*
 * Below the last step of the ladder: where perf is refused altogether, a library inside COMMAND
 * could sample by timers of its own. True: it was asked to. There is none yet.
 */
static bool offer_timers(const struct session *s)
{
	(void)s;
	return false;
}

static int set_up_target(struct session *s, struct err *err)
{
	const struct session_options *o = s->options;

	if (o->argv)
		return target_fork(&s->target, o->argv, o->user, !strcmp(o->output, "-"),
				   &s->old_mask, err);
	return target_attach(&s->target, o->pids, o->n_pids, err);
}

/* COMMAND is forked already, and keeps the nice value and the CPUs that it was started with. */
static void place_processes(struct session *s)
{
	self_place(s->options->self, 0);
	if (s->inspector)
		self_place(s->options->self, inspector_spare_pid(s->inspector));
	turn_take(&s->turn, s->options->self);
}

/* Nothing is wrong with what was asked for: the host has no more of it, or cannot tell. */
static bool is_shortage(int code)
{
	return code == -EMFILE || code == -ENFILE || code == -ENOMEM || code == -EIO ||
	       code == -EINTR;
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
	int control = control_open(&s.control, options->long_run.control, &err);
	if (control < 0 && !is_shortage(control)) {
		log_error("%s", err.text);
		return EXIT_WRONG_USAGE;
	}
	running = &s;
	running_pid = getpid();
	mem_on_exhaustion(on_exhaustion);
	int r = open_signals(&s, control < 0 ? NULL : &err);
	r = control < 0 ? control : r;
	if (r == 0)
		r = start_inspector(&s, &err);
	int target = set_up_target(&s, r == 0 ? &err : NULL);
	if (options->argv && target < 0) {
		log_error("%s; COMMAND runs without being recorded", err.text);
		status = become_command(&s);
		close_all(&s);
		return status;
	}
	ignore_write_signals();
	place_processes(&s);
	if (r == 0)
		r = target < 0 ? target : start(&s, &err);
	if (r < 0 && !(options->argv && offer_timers(&s)))
		log_error("%s%s", err.text,
			  options->argv ? "; COMMAND runs without being recorded" : "");
	if (options->argv && target == 0)
		status = run_command(&s, r == 0);
	else
		status = r < 0 ? EXIT_OWN_FAILURE : run_attached(&s);
	close_all(&s);
	mem_on_exhaustion(NULL);
	return status;
}
