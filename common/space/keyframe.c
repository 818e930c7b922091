/* Records of a process: SPACE, its MMAPs; for each thread FORK (when its start is known), COMM. */
#include "common/space/keyframe.h"

#include <errno.h>
#include <string.h>

struct keyframe {
	struct chunk_writer *chunks;
	struct record_encoder *encoder;
	struct spaces *spaces;
	const struct record_source *source;
	uint8_t n_sources;
	const struct record_counters *counters;
	uint64_t now_ns;
	unsigned int flags; /* FIRST until one chunk is out */
	int code;
};

static void begin(struct keyframe *k)
{
	record_encoder_begin(k->encoder);
	for (uint8_t i = 0; i < k->n_sources; i++)
		record_encoder_put_source(k->encoder, i, &k->source[i]);
}

static void flush(struct keyframe *k, unsigned int flags)
{
	size_t n;

	if (k->code < 0)
		return;
	if (k->counters)
		record_encoder_put_counters(k->encoder, k->counters);
	const uint8_t *bytes = record_encoder_bytes(k->encoder, &n);
	k->code = chunk_writer_put(k->chunks, CHUNK_KEYFRAME, k->flags | flags, bytes, n,
				   record_encoder_n(k->encoder), k->now_ns, k->now_ns);
	k->flags = 0;
}

static void put(struct keyframe *k, const struct event *event)
{
	if (k->code < 0 || record_encoder_put(k->encoder, event) != -ENOSPC)
		return;
	flush(k, 0);
	begin(k);
	record_encoder_put(k->encoder, event);
}

static void put_mapping(struct keyframe *k, const struct space *space, const struct mapping *m)
{
	const struct space_object *object = spaces_object(k->spaces, m->object);
	struct event event = {
		.type = EVENT_MMAP,
		.time_ns = k->now_ns,
		.pid = space->pid,
		.tid = space->pid,
		.mmap = { .start = m->start, .size = m->end - m->start, .pgoff = m->pgoff },
	};

	if (!object)
		return;
	event.mmap.build_id = object->build_id;
	event.mmap.maj = object->maj;
	event.mmap.min = object->min;
	event.mmap.ino = object->ino;
	event.mmap.path = object->path;
	put(k, &event);
}

static void put_space(void *ctx, const struct space *space)
{
	struct keyframe *k = ctx;
	struct event event = {
		.type = EVENT_SPACE, .time_ns = k->now_ns, .pid = space->pid, .tid = space->pid
	};

	/*
	 * Of a process that is not known nothing is claimed; readers learn its mappings as we did.
	 */
	if (!space->known)
		return;
	put(k, &event);
	for (uint32_t i = 0; i < space->n; i++)
		put_mapping(k, space, &space->map[i]);
}

static void put_thread(void *ctx, const struct thread *thread)
{
	struct keyframe *k = ctx;
	struct event event = { .type = EVENT_FORK,
			       .time_ns = thread->start_ns,
			       .pid = thread->pid,
			       .tid = thread->tid,
			       .fork = { .ppid = thread->pid, .ptid = thread->pid } };

	if (thread->start_ns)
		put(k, &event);
	event = (struct event){
		.type = EVENT_COMM, .time_ns = k->now_ns, .pid = thread->pid, .tid = thread->tid
	};
	memcpy(event.comm.comm, thread->comm, COMM_MAX);
	put(k, &event);
}

static void put_governed(struct keyframe *k, const struct event_governed *governed)
{
	struct event event = { .type = EVENT_GOVERNED, .time_ns = k->now_ns };

	if (!governed || (!governed->stack_bytes && !governed->off))
		return;
	event.governed = *governed;
	put(k, &event);
}

int keyframe_write(struct chunk_writer *chunks, struct record_encoder *encoder,
		   struct spaces *spaces, const struct record_source *source, uint8_t n_sources,
		   const struct unsampled_table *unsampled,
		   const struct event_governed *governed, uint64_t now_ns,
		   const struct record_counters *counters)
{
	struct keyframe k = {
		.chunks = chunks,
		.encoder = encoder,
		.spaces = spaces,
		.source = source,
		.n_sources = n_sources,
		.counters = counters,
		.now_ns = now_ns,
		.flags = CHUNK_FLAG_FIRST,
	};

	begin(&k);
	for (uint32_t i = 0; unsampled && i < unsampled->n; i++)
		record_encoder_put_unsampled(encoder, &unsampled->at[i]);
	put_governed(&k, governed);
	spaces_each_space(spaces, put_space, &k);
	spaces_each_thread(spaces, put_thread, &k);
	flush(&k, CHUNK_FLAG_LAST);
	return k.code;
}
