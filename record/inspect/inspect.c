/*
 * The recorder's side. One request is out at a time; its deadline starts anew with everything that
 * arrives, so a large file may take its time and a hanging one may not. While the sink refuses
 * chunks the clock stands still.
 */
#include "record/inspect/inspect.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "common/base/log.h"
#include "record/inspect/inspector.h"
#include "record/inspect/serve.h"

enum {
	LATE_MAX = 10,
	START_MS = 3000, /* for the first one to be there */
	STOP_MS = 100,	 /* for the last one to die */
};

static const uint64_t deadline_ns = 500000000;

static void work(int fd, int embed)
{
	serve(fd, (enum inspect_embed)embed);
}

/* Its pid comes later: take_pid. */
static int spawn(struct inspector *in, struct err *err)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_set(err, -errno, "cannot make a socket: %s", strerror(errno));
	bool asked = spare_ask(&in->spare, pair[1]);
	close(pair[1]);
	if (!asked) {
		close(pair[0]);
		return err_set(err, -EPIPE, "no process to make inspectors");
	}
	fcntl(pair[0], F_SETFL, O_NONBLOCK);
	in->pid = 0;
	in->fd = pair[0];
	in->n_rx = 0;
	in->busy_ns = 0;
	in->n_starts++;
	return 0;
}

static void take_pid(struct inspector *in)
{
	if (in->pid)
		return;
	in->pid = spare_take_pid(&in->spare);
	own_add(&in->own, (uint32_t)MAX(in->pid, 0));
}

int inspector_await(struct inspector *in, struct err *err)
{
	struct pollfd fd = { .fd = in->spare.fd, .events = POLLIN };

	take_pid(in);
	if (!in->pid) {
		poll(&fd, 1, START_MS);
		take_pid(in);
	}
	if (in->pid < 0)
		return err_set(err, in->pid, "cannot fork: %s", strerror(-in->pid));
	return in->pid ? 0 : err_set(err, -ETIMEDOUT, "no inspector after %d ms", START_MS);
}

int inspector_start(enum inspect_embed embed, const struct inspect_sink *sink,
		    struct inspector **ret, struct err *err)
{
	struct inspector *in = calloc(1, sizeof(*in));
	uint8_t *rx = malloc(RX_BYTES);

	if (!in || !rx) {
		free(in);
		free(rx);
		return err_set(err, -ENOMEM, "no memory for the inspector");
	}
	in->embed = embed;
	in->sink = *sink;
	in->rx = rx;
	in->fd = -1;
	int r = spare_start(&in->spare, work, (int)embed, err);
	in->own.maker = (uint32_t)MAX(in->spare.pid, 0);
	if (r == 0)
		r = spawn(in, err);
	if (r < 0) {
		inspector_stop(in);
		return r;
	}
	*ret = in;
	return 0;
}

/* CPU time of the child; 0: not known. */
static uint64_t child_busy_ns(const struct inspector *in)
{
	struct timespec busy;
	clockid_t clock;

	if (in->pid <= 0 || clock_getcpuclockid(in->pid, &clock) != 0 ||
	    clock_gettime(clock, &busy) < 0)
		return 0;
	return (uint64_t)busy.tv_sec * 1000000000 + (uint64_t)busy.tv_nsec;
}

/*
 * One that hangs in the kernel dies when it can: it is not waited for. Without a pid yet, it ends
 * by itself when it finds its socket closed.
 */
static void end_child(struct inspector *in)
{
	if (in->fd < 0)
		return;
	close(in->fd);
	in->fd = -1;
	take_pid(in);
	in->spent_ns += child_busy_ns(in);
	if (in->pid > 0) {
		kill(in->pid, SIGKILL);
		in->dead[in->n_dead++ % N_STARTS_MAX] = in->pid;
	}
}

static void reap_dead(struct inspector *in)
{
	while (in->n_dead && waitpid(in->dead[in->n_dead - 1], NULL, WNOHANG) != 0)
		in->n_dead--;
}

void inspector_stop(struct inspector *in)
{
	if (!in)
		return;
	end_child(in);
	spare_stop(&in->spare);
	for (int ms = 0; ms < STOP_MS && in->n_dead; ms++) {
		reap_dead(in);
		if (in->n_dead)
			poll(NULL, 0, 1);
	}
	watches_done(&in->watches);
	free(in->rx);
	free(in);
}

int inspector_fd(const struct inspector *in)
{
	return in->fd;
}

pid_t inspector_pid(const struct inspector *in)
{
	return in->pid;
}

pid_t inspector_spare_pid(const struct inspector *in)
{
	return in->spare.pid;
}

bool inspector_owns(const struct inspector *in, uint32_t pid)
{
	return own_has(&in->own, pid);
}

uint64_t inspector_busy_ns(const struct inspector *in)
{
	return in->spent_ns + child_busy_ns(in);
}

void inspector_note(struct inspector *in, const struct event *event)
{
	const struct message_exec *lost = unsampled_note(&in->unsampled, event);

	if (lost)
		in->sink.unsampled(in->sink.ctx, UNSAMPLED_UNKNOWN, lost->comm);
	if (event->type == EVENT_FORK)
		own_note(&in->own, event);
	if (in->embed >= EMBED_SYMBOLS)
		watches_note(&in->watches, event);
}

bool inspector_idle(const struct inspector *in)
{
	return in->fd < 0 || (!in->asked && !in->n_rx && !in->objects.n && !in->n_pids &&
			      !in->unsampled.n_lost && !in->n_pcs && watches_idle(&in->watches));
}

uint32_t inspector_n_unanswered(const struct inspector *in)
{
	return in->objects.n + (in->asked == MESSAGE_EMBED);
}

/* Silent past its deadline. On a busy host it may only be slow: what computes gets more time. */
static bool is_hanging(struct inspector *in, uint64_t now_ns)
{
	if (!in->asked || now_ns < in->asked_ns + deadline_ns)
		return false;
	uint64_t busy_ns = child_busy_ns(in);
	if (busy_ns < in->busy_ns + deadline_ns / 50 || in->n_late++ == LATE_MAX)
		return true;
	in->busy_ns = busy_ns;
	in->asked_ns = now_ns;
	return false;
}

/* Nobody will look at them any more. */
static void give_up_unsampled(struct inspector *in)
{
	do
		inspector_tell_unsampled(in);
	while (unsampled_ask(&in->unsampled));
}

/* Samples go on without; what files say of them is missing from here on. */
static void go_without(const struct inspector *in, const char *why)
{
	log_warning("no process reads files any more (%s): what is met from now on is not embedded",
		    in->n_starts < N_STARTS_MAX ? why : "too many of them ended");
}

/* The child is dead or late: another one takes over, unless they keep dying. */
static void replace_child(struct inspector *in)
{
	struct err err = { .code = 0 };

	log_debug("inspect", "inspector replaced: request=%u path='%s'", in->asked,
		  in->asked == MESSAGE_EMBED ? in->asked_object.key.path : "");
	end_child(in);
	reap_dead(in);
	in->write_off = in->asked == MESSAGE_EMBED;
	if (in->asked == MESSAGE_EMBED || in->asked == MESSAGE_FAILED)
		in->sink.embedded(in->sink.ctx, false);
	if (in->asked == MESSAGE_WHY)
		inspector_tell_unsampled(in);
	in->asked = 0;
	watches_restart(&in->watches);
	if (in->n_starts == N_STARTS_MAX || spawn(in, &err) < 0)
		go_without(in, err.text);
}

void inspector_work(struct inspector *in, uint64_t now_ns, uint64_t until_ns)
{
	if (in->fd < 0)
		return;
	take_pid(in);
	if (inspector_receive(in, now_ns, until_ns) < 0)
		replace_child(in);
	else if (is_hanging(in, now_ns))
		replace_child(in);
	if (in->fd >= 0 && !in->asked && (!in->resting || in->finishing)) {
		in->asked_ns = now_ns;
		in->busy_ns = child_busy_ns(in);
		in->n_late = 0;
		if (!inspector_ask_next(in, now_ns))
			replace_child(in);
	}
}

void inspector_hurry(struct inspector *in)
{
	in->watches.look_due |= !in->finishing;
	in->finishing = true;
}

void inspector_calm(struct inspector *in)
{
	in->finishing = false;
	in->watches.look_due = false;
}

void inspector_rest(struct inspector *in, bool rest)
{
	in->resting = rest;
}

void inspector_finish(struct inspector *in, uint64_t end_ns, bool last)
{
	in->finishing = true;
	in->watches.final_due = last;
	for (;;) {
		uint64_t now_ns = io_monotonic_ns();

		inspector_work(in, now_ns, UINT64_MAX);
		if (inspector_idle(in) || now_ns >= end_ns)
			break;
		struct pollfd fd = { .fd = in->fd, .events = POLLIN };
		poll(&fd, in->stalled ? 0 : 1, 50);
	}
	in->finishing = false;
	if (last)
		give_up_unsampled(in);
}
