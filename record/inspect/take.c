/* What comes from the inspector. It reads hostile files: whatever it says is checked. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/bits.h"
#include "common/base/log.h"
#include "record/inspect/inspector.h"

enum { TURN_BYTES = 2 << 20 }; /* taken between two looks at the rings */

void inspector_tell_unsampled(struct inspector *in)
{
	const struct unsampled_watch *w = &in->unsampled;

	for (uint32_t i = 0; i < w->n_asked; i++)
		in->sink.unsampled(in->sink.ctx, w->reason[i], w->asked[i].comm);
	in->unsampled.n_asked = 0;
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
		inspector_tell_unsampled(in);
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

int inspector_receive(struct inspector *in, uint64_t now_ns, uint64_t until_ns)
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
