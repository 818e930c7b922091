#include "common/format/stack.h"

#include <string.h>

#include "common/base/bits.h"
#include "common/base/pages.h"

/* Low bits of a word's first byte; the high ones are the distance to the word above it. */
enum word_class {
	WORD_CODE,	/* code address; also everything else that is no stack pointer */
	WORD_OWN,	/* stack pointer: difference to its own address, in words */
	WORD_OWN_BYTES, /* the same in bytes */
	WORD_LAST,	/* stack pointer: difference to the last one written, in bytes */
};

enum {
	GAP_MAX = 63, /* in the first byte; 0: a varint follows */
	/*
	 * shorter equal runs below the first change are written again: the repetition compresses
	 * better
	 */
	KEEP_MIN = 4,
	NEAR_BYTES = 16 << 20, /* reach of stack pointers */
	/* words: up to here WORD_OWN takes one byte, and repeats where frames repeat */
	OWN_IS_SHORT = 64,
};

static size_t pool_size(void)
{
	return 2 * STACK_LISTS_WORDS * sizeof(struct stack_word);
}

bool word_pool_init(struct word_pool *p)
{
	*p = (struct word_pool){ .base = pages_reserve(pool_size()) };
	return p->base != NULL;
}

void word_pool_done(struct word_pool *p)
{
	pages_free(p->base, pool_size());
	p->base = NULL;
}

void word_pool_reset(struct word_pool *p)
{
	p->n = p->n_live = 0;
	memset(p->free, 0, sizeof(p->free));
}

static unsigned int list_class(uint32_t n)
{
	return n <= STACK_LIST_MIN ? 6 : 32 - (unsigned int)__builtin_clz(n - 1);
}

/*
 * Lists grow by powers of two and are freed by growing only, so all freed arrays together are
 * smaller than the live ones: 2 * STACK_LISTS_WORDS cannot run out before the live limit is met.
 */
bool word_list_reserve(struct word_pool *p, struct word_list *list, uint32_t n)
{
	unsigned int class = list_class(n);
	struct stack_word *word;
	uint32_t cap = 1u << class;

	if (n <= list->cap)
		return true;
	if (p->n_live - list->cap + cap > STACK_LISTS_WORDS)
		return false;
	word = p->free[class];
	if (word) {
		memcpy(&p->free[class], (void *)word, sizeof(void *));
	} else {
		word = p->base + p->n;
		p->n += cap;
	}
	if (list->n)
		memcpy(word, list->word, list->n * sizeof(*word));
	if (list->cap) {
		unsigned int old = list_class(list->cap);

		memcpy((void *)list->word, &p->free[old], sizeof(void *));
		p->free[old] = list->word;
	}
	p->n_live += cap - list->cap;
	list->word = word;
	list->cap = cap;
	return true;
}

/* ---- encoder ---- */

static bool same_word(const struct stack_word *a, const struct stack_word *b)
{
	return a->addr == b->addr && a->value == b->value;
}

/* What both directions know while the words of one sample are written. */
struct word_writer {
	struct dict_encoder *dict;
	const struct place_set *here;
	uint64_t last; /* stack pointer written */
	uint8_t *at;
};

/*
 * argv and envp are rows of pointers to neighbouring strings: each is near the last, none near
 * itself.
 */
static enum word_class put_stack_pointer(struct word_writer *w, uint64_t value, uint64_t away)
{
	uint64_t own = zigzag(away & 7 ? away : (uint64_t)((int64_t)away / 8)),
		 last = zigzag(value - w->last);
	bool is_short = !(away & 7) && own < 2 * OWN_IS_SHORT;

	w->last = value;
	if (!is_short && last < own) {
		w->at = put_varint(w->at, last);
		return WORD_LAST;
	}
	w->at = put_varint(w->at, own);
	return away & 7 ? WORD_OWN_BYTES : WORD_OWN;
}

static void put_word(struct word_writer *w, uint64_t above, const struct stack_word *word)
{
	uint64_t gap = (above - word->addr) / 8, away = word->value - word->addr;
	uint8_t *first = w->at++;
	enum word_class class = WORD_CODE;

	if (gap > GAP_MAX) {
		w->at = put_varint(w->at, gap);
		gap = 0;
	}
	if (away + NEAR_BYTES < 2 * NEAR_BYTES)
		class = put_stack_pointer(w, word->value, away);
	else
		w->at = dict_put(w->dict, w->here, w->at, word->value);
	*first = (uint8_t)(gap << 2 | class);
}

/*
 * Words of `words` from i on that have no equal in the old list before a run of KEEP_MIN equal
 * ones. Sets *j to where the old list goes on there.
 */
static uint32_t changed_run(const struct word_list *list, uint32_t *j,
			    const struct stack_word *words, uint32_t n_words, uint32_t i)
{
	const struct stack_word *old = list->word;
	uint32_t o = *j, same = 0;

	while (i < n_words && o < list->n) {
		if (old[o].addr > words[i].addr) {
			o++;
			same = 0;
		} else if (old[o].addr < words[i].addr) {
			i++;
			same = 0;
		} else {
			same = old[o].value == words[i].value ? same + 1 : 0;
			o++;
			i++;
			if (same == KEEP_MIN) {
				*j = o - same;
				return i - same;
			}
		}
	}
	*j = list->n;
	return n_words;
}

/* How far the encoder is in the new words and in the old list. */
struct diff {
	struct word_list *list;
	const struct stack_word *words;
	uint32_t n_words;
	uint32_t i, j;
};

/* One step: keep, drop (not in the last step: the rest goes), insert. True: it was the last. */
static bool put_step(struct word_writer *w, struct diff *d, uint64_t hi)
{
	const struct stack_word *words = d->words;
	uint32_t keep = 0, from, next;
	bool last;

	while (d->i + keep < d->n_words && d->j + keep < d->list->n &&
	       same_word(&words[d->i + keep], &d->list->word[d->j + keep]))
		keep++;
	d->i += keep;
	d->j += keep;
	from = d->j;
	next = changed_run(d->list, &d->j, words, d->n_words, d->i);
	last = next == d->n_words;
	w->at = put_varint(w->at, (uint64_t)keep << 1 | last);
	if (!last)
		w->at = put_varint(w->at, d->j - from);
	w->at = put_varint(w->at, next - d->i);
	for (; d->i < next; d->i++)
		put_word(w, d->i ? words[d->i - 1].addr : hi, &words[d->i]);
	return last;
}

uint8_t *stack_put(struct dict_encoder *dict, const struct place_set *here, struct word_list *list,
		   uint64_t hi, const struct stack_word *words, uint32_t n_words, uint8_t *at)
{
	struct word_writer w = { .dict = dict, .here = here, .last = hi, .at = at };
	struct diff d = { .list = list, .words = words, .n_words = n_words };
	uint32_t n_same = 0;

	while (n_same < n_words && n_same < list->n &&
	       same_word(&words[n_same], &list->word[n_same]))
		n_same++;
	while (!put_step(&w, &d, hi & ~UINT64_C(7)))
		;
	if (n_words > n_same)
		memcpy(list->word + n_same, words + n_same, (n_words - n_same) * sizeof(*words));
	list->n = n_words;
	return w.at;
}

/* ---- decoder ---- */

struct word_reader {
	struct dict_decoder *dict;
	const struct place_set *here;
	uint64_t lo, last;
	struct cursor *c;
};

static bool get_word(struct word_reader *r, uint64_t above, struct stack_word *ret)
{
	uint8_t first = get_u8(r->c);
	uint64_t gap = first >> 2;

	if (gap == 0)
		gap = get_varint_max(r->c, STACK_WORDS_MAX);
	if (gap == 0 || gap * 8 > above - r->lo)
		return false;
	ret->addr = above - gap * 8;
	switch ((enum word_class)(first & 3)) {
	case WORD_CODE:
		ret->value = dict_get(r->dict, r->here, r->c);
		return !r->c->bad;
	case WORD_OWN:
		ret->value = ret->addr + get_signed(r->c) * 8;
		break;
	case WORD_OWN_BYTES:
		ret->value = ret->addr + get_signed(r->c);
		break;
	case WORD_LAST:
		ret->value = r->last + get_signed(r->c);
		break;
	}
	r->last = ret->value;
	return !r->c->bad;
}

/*
 * The usual word: distance in the first byte, number of one or two bytes, address known. False
 * with nothing taken: get_word() looks closer. Half of the report's decoding is here, and what
 * comes next cannot be predicted, so the cases are computed side by side and chosen from.
 */
static inline bool get_usual_word(struct word_reader *r, uint64_t above, struct stack_word *ret)
{
	const uint8_t *at = r->c->at;
	unsigned int class, two;
	uint64_t gap_bytes, number, difference, value, addr;

	if (r->c->end - at < 3)
		return false;
	class = at[0] & 3;
	gap_bytes = (uint64_t)(at[0] >> 2) * 8;
	two = at[1] >> 7;
	number = (at[1] & 0x7fu) | (two ? (at[2] & 0x7fu) << 7 : 0);
	if ((two && at[2] & 0x80) || gap_bytes == 0 || gap_bytes > above - r->lo)
		return false;
	addr = above - gap_bytes;
	if (class == WORD_CODE) {
		if (number - 1 >= r->dict->n)
			return false;
		value = r->dict->value[number - 1];
	} else {
		difference = unzigzag(number);
		value = class == WORD_LAST ?
				r->last + difference :
				addr + (class == WORD_OWN ? difference * 8 : difference);
		r->last = value;
	}
	r->c->at = at + 2 + two;
	*ret = (struct stack_word){ .addr = addr, .value = value };
	return true;
}

static inline void slot_set(const struct stack_image *image, uint64_t addr, uint64_t value)
{
	image->slot[addr >> 3 & image->mask] = value;
}

/* Words [from, from + n) of the list. False: the bytes make no sense. */
static bool get_words(struct word_reader *r, struct word_list *list, uint64_t above, uint64_t n,
		      const struct stack_image *image)
{
	for (; n; n--) {
		struct stack_word *word = &list->word[list->n];

		if (!get_usual_word(r, above, word) && !get_word(r, above, word))
			return false;
		if (image)
			slot_set(image, word->addr, word->value);
		above = word->addr;
		list->n++;
	}
	return true;
}

/* A kept or dropped word of the old list lies below all that the new one has by now. */
static bool old_follows(const struct word_list *list, const struct stack_word *old)
{
	return !list->n || old->addr < list->word[list->n - 1].addr;
}

bool stack_get(struct dict_decoder *dict, const struct place_set *here, struct word_pool *pool,
	       struct word_list *list, uint64_t lo, uint64_t hi, struct stack_word *old,
	       struct cursor *c, const struct stack_image *image, struct stack_change *ret)
{
	struct word_reader r = { .dict = dict, .here = here, .lo = lo, .last = hi, .c = c };
	uint64_t above = MAX(hi & ~UINT64_C(7), lo), limit = (above - lo) / 8;
	uint32_t n_same = 0, n_old = 0, o = 0;
	bool last, first = true;

	do {
		uint64_t head = get_varint(c), keep = head >> 1, drop, insert;

		last = head & 1;
		drop = last ? 0 : get_varint(c);
		if (first) {
			if (c->bad || keep > list->n)
				return false;
			n_same = (uint32_t)keep;
			n_old = list->n - n_same;
			if (n_old) /* word is NULL in a list that was never filled */
				memcpy(old, list->word + n_same, n_old * sizeof(*old));
			list->n = n_same;
			first = false;
			keep = 0;
		}
		insert = get_varint(c);
		if (c->bad || keep > n_old - o || drop > n_old - o - keep ||
		    insert > cursor_left(c) / 2 || list->n + keep + insert > limit ||
		    !word_list_reserve(pool, list, list->n + (uint32_t)keep + (uint32_t)insert))
			return false;
		if (last)
			drop = n_old - o - keep;
		if (keep + drop && !old_follows(list, &old[o]))
			return false;
		if (keep)
			memcpy(list->word + list->n, old + o, keep * sizeof(*old));
		list->n += (uint32_t)keep;
		o += (uint32_t)keep;
		if (image)
			for (uint64_t i = 0; i < drop; i++)
				slot_set(image, old[o + i].addr, 0);
		o += (uint32_t)drop;
		if (!get_words(&r, list, list->n ? list->word[list->n - 1].addr : above, insert,
			       image))
			return false;
	} while (!last);
	/* kept words must lie in the stack of now */
	if (list->n && (list->word[0].addr >= above || list->word[list->n - 1].addr < lo))
		return false;
	*ret = (struct stack_change){ .n_same = n_same, .old = old, .n_old = n_old };
	return !c->bad;
}
