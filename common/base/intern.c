/*
 * Ids are dense, in the order of first appearance; the table holds ids only (0: free, since the
 * empty string is never looked up there). Texts come from recordings: see map.c about the seed.
 */
#include "common/base/intern.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "common/base/bits.h"

enum { STRINGS_MIN = 64, SLOTS_MIN = 128 };

static uint64_t seed;

static void __attribute__((constructor)) seed_init(void)
{
	const void *bytes = (const void *)getauxval(AT_RANDOM);

	if (bytes)
		seed = load_le64((const char *)bytes + 8);
}

static uint32_t hash_text(const char *text, size_t n)
{
	uint64_t h = seed ^ n;

	for (; n >= 8; text += 8, n -= 8)
		h = hash_u64(h ^ load_le64(text));
	if (n) {
		uint64_t rest = 0;

		memcpy(&rest, text, n);
		h = hash_u64(h ^ rest);
	}
	return (uint32_t)(h ^ h >> 32);
}

void intern_init(struct intern *in)
{
	memset(in, 0, sizeof(*in));
	arena_init(&in->arena);
	in->cap = STRINGS_MIN;
	in->text = mem_alloc(in->cap * sizeof(*in->text));
	in->length = mem_alloc(in->cap * sizeof(*in->length));
	in->hash = mem_alloc(in->cap * sizeof(*in->hash));
	in->mask = SLOTS_MIN - 1;
	in->slots = mem_zalloc(SLOTS_MIN * sizeof(*in->slots));
	in->text[0] = "";
	in->length[0] = 0;
	in->hash[0] = 0;
	in->n = 1;
}

void intern_done(struct intern *in)
{
	if (!in)
		return;
	arena_done(&in->arena);
	free(in->text);
	free(in->length);
	free(in->hash);
	free(in->slots);
	memset(in, 0, sizeof(*in));
}

static void grow_strings(struct intern *in)
{
	size_t cap = in->cap;

	assert(in->cap <= UINT32_MAX / 2);
	cap *= 2;
	in->text = mem_realloc(in->text, cap * sizeof(*in->text));
	in->length = mem_realloc(in->length, cap * sizeof(*in->length));
	in->hash = mem_realloc(in->hash, cap * sizeof(*in->hash));
	in->cap = (uint32_t)cap;
}

static void grow_slots(struct intern *in)
{
	uint32_t mask = in->mask * 2 + 1;
	uint32_t *slots = mem_zalloc(((size_t)mask + 1) * sizeof(*slots));

	for (uint32_t id = 1; id < in->n; id++) {
		uint32_t i = in->hash[id] & mask;

		while (slots[i])
			i = (i + 1) & mask;
		slots[i] = id;
	}
	free(in->slots);
	in->slots = slots;
	in->mask = mask;
}

str_id intern_putn(struct intern *in, const char *text, size_t n)
{
	uint32_t hash, i, id;
	char *copy;

	if (!n)
		return (str_id){ 0 };
	assert(n < UINT32_MAX);
	hash = hash_text(text, n);
	for (i = hash & in->mask; (id = in->slots[i]); i = (i + 1) & in->mask)
		if (in->hash[id] == hash && in->length[id] == n && !memcmp(in->text[id], text, n))
			return (str_id){ id };

	if (in->n == in->cap)
		grow_strings(in);
	copy = arena_alloc(&in->arena, n + 1); /* not strndup: the text may hold zeros */
	memcpy(copy, text, n);
	copy[n] = 0;
	id = in->n++;
	in->text[id] = copy;
	in->length[id] = (uint32_t)n;
	in->hash[id] = hash;
	in->slots[i] = id;
	if (in->n > in->mask / 2)
		grow_slots(in);
	return (str_id){ id };
}

str_id intern_put(struct intern *in, const char *text)
{
	return intern_putn(in, text, strlen(text));
}

const char *intern_text(const struct intern *in, str_id id)
{
	assert(id.n < in->n);
	return in->text[id.n];
}
