/* What is asked of the inspector, and in which order: one request is out at a time. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/bits.h"
#include "record/inspect/inspector.h"

enum { N_PCS_WORTH = 256 }; /* so many kernel addresses are worth a chunk at once */

static const uint64_t kernel_every_ns = 1000000000; /* fewer wait so long */

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

bool inspector_ask_embed(struct inspector *in, const struct object_key *key, uint32_t pid,
			 uint64_t start, uint64_t end)
{
	struct object_request request = { .key = *key, .pid = pid, .start = start, .end = end };

	return in->embed != EMBED_NONE && object_queue_put(&in->objects, &request);
}

bool inspector_ask_kernel(struct inspector *in, uint64_t pc)
{
	if (in->n_pcs == N_PCS_QUEUED || in->embed == EMBED_NONE)
		return false;
	in->pcs[in->n_pcs++] = pc;
	return true;
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

bool inspector_ask_next(struct inspector *in, uint64_t now_ns)
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
		object_queue_take(&in->objects, &in->asked_object, in->asked_path);
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
