#include "common/format/stack.h"

#include <string.h>

#include "common/base/pages.h"

/* Low bits of a word's first byte; the high ones are the distance to the word above it. */
enum word_class {
	WORD_CODE,	   /* number of the dictionary */
	WORD_STACK,	   /* difference to its own address, in words */
	WORD_STACK_BYTES,  /* the same in bytes */
	WORD_NUMBER,	   /* as it is (stacks that are not scrubbed) */
};

enum {
	GAP_MAX = 63,		/* in the first byte; 0: a varint follows */
	KEEP_MIN = 4,		/* shorter equal runs below the first change are written again: the repetition compresses better */
	NEAR_BYTES = 16 << 20,	/* reach of stack pointers */
	NUMBER_MAX = 4096,	/* below: surely no address */
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

static uint8_t *put_word(struct dict_encoder *dict, uint64_t above, const struct stack_word *w, uint8_t *at)
{
	uint64_t gap = (above - w->addr) / 8, away = w->value - w->addr;
	uint8_t *first = at++;
	enum word_class class;

	if (gap > GAP_MAX) {
		at = put_varint(at, gap);
		gap = 0;
	}
	if (away + NEAR_BYTES < 2 * NEAR_BYTES) {
		class = away & 7 ? WORD_STACK_BYTES : WORD_STACK;
		at = put_varint(at, zigzag(away & 7 ? away : (uint64_t)((int64_t)away / 8)));
	} else if (w->value < NUMBER_MAX) {
		class = WORD_NUMBER;
		at = put_varint(at, w->value);
	} else {
		class = WORD_CODE;
		at = dict_put(dict, at, w->value);
	}
	*first = (uint8_t)(gap << 2 | class);
	return at;
}

/*
 * Words of `words` from i on that have no equal in the old list before a run of KEEP_MIN equal ones.
 * Sets *j to where the old list goes on there.
 */
static uint32_t changed_run(const struct word_list *list, uint32_t *j, const struct stack_word *words,
			    uint32_t n_words, uint32_t i)
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

/* One step: keep, drop (not in the last step: the rest goes), insert. */
static uint8_t *put_step(struct dict_encoder *dict, struct word_list *list, uint64_t above,
			 const struct stack_word *words, uint32_t n_words, uint32_t *i, uint32_t *j, bool *ret_last,
			 uint8_t *at)
{
	uint32_t keep = 0, next, drop = *j;

	while (*i + keep < n_words && *j + keep < list->n && same_word(&words[*i + keep], &list->word[*j + keep]))
		keep++;
	*i += keep;
	*j += keep;
	drop = *j;
	next = changed_run(list, j, words, n_words, *i);
	*ret_last = next == n_words;
	at = put_varint(at, (uint64_t)keep << 1 | *ret_last);
	if (!*ret_last)
		at = put_varint(at, *j - drop);
	at = put_varint(at, next - *i);
	for (; *i < next; ++*i)
		at = put_word(dict, *i ? words[*i - 1].addr : above, &words[*i], at);
	return at;
}

uint8_t *stack_put(struct dict_encoder *dict, struct word_list *list, uint64_t hi,
		   const struct stack_word *words, uint32_t n_words, uint8_t *at)
{
	uint32_t i = 0, j = 0, n_same = 0;
	bool last = false;

	while (n_same < n_words && n_same < list->n && same_word(&words[n_same], &list->word[n_same]))
		n_same++;
	while (!last)
		at = put_step(dict, list, hi & ~UINT64_C(7), words, n_words, &i, &j, &last, at);
	if (n_words > n_same)
		memcpy(list->word + n_same, words + n_same, (n_words - n_same) * sizeof(*words));
	list->n = n_words;
	return at;
}

/* ---- decoder ---- */

static bool get_word(struct dict_decoder *dict, uint64_t above, uint64_t lo, struct cursor *c, struct stack_word *ret)
{
	uint8_t first = get_u8(c);
	uint64_t gap = first >> 2, room = above - lo;

	if (gap == 0)
		gap = get_varint_max(c, STACK_WORDS_MAX);
	if (gap == 0 || gap * 8 > room) {
		cursor_fail(c);
		return false;
	}
	ret->addr = above - gap * 8;
	switch (first & 3) {
	case WORD_CODE:
		ret->value = dict_get(dict, c);
		break;
	case WORD_STACK:
		ret->value = ret->addr + get_signed(c) * 8;
		break;
	case WORD_STACK_BYTES:
		ret->value = ret->addr + get_signed(c);
		break;
	default:
		ret->value = get_varint(c);
		break;
	}
	return !c->bad;
}

bool stack_get(struct dict_decoder *dict, struct word_pool *pool, struct word_list *list, uint64_t lo,
	       uint64_t hi, struct stack_word *old, struct cursor *c, struct stack_change *ret)
{
	uint64_t above = hi & ~UINT64_C(7), limit = (above - lo) / 8;
	uint32_t n_same = 0, n_old = 0, o = 0, n = 0;
	bool last, first = true;

	do {
		uint64_t head = get_varint(c), keep = head >> 1, drop, insert;

		last = head & 1;
		drop = last ? 0 : get_varint(c);
		if (first) {
			if (c->bad || keep > list->n)
				return false;
			n = n_same = (uint32_t)keep;
			n_old = list->n - n;
			memcpy(old, list->word + n, n_old * sizeof(*old));
			list->n = n;
			first = false;
			keep = 0;
		}
		insert = get_varint(c);
		if (c->bad || keep > n_old - o || drop > n_old - o - keep || insert > cursor_left(c) / 2 ||
		    n + keep + insert > limit ||
		    !word_list_reserve(pool, list, n + (uint32_t)keep + (uint32_t)insert))
			return false;
		for (; keep; keep--, o++) {
			if (n && old[o].addr >= list->word[n - 1].addr)
				return false;
			list->word[n++] = old[o];
		}
		o += (uint32_t)drop;
		for (; insert; insert--, n++)
			if (!get_word(dict, n ? list->word[n - 1].addr : above, lo, c, &list->word[n]))
				return false;
		list->n = n;
	} while (!last);
	/* kept words must lie in the stack of now */
	if (n && (list->word[0].addr >= above || list->word[n - 1].addr < lo))
		return false;
	*ret = (struct stack_change){ .n_same = n_same, .old = old, .n_old = n_old };
	return !c->bad;
}
