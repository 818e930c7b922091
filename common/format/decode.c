/*
 * Bytes of one chunk -> events. All bytes are hostile: every count is checked against what is
 * left or against the limits of codec.h before it is used.
 */
#include "common/format/record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/pages.h"
#include "common/format/decoder.h"
#include "common/format/governed.h"

enum { TEXT_BYTES = 2 * CHUNK_RAW_MAX }; /* the chunk's bytes hold each path once; + its zero */

static size_t threads_size(void)
{
	return CODEC_THREADS_MAX * sizeof(struct decoder_thread);
}

enum machine record_decoder_machine(const struct record_decoder *d)
{
	return d->machine;
}

struct record_decoder *record_decoder_new(enum machine machine)
{
	struct record_decoder *d = mem_zalloc(sizeof(*d));

	d->machine = machine;
	dict_decoder_init(&d->dict);
	d->threads = pages_reserve(threads_size());
	if (!word_pool_init(&d->pool) || !d->threads)
		mem_alloc(SIZE_MAX / 2); /* ends with a message */
	d->objects = mem_alloc(CODEC_OBJECTS_MAX * sizeof(*d->objects));
	d->text = mem_alloc(TEXT_BYTES);
	d->images = mem_zalloc(IMAGES * sizeof(*d->images));
	d->old = mem_alloc(STACK_WORDS_MAX * sizeof(*d->old));
	return d;
}

void record_decoder_free(struct record_decoder *d)
{
	if (!d)
		return;
	dict_decoder_done(&d->dict);
	word_pool_done(&d->pool);
	pages_free(d->threads, threads_size());
	free(d->objects);
	free(d->text);
	free(d->images);
	free(d->old);
	free(d);
}

void record_decoder_begin(struct record_decoder *d, const struct chunk_header *header,
			  const uint8_t *bytes, size_t n)
{
	unsigned int machine;

	(void)header;
	images_drop(d);
	d->begin = bytes;
	d->c = cursor_of(bytes, n);
	d->c.bad = n > CHUNK_RAW_MAX;
	machine = get_u8(&d->c);
	if (machine == MACHINE_X86_64 || machine == MACHINE_AARCH64)
		d->machine = machine;
	else
		cursor_fail(&d->c);
	memset(&d->state, 0, sizeof(d->state));
	dict_decoder_begin(&d->dict);
	places_begin(&d->places);
	word_pool_reset(&d->pool);
	memset(&d->switches, 0, sizeof(d->switches));
	d->chain.n = 0;
	d->chain_waits = false;
	d->n_threads = d->n_objects = 0;
	d->text_n = 0;
}

/* ---- the other records ---- */

static struct decoder_object *get_object(struct record_decoder *d, struct cursor *c)
{
	uint32_t number = (uint32_t)get_varint_max(c, CODEC_OBJECTS_MAX - 1);
	struct decoder_object *o = &d->objects[number];
	const uint8_t *bytes;
	uint64_t n;

	if (c->bad || number > d->n_objects)
		return NULL;
	if (number < d->n_objects)
		return o;
	memset(o, 0, sizeof(*o));
	o->build_id.n = get_u8(c);
	bytes = o->build_id.n <= BUILD_ID_MAX ? get_bytes(c, o->build_id.n) : NULL;
	if (!bytes)
		return NULL;
	memcpy(o->build_id.bytes, bytes, o->build_id.n);
	o->maj = (uint32_t)get_varint_max(c, UINT32_MAX);
	o->min = (uint32_t)get_varint_max(c, UINT32_MAX);
	o->ino = get_varint(c);
	n = get_varint_max(c, PATH_MAX_BYTES - 1);
	bytes = get_bytes(c, n);
	if (!bytes || memchr(bytes, 0, n))
		return NULL;
	o->path_off = (uint32_t)d->text_n;
	memcpy(d->text + d->text_n, bytes, n);
	d->text[d->text_n + n] = 0;
	d->text_n += n + 1;
	d->n_objects++;
	return o;
}

static void get_mmap(struct record_decoder *d, struct cursor *c, struct event *event)
{
	struct codec_cpu *cpu = codec_cpu(&d->state, event->cpu);
	struct decoder_object *o = get_object(d, c);
	unsigned int flags = get_u8(c), shift = flags & MMAP_PAGES ? 12 : 0;

	if (!o) {
		cursor_fail(c);
		return;
	}
	cpu->map_start = ((cpu->map_start >> shift) + get_signed(c)) << shift;
	if (!(flags & MMAP_SAME)) {
		o->codec.size = get_varint(c) << shift;
		o->codec.pgoff = get_varint(c) << shift;
	}
	event->type = EVENT_MMAP;
	event->mmap = (struct event_mmap){
		.start = cpu->map_start,
		.size = o->codec.size,
		.pgoff = o->codec.pgoff,
		.build_id = o->build_id,
		.maj = o->maj,
		.min = o->min,
		.ino = o->ino,
		.path = d->text + o->path_off,
	};
}

/* A text of at most max - 1 bytes and its zero. */
static void get_text(struct cursor *c, char *ret, size_t max)
{
	uint64_t n = get_u8(c);
	const uint8_t *bytes = n < max ? get_bytes(c, n) : NULL;

	if (!bytes || memchr(bytes, 0, n)) {
		cursor_fail(c);
		return;
	}
	memcpy(ret, bytes, n);
	ret[n] = 0;
}

/* pid and tid of the record are the caller's. */
static void get_fork(struct record_decoder *d, struct cursor *c, struct event *event)
{
	event->type = EVENT_FORK;
	event->fork.ppid = event->pid;
	event->fork.ptid = event->tid;
	event->tid = d->state.child += (uint32_t)get_signed(c);
	event->pid = event->tid - (uint32_t)get_signed(c);
}

static void get_own_fields(struct record_decoder *d, enum record_type type, struct cursor *c,
			   struct event *event)
{
	switch (type) {
	case RECORD_MMAP:
		get_mmap(d, c, event);
		break;
	case RECORD_COMM:
		event->type = EVENT_COMM;
		event->comm.exec = get_u8(c) & 1;
		get_text(c, event->comm.comm, COMM_MAX);
		break;
	case RECORD_FORK:
		get_fork(d, c, event);
		break;
	case RECORD_EXIT:
		event->type = EVENT_EXIT;
		break;
	case RECORD_SPACE:
		event->type = EVENT_SPACE;
		break;
	case RECORD_LOST:
		event->type = EVENT_LOST;
		event->lost.source = get_u8(c);
		event->lost.n = get_varint(c);
		break;
	default: /* RECORD_THROTTLE */
		event->type = EVENT_THROTTLE;
		event->throttle.on = get_u8(c) & 1;
		event->throttle.source = get_u8(c);
		break;
	}
}

static void get_event(struct record_decoder *d, enum record_type type, struct event *event)
{
	struct codec_state *st = &d->state;
	struct cursor *c = &d->c;
	struct codec_cpu *cpu;

	memset(event, 0, sizeof(*event));
	event->cpu = (uint32_t)get_varint_max(c, UINT32_MAX);
	cpu = codec_cpu(st, event->cpu);
	event->time_ns = st->time_ns += get_signed(c);
	event->pid = cpu->pid += (uint32_t)get_signed(c);
	event->tid = event->pid + (uint32_t)get_signed(c);
	get_own_fields(d, type, c, event);
	if (!c->bad)
		places_follow(&d->places, event);
}

static void get_source(struct cursor *c, struct record *ret)
{
	ret->source_index = get_u8(c);
	if (ret->source_index >= SOURCE_MAX)
		cursor_fail(c);
	get_text(c, ret->source.name, sizeof(ret->source.name));
	get_text(c, ret->source.unit, sizeof(ret->source.unit));
	ret->source.frequency_hz = get_varint(c);
	ret->source.period = get_varint(c);
}

/* A newer writer may have more of them, an older one fewer. */
static void get_counters(struct cursor *c, struct record_counters *ret)
{
	unsigned int n = get_u8(c);

	memset(ret, 0, sizeof(*ret));
	for (unsigned int i = 0; i < n && !c->bad; i++) {
		uint64_t v = get_varint(c);

		if (i < COUNTERS)
			ret->n[i] = v;
	}
}

/* Of a record with a length; bytes behind those that are known here are a newer writer's. */
static struct cursor get_sized(struct record_decoder *d)
{
	uint64_t n = get_varint(&d->c);
	const uint8_t *bytes = get_bytes(&d->c, n);

	return cursor_of(bytes, bytes ? n : 0);
}

static void get_chain(struct record_decoder *d)
{
	struct cursor c = get_sized(d);

	if (d->c.bad)
		return;
	if (chain_get(&d->chain, &c))
		d->chain_waits = true;
	else
		cursor_fail(&d->c);
}

static void get_switch(struct record_decoder *d, struct event *event)
{
	struct cursor c = get_sized(d);

	if (!d->c.bad && !switch_get(&d->switches, &c, event))
		cursor_fail(&d->c);
}

static void get_unsampled(struct record_decoder *d, struct unsampled *ret)
{
	struct cursor c = get_sized(d);

	if (!d->c.bad && !unsampled_get(&c, ret))
		cursor_fail(&d->c);
}

static void get_governed(struct record_decoder *d, struct event *event)
{
	struct cursor c = get_sized(d);

	if (!d->c.bad && !governed_get(&c, event))
		cursor_fail(&d->c);
}

static enum record_read get_record(struct record_decoder *d, unsigned int type, struct record *ret)
{
	switch (type) {
	case RECORD_SAMPLE:
		get_sample(d, &ret->event);
		return RECORD_EVENT;
	case RECORD_MMAP:
	case RECORD_COMM:
	case RECORD_FORK:
	case RECORD_EXIT:
	case RECORD_SPACE:
	case RECORD_LOST:
	case RECORD_THROTTLE:
		get_event(d, type, &ret->event);
		return RECORD_EVENT;
	case RECORD_SOURCE_DEF:
		get_source(&d->c, ret);
		return RECORD_SOURCE;
	case RECORD_COUNTER_VALUES:
		get_counters(&d->c, &ret->counters);
		return RECORD_COUNTERS;
	case RECORD_SWITCH:
		get_switch(d, &ret->event);
		return RECORD_EVENT;
	case RECORD_UNSAMPLED_PROGRAM:
		get_unsampled(d, &ret->unsampled);
		return RECORD_UNSAMPLED;
	case RECORD_GOVERNED:
		get_governed(d, &ret->event);
		return RECORD_EVENT;
	case RECORD_CHAIN:
		get_chain(d);
		return RECORD_END;
	default:
		if (type < RECORD_FIRST_SIZED)
			cursor_fail(&d->c);
		else
			get_bytes(&d->c, get_varint(&d->c)); /* of a newer writer: skipped */
		return RECORD_END;
	}
}

static enum record_read decoder_fail(struct record_decoder *d, size_t off, unsigned int type,
				     struct err *err)
{
	err_set(err, -EBADMSG, "record of type %u at offset %zu of the chunk makes no sense", type,
		off);
	cursor_fail(&d->c);
	/* the list and the image of the thread may differ now */
	images_forget(d);
	return RECORD_BAD;
}

enum record_read record_decoder_next(struct record_decoder *d, struct record *ret, struct err *err)
{
	enum record_read read = RECORD_END;

	if (d->c.bad) {
		err_set(err, -EBADMSG, "records of an unknown machine, or damaged before");
		return RECORD_BAD;
	}
	while (read == RECORD_END && d->c.at < d->c.end) {
		size_t off = (size_t)(d->c.at - d->begin);
		unsigned int type = get_u8(&d->c);

		read = get_record(d, type, ret);
		if (d->c.bad)
			return decoder_fail(d, off, type, err);
	}
	return read;
}
