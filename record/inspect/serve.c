/*
 * Reads a request, answers, reads the next. Blocks wherever it likes: the recorder kills it when
 * it is late. It keeps no descriptor of the recorder, so that rings and files end with the
 * recorder alone.
 */
#include "record/inspect/serve.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <zstd.h>

#include "common/base/err.h"
#include "common/base/io.h"
#include "record/harden/harden.h"
#include "record/inspect/embed.h"
#include "record/inspect/jit.h"
#include "record/inspect/kallsyms.h"
#include "record/inspect/maps.h"
#include "record/inspect/rights.h"

enum { ZSTD_LEVEL = 1, REQUEST_BYTES_MAX = 32 << 10, EVENTS_BYTES = 64 << 10 };

struct serve {
	int fd;
	enum inspect_embed embed;
	ZSTD_CCtx *zstd;
	uint8_t *scratch;	      /* CHUNK_RAW_MAX */
	uint8_t *stored;	      /* struct message + CHUNK_STORED_MAX */
	uint8_t events[EVENTS_BYTES]; /* replies that are not sent yet */
	size_t n_events;
	struct kallsyms *kallsyms; /* read with the first question, */
	struct err kallsyms_err;   /* or why it could not be */
	struct jit_files *jit;
};

static void send_bytes(struct serve *s, const void *bytes, size_t n)
{
	if (n && io_write(s->fd, bytes, n, NULL) < 0)
		_exit(0); /* the recorder is gone */
}

static void flush_events(struct serve *s)
{
	send_bytes(s, s->events, s->n_events);
	s->n_events = 0;
}

void serve_event(struct serve *s, const struct message_event *event, const char *path)
{
	size_t n_path = strnlen(path, PATH_MAX_BYTES - 1) + 1;
	struct message message = { .type = MESSAGE_EVENT,
				   .n = (uint32_t)(sizeof(*event) + n_path) };
	size_t n = sizeof(message) + message.n;

	if (s->n_events + n > sizeof(s->events))
		flush_events(s);
	uint8_t *at = s->events + s->n_events;
	memcpy(at, &message, sizeof(message));
	memcpy(at + sizeof(message), event, sizeof(*event));
	memcpy(at + sizeof(message) + sizeof(*event), path, n_path - 1);
	at[n - 1] = '\0';
	s->n_events += n;
}

int serve_chunk(struct serve *s, enum chunk_type type, uint32_t pid, const void *raw, size_t n,
		uint32_t n_records)
{
	struct message message = { .type = MESSAGE_CHUNK,
				   .pid = pid,
				   .chunk_type = type,
				   .raw_bytes = (uint32_t)n,
				   .n_records = n_records };
	size_t stored = ZSTD_compressCCtx(s->zstd, s->stored + sizeof(message), CHUNK_STORED_MAX,
					  raw, n, ZSTD_LEVEL);

	if (ZSTD_isError(stored))
		return -EIO;
	message.n = (uint32_t)stored;
	memcpy(s->stored, &message, sizeof(message));
	flush_events(s);
	send_bytes(s, s->stored, sizeof(message) + stored);
	return 0;
}

int serve_raw_chunk(struct serve *s, enum chunk_type type, const void *raw, size_t n,
		    uint32_t n_records)
{
	struct message message = { .type = MESSAGE_CHUNK,
				   .n = (uint32_t)n,
				   .chunk_type = type,
				   .raw_bytes = (uint32_t)n,
				   .n_records = n_records };

	flush_events(s);
	send_bytes(s, &message, sizeof(message));
	send_bytes(s, raw, n);
	return 0;
}

int serve_object(void *s, const void *raw, size_t n, uint32_t n_records)
{
	return serve_chunk(s, CHUNK_OBJECT, 0, raw, n, n_records);
}

void serve_note(struct serve *s, const char *text)
{
	struct message message = { .type = MESSAGE_NOTE, .n = (uint32_t)strlen(text) + 1 };

	flush_events(s);
	send_bytes(s, &message, sizeof(message));
	send_bytes(s, text, message.n);
}

void serve_jit_state(struct serve *s, uint32_t pid, const struct message_jit *state)
{
	struct message message = { .type = MESSAGE_JIT_STATE, .n = sizeof(*state), .pid = pid };

	flush_events(s);
	send_bytes(s, &message, sizeof(message));
	send_bytes(s, state, sizeof(*state));
}

void *serve_scratch(struct serve *s)
{
	return s->scratch;
}

static void send_done(struct serve *s, int code, const char *reason)
{
	char text[MESSAGE_REASON_MAX] = "";
	struct message message = { .type = MESSAGE_DONE, .code = code };

	if (code < 0)
		snprintf(text, sizeof(text), "%.*s", MESSAGE_REASON_MAX - 1, reason);
	message.n = (uint32_t)strlen(text) + 1;
	flush_events(s);
	send_bytes(s, &message, sizeof(message));
	send_bytes(s, text, message.n);
}

/* A zero-terminated text in the rest of a request. */
static const char *text_at(const uint8_t *bytes, size_t n, size_t *at)
{
	const char *text = (const char *)bytes + *at;

	if (*at >= n)
		return "";
	size_t length = strnlen(text, n - *at);
	if (*at + length == n)
		return "";
	*at += length + 1;
	return text;
}

static int answer_object(struct serve *s, const struct message *request, const uint8_t *bytes,
			 struct err *err)
{
	struct message_object object;
	size_t at = sizeof(object);

	if (request->n < sizeof(object))
		return -EBADMSG;
	memcpy(&object, bytes, sizeof(object));
	struct object_key key = {
		.build_id = object.build_id,
		.maj = object.maj,
		.min = object.min,
		.ino = object.ino,
	};
	key.path = text_at(bytes, request->n, &at);
	const char *reason = text_at(bytes, request->n, &at);
	if (request->type == MESSAGE_FAILED)
		return object_encode(&key, NULL, reason, s->scratch, serve_object, s);
	struct embed_place place = {
		.pid = request->pid, .start = object.start, .end = object.end, .ino = object.ino
	};
	return embed_object(s, s->embed, &key, &place, err);
}

static int answer_kernel(struct serve *s, const struct message *request, const uint8_t *bytes,
			 struct err *err)
{
	uint64_t pcs[MESSAGE_KERNEL_PCS];
	size_t n = request->n / 8 < MESSAGE_KERNEL_PCS ? request->n / 8 : MESSAGE_KERNEL_PCS;

	memcpy(pcs, bytes, n * 8);
	if (!s->kallsyms && !s->kallsyms_err.code)
		kallsyms_read("/proc/kallsyms", &s->kallsyms, &s->kallsyms_err);
	if (!s->kallsyms)
		return err_set(err, s->kallsyms_err.code, "%s", s->kallsyms_err.text);
	return kallsyms_answer(s->kallsyms, s, pcs, n);
}

static int answer_jit(struct serve *s, const struct message *request, const uint8_t *bytes,
		      struct err *err)
{
	if (!s->jit)
		s->jit = jit_files_new();
	if (!s->jit)
		return err_set(err, -ENOMEM, "no memory");
	return jit_answer(s->jit, s, request, bytes, err);
}

static void answer_why(struct serve *s, const struct message *request, const uint8_t *bytes)
{
	uint8_t reasons[MESSAGE_EXECS];
	struct message message = { .type = MESSAGE_REASONS };
	struct message_exec exec;

	for (; message.n < MESSAGE_EXECS; message.n++) {
		if (request->n < (message.n + 1) * sizeof(exec))
			break;
		memcpy(&exec, bytes + message.n * sizeof(exec), sizeof(exec));
		reasons[message.n] = (uint8_t)rights_look(&exec);
	}
	flush_events(s);
	send_bytes(s, &message, sizeof(message));
	send_bytes(s, reasons, message.n);
}

static void answer(struct serve *s, const struct message *request, const uint8_t *bytes)
{
	struct err err = { .code = 0 };
	int r = 0;

	switch (request->type) {
	case MESSAGE_SNAPSHOT:
		r = maps_snapshot(s, request->pid, &err);
		break;
	case MESSAGE_EMBED:
	case MESSAGE_FAILED:
		r = answer_object(s, request, bytes, &err);
		break;
	case MESSAGE_KERNEL:
		r = answer_kernel(s, request, bytes, &err);
		break;
	case MESSAGE_JIT_WATCH:
	case MESSAGE_JIT_LOOK:
	case MESSAGE_JIT_END:
		r = answer_jit(s, request, bytes, &err);
		break;
	case MESSAGE_WHY:
		answer_why(s, request, bytes);
		break;
	}
	send_done(s, r, err.text);
}

/* Nothing of the recorder stays open here but the socket: its rings must end with it. */
static void let_go(int fd)
{
	struct rlimit no_core = { 0, 0 };

	if (fd > 3)
		syscall(SYS_close_range, 3u, (unsigned int)fd - 1, 0u);
	syscall(SYS_close_range, (unsigned int)fd + 1, ~0u, 0u);
	setrlimit(RLIMIT_CORE, &no_core);
}

void serve(int fd, enum inspect_embed embed)
{
	static uint8_t bytes[REQUEST_BYTES_MAX];
	struct serve *s = calloc(1, sizeof(*s));
	struct message request;

	let_go(fd);
	harden_inspector();
	if (!s)
		return;
	s->fd = fd;
	s->embed = embed;
	s->zstd = ZSTD_createCCtx();
	s->scratch = malloc(CHUNK_RAW_MAX);
	s->stored = malloc(sizeof(struct message) + CHUNK_STORED_MAX);
	if (!s->zstd || !s->scratch || !s->stored)
		return;
	while (io_read(fd, &request, sizeof(request)) == (ssize_t)sizeof(request)) {
		if (request.n > sizeof(bytes) ||
		    io_read(fd, bytes, request.n) != (ssize_t)request.n)
			return;
		answer(s, &request, bytes);
	}
}
