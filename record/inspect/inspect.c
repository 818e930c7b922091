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
#include "record/inspect/message.h"
#include "record/inspect/own.h"
#include "record/inspect/serve.h"
#include "record/inspect/spare.h"
#include "record/inspect/unsampled.h"
#include "record/inspect/watch.h"

enum {
	N_OBJECTS_QUEUED = 1 << 12,
	N_PATH_BYTES = 512 << 10, /* of these, at any time */
	N_PIDS_QUEUED = 1 << 10,
	N_PCS_QUEUED = 1 << 14,
	N_PCS_WORTH = 256, /* so many kernel addresses are worth a chunk at once */
	N_STARTS_MAX = 64,
	LATE_MAX = 10,
	START_MS = 3000, /* for the first one to be there */
	STOP_MS = 100,	 /* for the last one to die */
};

static const uint64_t deadline_ns = 500000000;
static const uint64_t kernel_every_ns = 1000000000; /* fewer wait so long */

struct object_request {
	struct object_key key; /* its path lies in the queue's text */
	uint32_t pid;
	uint64_t start, end;
};

/*
 * The paths are in the order of their requests, round and round:
 *
 *	text: ..[third][fourth]........[first][second]--	a path that does not fit before the
 *	                    head ^     ^ of at[first]		end begins at 0
 */
struct object_queue {
	struct object_request at[N_OBJECTS_QUEUED];
	uint32_t first, n;
	size_t head;
	char text[N_PATH_BYTES];
};

struct inspector {
	enum inspect_embed embed;
	struct inspect_sink sink;
	pid_t pid; /* 0: not told yet; negative: could not be made */
	int fd;	   /* -1: none runs */
	int n_starts;
	struct spare spare;
	struct own own;
	uint64_t spent_ns; /* CPU time of those before */
	pid_t dead[N_STARTS_MAX];
	int n_dead; /* killed and not yet reaped */

	struct object_queue objects;
	uint32_t pids[N_PIDS_QUEUED];
	uint32_t n_pids;
	uint64_t pcs[N_PCS_QUEUED];
	uint32_t n_pcs;
	uint64_t kernel_ns; /* of the last request for them */
	bool finishing, resting;
	struct watches watches;
	struct unsampled_watch unsampled;

	/* the request that is out */
	uint32_t asked;			    /* enum message_type; 0: none */
	uint32_t asked_pid;		    /* of SNAPSHOT; 0: all */
	struct object_request asked_object; /* its path is in asked_path */
	char asked_path[PATH_MAX_BYTES];
	uint64_t asked_ns; /* or of the last thing heard since */
	uint64_t busy_ns;  /* CPU time of the child when it was last found late */
	int n_late;	   /* times that it was late and at work */
	bool write_off;	   /* asked_object's request was late: its failure is to be told */

	/* what has come and is not yet taken */
	uint8_t *rx;
	size_t n_rx;
	bool stalled; /* the sink refuses chunks */
};

enum {
	RX_BYTES = sizeof(struct message) + MESSAGE_BYTES_MAX,
	TURN_BYTES = 2 << 20, /* taken between two looks at the rings */
};

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

bool inspector_ask_snapshot(struct inspector *in, uint32_t pid)
{
	for (uint32_t i = 0; i < in->n_pids; i++)
		if (in->pids[i] == pid)
			return true;
	if (in->n_pids == N_PIDS_QUEUED)
		return false;
	in->pids[in->n_pids++] = pid;
	return true;
}

/* Room for a path of n bytes; NULL: there is none. */
static char *queue_text(struct object_queue *q, size_t n)
{
	size_t tail, at;

	if (!q->n) /* from the beginning, whose memory is there already */
		q->first = q->head = 0;
	tail = q->n ? (size_t)(q->at[q->first].key.path - q->text) : N_PATH_BYTES;
	at = q->head;
	if (q->n && at > tail) {
		tail = N_PATH_BYTES;
		if (tail - at < n) {
			tail = (size_t)(q->at[q->first].key.path - q->text);
			at = 0;
		}
	}
	if (tail - at < n)
		return NULL;
	q->head = at + n;
	return q->text + at;
}

bool inspector_ask_embed(struct inspector *in, const struct object_key *key, uint32_t pid,
			 uint64_t start, uint64_t end)
{
	struct object_queue *q = &in->objects;
	size_t n_path = strnlen(key->path, PATH_MAX_BYTES - 1);
	char *path;

	if (q->n == N_OBJECTS_QUEUED || in->embed == EMBED_NONE)
		return false;
	path = queue_text(q, n_path + 1);
	if (!path)
		return false;
	memcpy(path, key->path, n_path);
	path[n_path] = '\0';
	struct object_request *r = &q->at[(q->first + q->n++) % N_OBJECTS_QUEUED];
	*r = (struct object_request){ .key = *key, .pid = pid, .start = start, .end = end };
	r->key.path = path;
	return true;
}

/* The first one becomes the one that is asked. */
static void take_object(struct inspector *in)
{
	struct object_queue *q = &in->objects;

	in->asked_object = q->at[q->first];
	snprintf(in->asked_path, sizeof(in->asked_path), "%s", in->asked_object.key.path);
	in->asked_object.key.path = in->asked_path;
	q->first = (q->first + 1) % N_OBJECTS_QUEUED;
	q->n--;
}

bool inspector_ask_kernel(struct inspector *in, uint64_t pc)
{
	if (in->n_pcs == N_PCS_QUEUED || in->embed == EMBED_NONE)
		return false;
	in->pcs[in->n_pcs++] = pc;
	return true;
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

/*
 * Requests are small beside the socket's buffer and one is out: a short write means a dead child.
 */
static bool send_request(struct inspector *in, enum message_type type, uint32_t pid,
			 const void *bytes, size_t n)
{
	uint8_t buf[sizeof(struct message) + sizeof(struct message_object) + PATH_MAX_BYTES +
		    MESSAGE_REASON_MAX + 8 * MESSAGE_KERNEL_PCS];
	struct message message = { .type = type, .n = (uint32_t)n, .pid = pid };

	memcpy(buf, &message, sizeof(message));
	if (n)
		memcpy(buf + sizeof(message), bytes, n);
	n += sizeof(message);
	in->asked = type;
	return send(in->fd, buf, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static bool send_object(struct inspector *in, enum message_type type, const char *reason)
{
	uint8_t buf[sizeof(struct message_object) + PATH_MAX_BYTES + MESSAGE_REASON_MAX];
	const struct object_request *o = &in->asked_object;
	struct message_object object = {
		.start = o->start,
		.end = o->end,
		.ino = o->key.ino,
		.maj = o->key.maj,
		.min = o->key.min,
		.build_id = o->key.build_id,
	};
	size_t n = sizeof(object), n_path = strnlen(o->key.path, PATH_MAX_BYTES - 1);

	memcpy(buf, &object, sizeof(object));
	memcpy(buf + n, o->key.path, n_path);
	n += n_path;
	buf[n++] = '\0';
	if (reason)
		n += (size_t)snprintf((char *)buf + n, MESSAGE_REASON_MAX, "%s", reason) + 1;
	return send_request(in, type, o->pid, buf, n);
}

static bool send_watch(struct inspector *in, const struct watch_request *r)
{
	uint8_t buf[sizeof(r->jit) + PATH_MAX_BYTES];
	size_t n_path = strnlen(r->path, PATH_MAX_BYTES - 1);

	memcpy(buf, &r->jit, sizeof(r->jit));
	memcpy(buf + sizeof(r->jit), r->path, n_path);
	buf[sizeof(r->jit) + n_path] = '\0';
	return send_request(in, r->type, r->pid, buf, sizeof(r->jit) + n_path + 1);
}

static bool ask_next(struct inspector *in, uint64_t now_ns)
{
	struct watch_request watch;

	if (in->write_off) {
		in->write_off = false;
		return send_object(in, MESSAGE_FAILED, "reading it took too long");
	}
	if (in->n_pids) {
		uint32_t pid = in->pids[0];

		memmove(in->pids, in->pids + 1, --in->n_pids * sizeof(*in->pids));
		in->asked_pid = pid;
		return send_request(in, MESSAGE_SNAPSHOT, pid, NULL, 0);
	}
	if (unsampled_ask(&in->unsampled))
		return send_request(in, MESSAGE_WHY, 0, in->unsampled.asked,
				    in->unsampled.n_asked * sizeof(*in->unsampled.asked));
	if (watches_next(&in->watches, now_ns, &watch))
		return send_watch(in, &watch);
	if (in->objects.n) {
		take_object(in);
		return send_object(in, MESSAGE_EMBED, NULL);
	}
	if (in->n_pcs && (in->finishing || in->n_pcs >= N_PCS_WORTH ||
			  now_ns - in->kernel_ns >= kernel_every_ns)) {
		uint32_t n = MIN(in->n_pcs, (uint32_t)MESSAGE_KERNEL_PCS);

		in->n_pcs -= n;
		in->kernel_ns = now_ns;
		return send_request(in, MESSAGE_KERNEL, 0, in->pcs + in->n_pcs,
				    n * sizeof(*in->pcs));
	}
	return true;
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

/* Those that were asked for are answered, if only by "not known". */
static void tell_unsampled(struct inspector *in)
{
	const struct unsampled_watch *w = &in->unsampled;

	for (uint32_t i = 0; i < w->n_asked; i++)
		in->sink.unsampled(in->sink.ctx, w->reason[i], w->asked[i].comm);
	in->unsampled.n_asked = 0;
}

/* Nobody will look at them any more. */
static void give_up_unsampled(struct inspector *in)
{
	do
		tell_unsampled(in);
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
		tell_unsampled(in);
	in->asked = 0;
	watches_restart(&in->watches);
	if (in->n_starts == N_STARTS_MAX || spawn(in, &err) < 0)
		go_without(in, err.text);
}

static bool take_event(struct inspector *in, const struct message *message, const uint8_t *bytes,
		       uint64_t until_ns)
{
	struct message_event e;
	struct event event = { 0 };

	if (message->n <= sizeof(e) || message->n > sizeof(e) + PATH_MAX_BYTES ||
	    bytes[message->n - 1] != '\0')
		return true;
	memcpy(&e, bytes, sizeof(e));
	if (e.time_ns > until_ns)
		return false;
	event.type = e.type;
	event.time_ns = e.time_ns;
	event.pid = e.pid;
	event.tid = e.tid;
	if (e.type == EVENT_COMM) {
		memcpy(event.comm.comm, e.comm, COMM_MAX);
		event.comm.comm[COMM_MAX - 1] = '\0';
	} else if (e.type == EVENT_MMAP) {
		event.mmap = (struct event_mmap){
			.start = e.start,
			.size = e.size,
			.pgoff = e.pgoff,
			.maj = e.maj,
			.min = e.min,
			.ino = e.ino,
			.build_id = e.build_id,
			.path = (const char *)bytes + sizeof(e),
		};
		event.mmap.build_id.n = MIN(e.build_id.n, (uint8_t)BUILD_ID_MAX);
	} else if (e.type != EVENT_SPACE) {
		return true;
	}
	in->sink.event(in->sink.ctx, &event);
	return true;
}

static bool take_chunk(struct inspector *in, const struct message *message, const uint8_t *bytes)
{
	if ((message->chunk_type != CHUNK_OBJECT && message->chunk_type != CHUNK_KERNEL &&
	     message->chunk_type != CHUNK_JIT) ||
	    message->raw_bytes > CHUNK_RAW_MAX || !message->n ||
	    (message->chunk_type == CHUNK_KERNEL && message->n != message->raw_bytes))
		return true;
	uint64_t tag = message->chunk_type == CHUNK_OBJECT ? object_tag(&in->asked_object.key) :
							     message->pid;
	in->stalled = in->sink.chunk(in->sink.ctx, message->chunk_type, tag, bytes, message->n,
				     message->raw_bytes, message->n_records) < 0;
	return !in->stalled;
}

static void take_done(struct inspector *in, const struct message *message, const uint8_t *bytes)
{
	if (message->code < 0)
		log_debug("inspect", "not readable: path='%s' reason='%.*s'",
			  in->asked == MESSAGE_EMBED ? in->asked_object.key.path : "",
			  (int)MIN(message->n, (uint32_t)MESSAGE_REASON_MAX), bytes);
	if (in->asked == MESSAGE_EMBED)
		in->sink.embedded(in->sink.ctx, message->code >= 0);
	if (in->asked == MESSAGE_WHY)
		tell_unsampled(in);
	if (in->asked == MESSAGE_SNAPSHOT && in->asked_pid &&
	    (message->code == -EACCES || message->code == -EPERM))
		in->sink.hidden(in->sink.ctx, in->asked_pid);
	watches_take_done(&in->watches, message->code);
	in->asked = 0;
}

static void take_jit_state(struct inspector *in, const struct message *message,
			   const uint8_t *bytes)
{
	struct message_jit state;

	if (message->n != sizeof(state))
		return;
	memcpy(&state, bytes, sizeof(state));
	watches_take_state(&in->watches, message->pid, &state);
}

static void take_note(const struct message *message, const uint8_t *bytes)
{
	if (message->n && bytes[message->n - 1] == '\0')
		log_warning("%s", (const char *)bytes);
}

/* Takes one whole message; false: it has to wait. */
static bool take_message(struct inspector *in, const struct message *message, uint64_t until_ns)
{
	const uint8_t *bytes = in->rx + sizeof(*message);

	switch (message->type) {
	case MESSAGE_EVENT:
		return take_event(in, message, bytes, until_ns);
	case MESSAGE_CHUNK:
		return take_chunk(in, message, bytes);
	case MESSAGE_JIT_STATE:
		take_jit_state(in, message, bytes);
		return true;
	case MESSAGE_NOTE:
		take_note(message, bytes);
		return true;
	case MESSAGE_REASONS:
		unsampled_take_reasons(&in->unsampled, bytes, message->n);
		return true;
	case MESSAGE_DONE:
		take_done(in, message, bytes);
		return true;
	default:
		return true;
	}
}

/* Takes what lies in rx. -EAGAIN: the first message has to wait; -EBADMSG: it makes no sense. */
static int take_messages(struct inspector *in, uint64_t until_ns)
{
	struct message message;

	while (in->n_rx >= sizeof(message)) {
		memcpy(&message, in->rx, sizeof(message));
		if (message.n > MESSAGE_BYTES_MAX)
			return -EBADMSG;
		size_t n = sizeof(message) + message.n;
		if (in->n_rx < n)
			return 0;
		if (!take_message(in, &message, until_ns))
			return -EAGAIN;
		memmove(in->rx, in->rx + n, in->n_rx - n);
		in->n_rx -= n;
	}
	return 0;
}

/*
 * Reads and takes until nothing more comes, or enough came: what is left stays in the socket.
 * Negative: the child is gone or mad.
 */
static int receive(struct inspector *in, uint64_t now_ns, uint64_t until_ns)
{
	for (size_t n_turn = 0;;) {
		int r = take_messages(in, until_ns);
		if (r == -EAGAIN) {
			in->asked_ns = now_ns;
			return 0;
		}
		if (r < 0 || n_turn >= TURN_BYTES)
			return r;
		ssize_t n = recv(in->fd, in->rx + in->n_rx, RX_BYTES - in->n_rx, MSG_DONTWAIT);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		if (n == 0)
			return -EPIPE;
		in->n_rx += (size_t)n;
		n_turn += (size_t)n;
		in->asked_ns = now_ns;
	}
}

void inspector_work(struct inspector *in, uint64_t now_ns, uint64_t until_ns)
{
	if (in->fd < 0)
		return;
	take_pid(in);
	if (receive(in, now_ns, until_ns) < 0)
		replace_child(in);
	else if (is_hanging(in, now_ns))
		replace_child(in);
	if (in->fd >= 0 && !in->asked && (!in->resting || in->finishing)) {
		in->asked_ns = now_ns;
		in->busy_ns = child_busy_ns(in);
		in->n_late = 0;
		if (!ask_next(in, now_ns))
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
