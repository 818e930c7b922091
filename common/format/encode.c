/*
 * Events -> bytes of one chunk. Every record is checked for room at its longest before it is
 * begun, so a refused one has changed nothing.
 */
#include "common/format/record.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/pages.h"
#include "common/format/chain.h"
#include "common/format/codec.h"
#include "common/format/governed.h"
#include "common/format/switch.h"
#include "common/format/wire.h"

enum {
	THREAD_SLOTS = 2 * CODEC_THREADS_MAX,
	OBJECT_SLOTS = 2 * CODEC_OBJECTS_MAX,
	SAMPLE_BYTES_FIXED = 2 + 12 * VARINT_BYTES_MAX + STACK_BYTES_FIXED,
	OBJECT_KEY_BYTES_MAX = 1 + BUILD_ID_MAX + 4 * VARINT_BYTES_MAX + PATH_MAX_BYTES,
	RECORD_BYTES_FIXED = 2 + 10 * VARINT_BYTES_MAX, /* of every record without text */
};

struct object_slot {
	uint32_t number;	 /* + 1; 0: free */
	uint32_t key_off, key_n; /* where the chunk's own bytes define it */
};

struct record_encoder {
	enum machine machine;
	uint8_t *bytes;
	size_t n;
	uint32_t n_records, n_events; /* records that are no events have no time */
	uint64_t first_ns, last_ns;
	struct codec_state state;
	struct dict_encoder dict;
	struct places places;
	const struct place_set *here; /* of the sample's process */
	struct chain chain;
	struct switches switches;
	uint8_t sized[CHAIN_BYTES_MAX]; /* a record whose length stands before it */
	struct word_pool pool;
	struct codec_thread *threads;
	uint32_t n_threads, last_thread;
	uint16_t thread_slots[THREAD_SLOTS]; /* index + 1 */
	struct codec_object objects[CODEC_OBJECTS_MAX];
	uint32_t n_objects;
	struct object_slot object_slots[OBJECT_SLOTS];
};

static size_t threads_size(void)
{
	return CODEC_THREADS_MAX * sizeof(struct codec_thread);
}

struct record_encoder *record_encoder_new(enum machine machine, struct err *err)
{
	struct record_encoder *e = calloc(1, sizeof(*e));
	bool ok;

	if (!e)
		goto fail;
	e->machine = machine;
	e->threads = pages_reserve(threads_size());
	e->bytes = malloc(CHUNK_RAW_MAX);
	ok = dict_encoder_init(&e->dict);
	ok = word_pool_init(&e->pool) && ok && e->threads && e->bytes;
	if (!ok)
		goto fail;
	record_encoder_begin(e);
	return e;
fail:
	record_encoder_free(e);
	err_set(err, -ENOMEM, "no memory to encode records");
	return NULL;
}

void record_encoder_free(struct record_encoder *e)
{
	if (!e)
		return;
	pages_free(e->threads, threads_size());
	dict_encoder_done(&e->dict);
	word_pool_done(&e->pool);
	free(e->bytes);
	free(e);
}

void record_encoder_begin(struct record_encoder *e)
{
	e->bytes[0] = (uint8_t)e->machine; /* every chunk says whose registers it holds */
	e->n = 1;
	e->n_records = e->n_events = 0;
	e->first_ns = e->last_ns = 0;
	memset(&e->state, 0, sizeof(e->state));
	dict_encoder_begin(&e->dict);
	places_begin(&e->places);
	word_pool_reset(&e->pool);
	e->chain.n = 0;
	memset(&e->switches, 0, sizeof(e->switches));
	e->n_threads = e->last_thread = e->n_objects = 0;
	memset(e->thread_slots, 0, sizeof(e->thread_slots));
	memset(e->object_slots, 0, sizeof(e->object_slots));
}

static bool encoder_has_room(const struct record_encoder *e, size_t more)
{
	return more <= CHUNK_RAW_MAX - CODEC_COUNTERS_BYTES_MAX - e->n;
}

static void encoder_took(struct record_encoder *e, const uint8_t *end, uint64_t time_ns)
{
	e->n = (size_t)(end - e->bytes);
	e->n_records++;
	e->first_ns = e->n_events ? MIN(e->first_ns, time_ns) : time_ns;
	e->last_ns = e->n_events ? MAX(e->last_ns, time_ns) : time_ns;
	e->n_events++;
}

/* ---- samples ---- */

/*
 * Its index in this chunk, n_threads when it is new; CODEC_THREADS_MAX when there is no room for
 * a new one.
 */
static uint32_t thread_find(const struct record_encoder *e, uint32_t pid, uint32_t tid,
			    uint32_t *ret_slot)
{
	uint32_t slot = (uint32_t)hash_u64((uint64_t)pid << 32 | tid) % THREAD_SLOTS;

	for (; e->thread_slots[slot]; slot = (slot + 1) % THREAD_SLOTS) {
		const struct codec_thread *t = &e->threads[e->thread_slots[slot] - 1];

		if (t->tid == tid && t->pid == pid)
			return e->thread_slots[slot] - 1u;
	}
	*ret_slot = slot;
	return e->n_threads;
}

static void thread_begin(struct codec_thread *t, uint32_t pid, uint32_t tid)
{
	/* all but the kernel chain's room, which n_kchain rules */
	memset(t, 0, offsetof(struct codec_thread, kchain));
	t->pid = pid;
	t->tid = tid;
}

/*
 * Kernel frames the caller's side has in common with the thread's last: both end at the
 * outermost.
 */
static uint8_t *put_kchain(struct record_encoder *e, struct codec_thread *t,
			   const struct event_sample *s, uint8_t *at)
{
	uint32_t n = s->n_kchain, same = 0;

	while (same < n && same < t->n_kchain && t->kchain[same] == s->kchain[n - 1 - same])
		same++;
	at = put_varint(at, same);
	at = put_varint(at, n - same);
	for (uint32_t i = same; i < n; i++) {
		t->kchain[i] = s->kchain[n - 1 - i];
		at = dict_put(&e->dict, e->here, at, t->kchain[i]);
	}
	t->n_kchain = n;
	return at;
}

/* A register: even numbers are differences to the stack pointer, odd ones code addresses. */
static uint8_t *put_reg(struct record_encoder *e, uint64_t sp, uint64_t value, uint8_t *at)
{
	uint64_t away = value - sp;

	if (away + STACK_BYTES_MAX * 16 < STACK_BYTES_MAX * 32)
		return put_varint(at, zigzag(away) << 1);
	*at++ = 1;
	return dict_put(&e->dict, e->here, at, value);
}

static uint8_t *put_regs(struct record_encoder *e, struct codec_thread *t, const struct regs *regs,
			 uint8_t *at)
{
	unsigned int sp = machine_sp(e->machine), pc = machine_pc(e->machine);
	uint64_t mask = regs->mask & ((UINT64_C(1) << REGS_MAX) - 1), sp_value = regs->value[sp];

	at = put_varint(at, mask ^ t->mask);
	t->mask = mask;
	if (!(mask >> sp & 1))
		sp_value = t->sp;
	else
		at = put_varint(at, zigzag(sp_value - t->sp));
	t->sp = sp_value;
	if (mask >> pc & 1)
		at = dict_put(&e->dict, e->here, at, regs->value[pc]);
	mask &= ~(UINT64_C(1) << sp | UINT64_C(1) << pc);
	for (; mask; mask &= mask - 1)
		at = put_reg(e, sp_value, regs->value[__builtin_ctzll(mask)], at);
	return at;
}

static uint8_t *put_stack(struct record_encoder *e, struct codec_thread *t,
			  const struct event_sample *s, uint8_t *at)
{
	uint64_t hi = t->sp + s->stack_bytes;

	if (s->stack_cut) { /* as much as was asked for: constant */
		at = put_varint(at, zigzag(s->stack_bytes - t->cut_bytes));
		t->cut_bytes = s->stack_bytes;
	} else { /* the stack's upper end: constant */
		at = put_varint(at, zigzag(hi - t->hi));
	}
	t->hi = hi;
	return stack_put(&e->dict, e->here, &t->list, hi, s->words, s->n_words, at);
}

static bool sample_has_own_ip(enum machine machine, const struct event_sample *s)
{
	if (s->in_kernel && s->n_kchain)
		return s->ip != s->kchain[0];
	if (s->user && s->regs.mask >> machine_pc(machine) & 1)
		return s->ip != s->regs.value[machine_pc(machine)];
	return s->ip != 0;
}

static unsigned int sample_flags_of(const struct record_encoder *e, const struct event *event,
				    unsigned int *ret_rare)
{
	const struct event_sample *s = &event->sample;
	unsigned int flags = 0, rare = 0;

	flags |= s->user ? SAMPLE_USER : 0;
	flags |= s->in_kernel ? SAMPLE_IN_KERNEL : 0;
	flags |= s->n_kchain ? SAMPLE_KCHAIN : 0;
	flags |= s->user && s->stack_bytes ? SAMPLE_STACK : 0;
	flags |= s->source != e->state.source || event->cpu != e->state.cpu ? SAMPLE_PLACE : 0;
	flags |= s->period != e->state.period[s->source] ? SAMPLE_PERIOD : 0;
	flags |= sample_has_own_ip(e->machine, s) ? SAMPLE_IP : 0;
	rare |= s->stack_cut ? SAMPLE_STACK_CUT : 0;
	rare |= s->stack_dropped ? SAMPLE_STACK_DROPPED : 0;
	rare |= s->compat ? SAMPLE_COMPAT : 0;
	*ret_rare = rare;
	return flags | (rare ? SAMPLE_RARE : 0);
}

static uint8_t *put_sample_head(struct record_encoder *e, const struct event *event,
				unsigned int flags, unsigned int rare, uint32_t thread, uint8_t *at)
{
	const struct event_sample *s = &event->sample;
	struct codec_state *st = &e->state;
	struct codec_cpu *cpu = codec_cpu(st, event->cpu);

	*at++ = RECORD_SAMPLE;
	*at++ = (uint8_t)flags;
	if (rare)
		*at++ = (uint8_t)rare;
	if (flags & SAMPLE_PLACE) {
		*at++ = s->source;
		at = put_varint(at, event->cpu);
		st->source = s->source;
		st->cpu = event->cpu;
	}
	at = put_varint(at, thread);
	if (thread == e->n_threads) {
		at = put_varint(at, zigzag((uint64_t)event->pid - cpu->pid));
		at = put_varint(at, zigzag((uint64_t)event->tid - event->pid));
	}
	if (flags & SAMPLE_PERIOD) {
		at = put_varint(at, s->period);
		st->period[s->source] = s->period;
	}
	at = put_varint(at, zigzag(event->time_ns - codec_expected_ns(st, event->cpu, s->period)));
	st->time_ns = cpu->sample_ns = event->time_ns;
	cpu->pid = event->pid;
	return at;
}

/* There is room. */
static void put_uchain(struct record_encoder *e, const struct event_sample *s)
{
	size_t n = (size_t)(chain_put(&e->chain, s->uchain, s->n_uchain, e->sized) - e->sized);
	uint8_t *at = e->bytes + e->n;

	*at++ = RECORD_CHAIN;
	at = put_varint(at, n);
	e->n = (size_t)(put_bytes(at, e->sized, n) - e->bytes);
	e->n_records++;
}

static int put_sample(struct record_encoder *e, const struct event *event)
{
	const struct event_sample *s = &event->sample;
	uint32_t thread, slot = 0, n_words = s->user && s->stack_bytes ? s->n_words : 0;
	size_t most = SAMPLE_BYTES_FIXED + (KCHAIN_MAX + REGS_MAX + 1u) * (1 + DICT_PUT_BYTES_MAX) +
		      (size_t)n_words * (STACK_WORD_BYTES_MAX + 1) +
		      (s->n_uchain ? 1 + VARINT_BYTES_MAX + CHAIN_BYTES_MAX : 0);
	unsigned int flags, rare;
	struct codec_thread *t;
	uint8_t *at;

	assert(s->source < SOURCE_MAX && s->n_kchain <= KCHAIN_MAX && s->n_uchain <= UCHAIN_MAX &&
	       n_words <= STACK_WORDS_MAX && !s->stack);
	thread = thread_find(e, event->pid, event->tid, &slot);
	if (thread == CODEC_THREADS_MAX || !encoder_has_room(e, most) ||
	    e->state.n_words + n_words > CODEC_WORDS_MAX)
		return -ENOSPC;
	t = &e->threads[thread];
	if (thread == e->n_threads)
		thread_begin(t, event->pid, event->tid);
	if (!word_list_reserve(&e->pool, &t->list, n_words))
		return -ENOSPC;
	if (s->n_uchain)
		put_uchain(e, s);
	e->here = places_of(&e->places, event->pid);
	flags = sample_flags_of(e, event, &rare);
	at = put_sample_head(e, event, flags, rare, thread, e->bytes + e->n);
	if (thread == e->n_threads)
		e->thread_slots[slot] = (uint16_t)++e->n_threads;
	if (flags & SAMPLE_KCHAIN)
		at = put_kchain(e, t, s, at);
	if (flags & SAMPLE_USER)
		at = put_regs(e, t, &s->regs, at);
	if (flags & SAMPLE_IP)
		at = dict_put(&e->dict, e->here, at, s->ip);
	if (flags & SAMPLE_STACK)
		at = put_stack(e, t, s, at);
	e->state.n_words += n_words;
	encoder_took(e, at, event->time_ns);
	return 0;
}

/* ---- the other events: type, cpu, time, pid, tid, and what is theirs ---- */

static uint8_t *event_begin(struct record_encoder *e, enum record_type type,
			    const struct event *event, uint32_t pid, uint32_t tid)
{
	struct codec_cpu *cpu = codec_cpu(&e->state, event->cpu);
	uint8_t *at = e->bytes + e->n;

	*at++ = (uint8_t)type;
	at = put_varint(at, event->cpu);
	at = put_varint(at, zigzag(event->time_ns - e->state.time_ns));
	at = put_varint(at, zigzag((uint64_t)pid - cpu->pid));
	at = put_varint(at, zigzag((uint64_t)tid - pid));
	e->state.time_ns = event->time_ns;
	cpu->pid = pid;
	return at;
}

static int event_end(struct record_encoder *e, const uint8_t *end, const struct event *event)
{
	places_follow(&e->places, event);
	encoder_took(e, end, event->time_ns);
	return 0;
}

/* Everything that tells one file from another; the decoder reads the same bytes. */
static uint8_t *put_object_key(const struct event_mmap *m, size_t path_n, uint8_t *at)
{
	*at++ = m->build_id.n;
	at = put_bytes(at, m->build_id.bytes, m->build_id.n);
	at = put_varint(at, m->maj);
	at = put_varint(at, m->min);
	at = put_varint(at, m->ino);
	at = put_varint(at, path_n);
	return put_bytes(at, m->path, path_n);
}

static uint32_t key_hash(const uint8_t *key, size_t n)
{
	uint64_t h = n;

	for (; n >= 8; key += 8, n -= 8)
		h = hash_u64(h ^ load_le64(key));
	for (; n; key++, n--)
		h = (h ^ *key) * 0x100000001b3u;
	return (uint32_t)hash_u64(h);
}

/* Number of the object with this key; n_objects when it is new, and then *ret_slot is its place. */
static uint32_t object_find(struct record_encoder *e, const uint8_t *key, size_t n,
			    struct object_slot **ret_slot)
{
	uint32_t i = key_hash(key, n) % OBJECT_SLOTS;

	for (; e->object_slots[i].number; i = (i + 1) % OBJECT_SLOTS) {
		const struct object_slot *o = &e->object_slots[i];

		if (o->key_n == n && !memcmp(e->bytes + o->key_off, key, n))
			return o->number - 1;
	}
	*ret_slot = &e->object_slots[i];
	return e->n_objects;
}

static unsigned int mmap_shift(const struct event_mmap *m)
{
	return (m->start | m->size | m->pgoff) % CODEC_PAGE ? 0 : 12;
}

static int put_mmap(struct record_encoder *e, const struct event *event)
{
	const struct event_mmap *m = &event->mmap;
	size_t path_n = m->path ? strnlen(m->path, PATH_MAX_BYTES - 1) : 0, key_n;
	uint8_t key[OBJECT_KEY_BYTES_MAX], *at;
	unsigned int shift = mmap_shift(m), flags = shift ? MMAP_PAGES : 0;
	struct codec_cpu *cpu = codec_cpu(&e->state, event->cpu);
	struct object_slot *slot = NULL;
	struct codec_object *o;
	uint32_t number;

	assert(m->build_id.n <= BUILD_ID_MAX);
	key_n = (size_t)(put_object_key(m, path_n, key) - key);
	number = object_find(e, key, key_n, &slot);
	if (number == CODEC_OBJECTS_MAX ||
	    !encoder_has_room(e, RECORD_BYTES_FIXED + OBJECT_KEY_BYTES_MAX))
		return -ENOSPC;
	o = &e->objects[number];
	if (!slot && o->size == m->size && o->pgoff == m->pgoff)
		flags |= MMAP_SAME;
	at = event_begin(e, RECORD_MMAP, event, event->pid, event->tid);
	at = put_varint(at, number);
	if (slot) {
		e->n_objects++;
		*slot = (struct object_slot){ .number = e->n_objects,
					      .key_off = (uint32_t)(at - e->bytes),
					      .key_n = (uint32_t)key_n };
		at = put_bytes(at, key, key_n);
	}
	*at++ = (uint8_t)flags;
	at = put_varint(at, zigzag((m->start >> shift) - (cpu->map_start >> shift)));
	if (!(flags & MMAP_SAME)) {
		at = put_varint(at, m->size >> shift);
		at = put_varint(at, m->pgoff >> shift);
	}
	*o = (struct codec_object){ .size = m->size, .pgoff = m->pgoff };
	cpu->map_start = m->start;
	return event_end(e, at, event);
}

static uint8_t *put_text(const char *text, size_t max, uint8_t *at)
{
	size_t n = strnlen(text, max - 1);

	*at++ = (uint8_t)n;
	return put_bytes(at, text, n);
}

static int put_comm(struct record_encoder *e, const struct event *event)
{
	uint8_t *at = event_begin(e, RECORD_COMM, event, event->pid, event->tid);

	*at++ = event->comm.exec;
	return event_end(e, put_text(event->comm.comm, COMM_MAX, at), event);
}

/* Who called comes first: what ran on this CPU. The new task mostly follows the last new one. */
static int put_fork(struct record_encoder *e, const struct event *event)
{
	uint8_t *at = event_begin(e, RECORD_FORK, event, event->fork.ppid, event->fork.ptid);

	at = put_varint(at, zigzag((uint64_t)event->tid - e->state.child));
	at = put_varint(at, zigzag((uint64_t)event->tid - event->pid));
	e->state.child = event->tid;
	return event_end(e, at, event);
}

static int put_bare(struct record_encoder *e, enum record_type type, const struct event *event)
{
	return event_end(e, event_begin(e, type, event, event->pid, event->tid), event);
}

static int put_lost(struct record_encoder *e, const struct event *event)
{
	uint8_t *at = event_begin(e, RECORD_LOST, event, event->pid, event->tid);

	*at++ = event->lost.source;
	return event_end(e, put_varint(at, event->lost.n), event);
}

static int put_throttle(struct record_encoder *e, const struct event *event)
{
	uint8_t *at = event_begin(e, RECORD_THROTTLE, event, event->pid, event->tid);

	*at++ = event->throttle.on;
	*at++ = event->throttle.source;
	return event_end(e, at, event);
}

static int put_switch(struct record_encoder *e, const struct event *event)
{
	size_t n = (size_t)(switch_put(&e->switches, event, e->sized) - e->sized);
	uint8_t *at = e->bytes + e->n;

	*at++ = RECORD_SWITCH;
	at = put_varint(at, n);
	encoder_took(e, put_bytes(at, e->sized, n), event->time_ns);
	return 0;
}

static int put_governed(struct record_encoder *e, const struct event *event)
{
	size_t n = (size_t)(governed_put(event, e->sized) - e->sized);
	uint8_t *at = e->bytes + e->n;

	*at++ = RECORD_GOVERNED;
	at = put_varint(at, n);
	encoder_took(e, put_bytes(at, e->sized, n), event->time_ns);
	return 0;
}

int record_encoder_put(struct record_encoder *e, const struct event *event)
{
	if (event->type == EVENT_SAMPLE)
		return put_sample(e, event);
	if (event->type == EVENT_MMAP)
		return put_mmap(e, event);
	if (!encoder_has_room(e, RECORD_BYTES_FIXED + COMM_MAX))
		return -ENOSPC;
	switch (event->type) {
	case EVENT_COMM:
		return put_comm(e, event);
	case EVENT_FORK:
		return put_fork(e, event);
	case EVENT_EXIT:
		return put_bare(e, RECORD_EXIT, event);
	case EVENT_SPACE:
		return put_bare(e, RECORD_SPACE, event);
	case EVENT_LOST:
		return put_lost(e, event);
	case EVENT_THROTTLE:
		return put_throttle(e, event);
	case EVENT_SWITCH:
		return put_switch(e, event);
	case EVENT_GOVERNED:
		return put_governed(e, event);
	default:
		return 0; /* EVENT_GAP is the reader's */
	}
}

/* ---- facts: records without a time ---- */

static void fact_took(struct record_encoder *e, const uint8_t *end)
{
	e->n = (size_t)(end - e->bytes);
	e->n_records++;
}

int record_encoder_put_source(struct record_encoder *e, uint8_t source,
			      const struct record_source *s)
{
	uint8_t *at = e->bytes + e->n;

	assert(source < SOURCE_MAX);
	if (!encoder_has_room(e, RECORD_BYTES_FIXED + sizeof(*s)))
		return -ENOSPC;
	*at++ = RECORD_SOURCE_DEF;
	*at++ = source;
	at = put_text(s->name, sizeof(s->name), at);
	at = put_text(s->unit, sizeof(s->unit), at);
	at = put_varint(at, s->frequency_hz);
	fact_took(e, put_varint(at, s->period));
	return 0;
}

int record_encoder_put_unsampled(struct record_encoder *e, const struct unsampled *u)
{
	size_t n = (size_t)(unsampled_put(u, e->sized) - e->sized);
	uint8_t *at = e->bytes + e->n;

	if (!encoder_has_room(e, RECORD_BYTES_FIXED + UNSAMPLED_BYTES_MAX))
		return -ENOSPC;
	*at++ = RECORD_UNSAMPLED_PROGRAM;
	at = put_varint(at, n);
	fact_took(e, put_bytes(at, e->sized, n));
	return 0;
}

void record_encoder_put_counters(struct record_encoder *e, const struct record_counters *c)
{
	uint8_t *at = e->bytes + e->n;

	*at++ = RECORD_COUNTER_VALUES;
	*at++ = COUNTERS;
	for (unsigned int i = 0; i < COUNTERS; i++)
		at = put_varint(at, c->n[i]);
	fact_took(e, at);
}

const uint8_t *record_encoder_bytes(const struct record_encoder *e, size_t *ret_n)
{
	*ret_n = e->n;
	return e->bytes;
}

uint32_t record_encoder_n(const struct record_encoder *e)
{
	return e->n_records;
}

void record_encoder_times(const struct record_encoder *e, uint64_t *ret_first_ns,
			  uint64_t *ret_last_ns)
{
	*ret_first_ns = e->first_ns;
	*ret_last_ns = e->last_ns;
}
