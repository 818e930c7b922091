/* Samples: threads of the chunk, registers, kernel frames, stacks and their flat images. */
#include "common/format/decoder.h"

#include <string.h>

#include "common/base/bits.h"

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

void images_drop(struct record_decoder *d)
{
	for (uint32_t i = 0; i < IMAGES; i++)
		image_drop(d, &d->images[i]);
}

void images_forget(struct record_decoder *d)
{
	for (uint32_t i = 0; i < IMAGES; i++) {
		if (d->images[i].thread)
			d->threads[d->images[i].thread - 1].image = 0;
		memset(&d->images[i], 0, sizeof(d->images[i]));
	}
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

/* The frames that were told before the Sample. */
static void take_chain(struct record_decoder *d, struct event_sample *s)
{
	const struct chain *chain = &d->chain;

	d->chain_waits = false;
	for (uint32_t i = 0; i < chain->n; i++)
		d->uchain[i] = chain->pc[chain->n - 1 - i];
	s->n_uchain = (uint16_t)chain->n;
	s->uchain = d->uchain;
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

void get_sample(struct record_decoder *d, struct event *event)
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
	if (d->chain_waits)
		take_chain(d, s);
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
