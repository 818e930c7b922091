/*
 * Bytes of one chunk -> events. All bytes are hostile: every count is checked against what is
 * left or against the limits of codec.h before it is used, and memory does not grow with the input:
 *
 *	thread of the chunk: list of kept words (truth, in the pool)
 *	      |
 *	      +-- image: the same words, flat, for random access. Few images exist; a thread that
 *	          comes back after losing its image gets it rebuilt from the list.
 */
#include "common/format/record.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/pages.h"
#include "common/format/codec.h"

enum {
	IMAGES = 8,
	/*
	 * twice STACK_WORDS_MAX: words of one stack never meet, nor do those of the next when sp
	 * moves by less
	 */
	IMAGE_SLOTS = 16384,
	IMAGE_MASK = IMAGE_SLOTS - 1,
};

struct decoder_thread {
	struct codec_thread codec;
	bool stack_before; /* its last sample had a stack */
	uint64_t lo;	   /* of that stack */
	uint32_t image;	   /* index + 1; 0: none */
};

struct image {
	uint64_t slot[IMAGE_SLOTS];
	uint32_t thread; /* index + 1; 0: free, all slots 0 */
	uint64_t used;	 /* clock of last use */
};

struct decoder_object {
	struct codec_object codec;
	struct build_id build_id;
	uint32_t maj, min;
	uint64_t ino;
	uint32_t path_off; /* in text */
};

struct record_decoder {
	enum machine machine;
	const uint8_t *begin;
	struct cursor c;
	struct codec_state state;
	struct dict_decoder dict;
	struct places places;
	const struct place_set *here; /* of the sample's process */
	struct word_pool pool;
	struct decoder_thread *threads;
	uint32_t n_threads;
	struct decoder_object *objects;
	uint32_t n_objects;
	char *text; /* paths of the chunk's objects, zero-terminated */
	size_t text_n;
	struct image *images;
	uint64_t clock;
	struct stack_word *old; /* [STACK_WORDS_MAX] */
	uint64_t kchain[KCHAIN_MAX];
};

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

/* ---- images ---- */

static void image_clear(struct image *image, const struct stack_word *word, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		image->slot[word[i].addr >> 3 & IMAGE_MASK] = 0;
}

static void image_set(struct image *image, const struct stack_word *word, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		image->slot[word[i].addr >> 3 & IMAGE_MASK] = word[i].value;
}

static void image_drop(struct record_decoder *d, struct image *image)
{
	struct decoder_thread *t;

	if (!image->thread)
		return;
	t = &d->threads[image->thread - 1];
	image_clear(image, t->codec.list.word, t->codec.list.n);
	t->image = 0;
	image->thread = 0;
}

/*
 * The image of the thread as it was before this sample's change, from the least recently used one
 * if need be.
 */
static struct image *image_get(struct record_decoder *d, struct decoder_thread *t, bool *ret_new)
{
	struct image *image = &d->images[0];

	*ret_new = !t->image;
	if (t->image) {
		image = &d->images[t->image - 1];
	} else {
		for (uint32_t i = 1; i < IMAGES && image->thread; i++)
			if (!d->images[i].thread || d->images[i].used < image->used)
				image = &d->images[i];
		image_drop(d, image);
		image->thread = (uint32_t)(t - d->threads) + 1;
		t->image = (uint32_t)(image - d->images) + 1;
	}
	image->used = ++d->clock;
	return image;
}

void record_decoder_begin(struct record_decoder *d, const struct chunk_header *header,
			  const uint8_t *bytes, size_t n)
{
	unsigned int machine;

	(void)header;
	for (uint32_t i = 0; i < IMAGES; i++)
		image_drop(d, &d->images[i]);
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
	d->n_threads = d->n_objects = 0;
	d->text_n = 0;
}

/* ---- samples ---- */

static struct decoder_thread *get_thread(struct record_decoder *d, struct cursor *c)
{
	uint32_t index = (uint32_t)get_varint_max(c, CODEC_THREADS_MAX - 1);
	struct decoder_thread *t = &d->threads[index];

	if (c->bad || index > d->n_threads) {
		cursor_fail(c);
		return NULL;
	}
	if (index == d->n_threads) {
		memset(t, 0, offsetof(struct decoder_thread, codec.kchain));
		t->stack_before = false;
		t->lo = 0;
		t->image = 0;
		t->codec.pid = codec_cpu(&d->state, d->state.cpu)->pid + (uint32_t)get_signed(c);
		t->codec.tid = t->codec.pid + (uint32_t)get_signed(c);
		d->n_threads++;
	}
	return t;
}

static void get_kchain(struct record_decoder *d, struct codec_thread *t, struct event_sample *s,
		       struct cursor *c)
{
	uint64_t same = get_varint_max(c, t->n_kchain), more = get_varint_max(c, KCHAIN_MAX - same),
		 n = same + more;

	if (c->bad)
		return;
	for (uint64_t i = same; i < n; i++)
		t->kchain[i] = dict_get(&d->dict, d->here, c);
	t->n_kchain = (uint32_t)n;
	for (uint64_t i = 0; i < n; i++)
		d->kchain[i] = t->kchain[n - 1 - i];
	s->n_kchain = (uint16_t)n;
	s->kchain = d->kchain;
}

static void get_regs(struct record_decoder *d, struct codec_thread *t, struct regs *regs,
		     struct cursor *c)
{
	unsigned int sp = machine_sp(d->machine), pc = machine_pc(d->machine);
	uint64_t mask = get_varint(c) ^ t->mask;

	if (mask >> REGS_MAX) {
		cursor_fail(c);
		return;
	}
	regs->mask = t->mask = mask;
	if (mask >> sp & 1)
		regs->value[sp] = t->sp += get_signed(c);
	if (mask >> pc & 1)
		regs->value[pc] = dict_get(&d->dict, d->here, c);
	mask &= ~(UINT64_C(1) << sp | UINT64_C(1) << pc);
	for (; mask; mask &= mask - 1) {
		uint64_t v = get_varint(c);

		regs->value[__builtin_ctzll(mask)] =
			v & 1 ? dict_get(&d->dict, d->here, c) : t->sp + unzigzag(v >> 1);
	}
}

/* Old and new words lie near enough that no two share a slot. */
static bool image_holds_both(const struct word_list *list, uint64_t lo, uint64_t hi)
{
	if (list->n) {
		lo = MIN(lo, list->word[list->n - 1].addr);
		hi = MAX(hi, list->word[0].addr + 8);
	}
	return hi - lo <= IMAGE_SLOTS * 8;
}

/* The thread's list and its image become those of this sample, together. */
static bool change_stack(struct record_decoder *d, struct decoder_thread *t, uint64_t lo,
			 uint64_t hi, struct image **ret_image, struct stack_change *ret)
{
	struct word_list *list = &t->codec.list;
	bool fresh;
	struct image *image = *ret_image = image_get(d, t, &fresh);
	struct stack_image flat = { image->slot, IMAGE_MASK };

	if (!fresh && !image_holds_both(list, lo, hi)) {
		image_clear(image, list->word, list->n);
		fresh = true;
	}
	if (!stack_get(&d->dict, d->here, &d->pool, list, lo, hi, d->old, &d->c,
		       fresh ? NULL : &flat, ret))
		return false; /* decoder_fail() forgets all images */
	if (fresh)
		image_set(image, list->word, list->n);
	return true;
}

/*
 * Equal words at the top say nothing below the first word that changed, came or went; and nothing
 * at all when the copied range ended elsewhere.
 */
static uint64_t stack_floor(const struct decoder_thread *t, const struct stack_change *change,
			    uint64_t lo)
{
	const struct word_list *list = &t->codec.list;
	uint64_t floor = MAX(lo, t->lo);

	if (change->n_old)
		floor = MAX(floor, change->old[0].addr + 8);
	if (list->n > change->n_same)
		floor = MAX(floor, list->word[change->n_same].addr + 8);
	return floor;
}

static void get_stack(struct record_decoder *d, struct decoder_thread *t, struct event_sample *s,
		      struct cursor *c)
{
	struct codec_thread *ct = &t->codec;
	uint64_t lo = ALIGN_UP(ct->sp, UINT64_C(8)), hi, bytes, hi_before = ct->hi;
	struct stack_change change;
	struct image *image;

	if (s->stack_cut)
		bytes = ct->cut_bytes += get_signed(c);
	else
		bytes = ct->hi + get_signed(c) - ct->sp;
	if (c->bad || bytes == 0 || bytes > STACK_BYTES_MAX ||
	    __builtin_add_overflow(ct->sp, bytes, &hi)) {
		cursor_fail(c);
		return;
	}
	ct->hi = hi;
	if (!change_stack(d, t, lo, hi, &image, &change) ||
	    (d->state.n_words += ct->list.n) > CODEC_WORDS_MAX) {
		cursor_fail(c);
		return;
	}
	hi = MAX(hi & ~UINT64_C(7), lo);
	s->stack_bytes = bytes;
	s->words = ct->list.word;
	s->n_words = ct->list.n;
	s->view = (struct stack_view){
		.lo = lo, .hi = hi, .slot = image->slot, .mask = IMAGE_MASK, .floor = UINT64_MAX
	};
	if (t->stack_before && hi_before == ct->hi)
		s->view.floor = stack_floor(t, &change, lo);
	t->lo = lo;
}

static void get_place(struct codec_state *st, struct cursor *c)
{
	uint32_t source = get_u8(c);

	if (source >= SOURCE_MAX) {
		cursor_fail(c);
		return;
	}
	st->source = source;
	st->cpu = (uint32_t)get_varint_max(c, UINT32_MAX);
}

static void sample_set_ip(enum machine machine, struct event_sample *s)
{
	if (s->in_kernel && s->n_kchain)
		s->ip = s->kchain[0];
	else if (s->user && s->regs.mask >> machine_pc(machine) & 1)
		s->ip = s->regs.value[machine_pc(machine)];
}

/* All before the frames. NULL: makes no sense. */
static struct decoder_thread *get_sample_head(struct record_decoder *d, unsigned int flags,
					      struct event *event)
{
	struct codec_state *st = &d->state;
	struct event_sample *s = &event->sample;
	struct cursor *c = &d->c;
	unsigned int rare = flags & SAMPLE_RARE ? get_u8(c) : 0;
	struct decoder_thread *t;

	if (flags & SAMPLE_PLACE)
		get_place(st, c);
	if (rare & ~(unsigned int)SAMPLE_RARE_ALL ||
	    (flags & SAMPLE_STACK && !(flags & SAMPLE_USER)))
		return NULL;
	t = get_thread(d, c);
	if (!t)
		return NULL;
	if (flags & SAMPLE_PERIOD)
		st->period[st->source] = get_varint(c);
	event->type = EVENT_SAMPLE;
	event->pid = t->codec.pid;
	event->tid = t->codec.tid;
	event->cpu = st->cpu;
	s->source = (uint8_t)st->source;
	s->period = st->period[st->source];
	event->time_ns = codec_expected_ns(st, st->cpu, s->period) + get_signed(c);
	st->time_ns = codec_cpu(st, st->cpu)->sample_ns = event->time_ns;
	codec_cpu(st, st->cpu)->pid = event->pid;
	s->user = flags & SAMPLE_USER;
	s->in_kernel = flags & SAMPLE_IN_KERNEL;
	s->stack_cut = rare & SAMPLE_STACK_CUT;
	s->stack_dropped = rare & SAMPLE_STACK_DROPPED;
	s->compat = rare & SAMPLE_COMPAT;
	return t;
}

static void get_sample(struct record_decoder *d, struct event *event)
{
	struct cursor *c = &d->c;
	struct event_sample *s = &event->sample;
	unsigned int flags = get_u8(c);
	struct decoder_thread *t;

	memset(event, 0, sizeof(*event));
	t = get_sample_head(d, flags, event);
	if (!t) {
		cursor_fail(c);
		return;
	}
	d->here = places_of(&d->places, event->pid);
	if (flags & SAMPLE_KCHAIN)
		get_kchain(d, &t->codec, s, c);
	if (flags & SAMPLE_USER)
		get_regs(d, &t->codec, &s->regs, c);
	if (flags & SAMPLE_IP)
		s->ip = dict_get(&d->dict, d->here, c);
	else
		sample_set_ip(d->machine, s);
	if (flags & SAMPLE_STACK)
		get_stack(d, t, s, c);
	t->stack_before = flags & SAMPLE_STACK;
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
	/* the list and the image of the thread may differ now: forget both */
	for (uint32_t i = 0; i < IMAGES; i++) {
		if (d->images[i].thread)
			d->threads[d->images[i].thread - 1].image = 0;
		memset(&d->images[i], 0, sizeof(d->images[i]));
	}
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
