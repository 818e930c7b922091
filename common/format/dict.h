/*
 * The code addresses of one chunk, numbered as they appear. A stack repeats few addresses: their
 * numbers take one or two bytes and repeat as bytes, which is what the compressor looks for.
 * ddprof.data(5), "Code addresses". Private to the room.
 */
#ifndef COMMON_FORMAT_DICT_H
#define COMMON_FORMAT_DICT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/format/places.h"
#include "common/format/wire.h"

enum {
	DICT_MAX =
		1
		<< 16,	/* addresses of one chunk that get a number; further ones are written out */
	DICT_BASES = 4, /* last new addresses in different regions */
	DICT_PUT_BYTES_MAX = 2 * VARINT_BYTES_MAX,
};

/*
 * How a new address is written: its base, then the difference to it.
 *	0..3	one of the last new addresses in other regions, signed
 *	4..19	a place of its process, an offset
 */
struct dict_bases {
	uint64_t base[DICT_BASES]; /* most recently used first */
};

struct dict_encoder {
	uint64_t *value; /* [DICT_MAX] */
	uint32_t *slots; /* number + 1 by hash; 2 * DICT_MAX reserved, mask + 1 in use */
	uint32_t n, mask;
	struct dict_bases bases;
};

bool dict_encoder_init(struct dict_encoder *d);
void dict_encoder_done(struct dict_encoder *d);
void dict_encoder_begin(struct dict_encoder *d);
/* At most DICT_PUT_BYTES_MAX bytes. */
uint8_t *dict_put(struct dict_encoder *d, const struct place_set *here, uint8_t *at,
		  uint64_t value);

struct dict_decoder {
	uint64_t *value; /* [DICT_MAX] */
	uint32_t n;
	struct dict_bases bases;
};

void dict_decoder_init(struct dict_decoder *d);
void dict_decoder_done(struct dict_decoder *d);
void dict_decoder_begin(struct dict_decoder *d);
uint64_t dict_get_new(struct dict_decoder *d, const struct place_set *here, struct cursor *c);

static inline uint64_t dict_get(struct dict_decoder *d, const struct place_set *here,
				struct cursor *c)
{
	uint64_t number = get_varint(c);

	if (number == 0)
		return dict_get_new(d, here, c);
	return number <= d->n ? d->value[number - 1] : cursor_fail(c);
}

#endif
