#include "common/format/dict.h"

#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/bits.h"

enum { SLOTS_MIN = 1 << 11 };

bool dict_encoder_init(struct dict_encoder *d)
{
	*d = (struct dict_encoder){ 0 };
	d->value = malloc(DICT_MAX * sizeof(*d->value));
	d->slots = malloc(2 * DICT_MAX * sizeof(*d->slots));
	return d->value && d->slots;
}

void dict_encoder_done(struct dict_encoder *d)
{
	free(d->value);
	free(d->slots);
}

static void slots_reset(struct dict_encoder *d, uint32_t n)
{
	d->mask = n - 1;
	memset(d->slots, 0, n * sizeof(*d->slots));
}

void dict_encoder_begin(struct dict_encoder *d)
{
	d->n = 0;
	d->bases = (struct dict_bases){ 0 };
	slots_reset(d, SLOTS_MIN);
}

static uint32_t dict_home(const struct dict_encoder *d, uint64_t value)
{
	return (uint32_t)(value * 0x9e3779b97f4a7c15u >> 40) & d->mask;
}

/* At most half full, so that a probe ends soon. */
static void dict_grow(struct dict_encoder *d)
{
	slots_reset(d, 4 * (d->mask + 1) > 2 * DICT_MAX ? 2 * DICT_MAX : 4 * (d->mask + 1));
	for (uint32_t number = 1; number <= d->n; number++) {
		uint32_t i = dict_home(d, d->value[number - 1]);

		while (d->slots[i])
			i = (i + 1) & d->mask;
		d->slots[i] = number;
	}
}

static void bases_use(struct dict_bases *b, unsigned int i, uint64_t value)
{
	for (; i; i--)
		b->base[i] = b->base[i - 1];
	b->base[0] = value;
}

static uint8_t *put_by_place(const struct place_set *here, uint8_t *at, uint64_t value)
{
	for (uint32_t i = 0; i < here->n; i++)
		if (value - here->place[i].start < here->place[i].size) {
			*at++ = 0;
			*at++ = (uint8_t)(DICT_BASES + i);
			return put_varint(at, value - here->place[i].start);
		}
	return NULL;
}

static uint8_t *put_by_base(struct dict_encoder *d, uint8_t *at, uint64_t value)
{
	unsigned int best = 0;
	uint64_t least = UINT64_MAX;

	for (unsigned int i = 0; i < DICT_BASES; i++) {
		uint64_t z = zigzag(value - d->bases.base[i]);

		if (z < least) {
			least = z;
			best = i;
		}
	}
	/* far from all: the oldest base makes room */
	bases_use(&d->bases, least >> 32 ? DICT_BASES - 1 : best, value);
	*at++ = 0;
	*at++ = (uint8_t)best;
	return put_varint(at, least);
}

uint8_t *dict_put(struct dict_encoder *d, const struct place_set *here, uint8_t *at, uint64_t value)
{
	uint32_t i = dict_home(d, value);
	uint8_t *end;

	for (; d->slots[i]; i = (i + 1) & d->mask)
		if (d->value[d->slots[i] - 1] == value)
			return put_varint(at, d->slots[i]);
	if (d->n < DICT_MAX) {
		d->value[d->n++] = value;
		d->slots[i] = d->n;
		if (2 * d->n > d->mask + 1)
			dict_grow(d);
	}
	end = put_by_place(here, at, value);
	return end ? end : put_by_base(d, at, value);
}

void dict_decoder_init(struct dict_decoder *d)
{
	*d = (struct dict_decoder){ .value = mem_alloc(DICT_MAX * sizeof(*d->value)) };
}

void dict_decoder_done(struct dict_decoder *d)
{
	free(d->value);
}

void dict_decoder_begin(struct dict_decoder *d)
{
	d->n = 0;
	d->bases = (struct dict_bases){ 0 };
}

static uint64_t get_by_base(struct dict_decoder *d, unsigned int base, struct cursor *c)
{
	uint64_t z = get_varint(c), value = d->bases.base[base] + unzigzag(z);

	bases_use(&d->bases, z >> 32 ? DICT_BASES - 1 : base, value);
	return value;
}

uint64_t dict_get_new(struct dict_decoder *d, const struct place_set *here, struct cursor *c)
{
	unsigned int base = get_u8(c);
	uint64_t value;

	if (base < DICT_BASES)
		value = get_by_base(d, base, c);
	else if (base - DICT_BASES < here->n)
		value = here->place[base - DICT_BASES].start + get_varint(c);
	else
		return cursor_fail(c);
	if (d->n < DICT_MAX)
		d->value[d->n++] = value;
	return value;
}
