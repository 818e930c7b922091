/*
 * Numbers of the format: LEB128 without sign, zigzag for signed differences, and a cursor that
 * never leaves its bytes. ddprof.data(5), "Conventions".
 */
#ifndef COMMON_FORMAT_WIRE_H
#define COMMON_FORMAT_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { VARINT_BYTES_MAX = 10 };

static inline uint64_t zigzag(uint64_t difference)
{
	return difference << 1 ^ (0 - (difference >> 63));
}

static inline uint64_t unzigzag(uint64_t v)
{
	return v >> 1 ^ (0 - (v & 1));
}

/*
 * Writers check room before a record is begun: these do not. They return where the next byte
 * goes.
 */
static inline uint8_t *put_varint(uint8_t *at, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		*at++ = (uint8_t)(v | 0x80);
	*at++ = (uint8_t)v;
	return at;
}

static inline uint8_t *put_bytes(uint8_t *at, const void *bytes, size_t n)
{
	if (n)
		memcpy(at, bytes, n);
	return at + n;
}

/* The first read past the end sets `bad`; from then on every read gives 0. */
struct cursor {
	const uint8_t *at, *end;
	bool bad;
};

static inline struct cursor cursor_of(const void *bytes, size_t n)
{
	/* nothing may be NULL, to which C adds nothing, not even 0 */
	return (struct cursor){ .at = bytes, .end = n ? (const uint8_t *)bytes + n : bytes };
}

static inline size_t cursor_left(const struct cursor *c)
{
	return (size_t)(c->end - c->at);
}

static inline uint64_t cursor_fail(struct cursor *c)
{
	c->bad = true;
	c->at = c->end;
	return 0;
}

static inline uint8_t get_u8(struct cursor *c)
{
	return c->at < c->end ? *c->at++ : (uint8_t)cursor_fail(c);
}

static inline uint64_t get_varint_long(struct cursor *c)
{
	uint64_t v = 0;

	for (unsigned int shift = 0; shift < 64; shift += 7) {
		uint64_t byte;

		if (c->at == c->end)
			return cursor_fail(c);
		byte = *c->at++;
		if (shift == 63 && byte > 1)
			return cursor_fail(c); /* more than 64 bits */
		v |= (byte & 0x7f) << shift;
		if (byte < 0x80)
			return v;
	}
	return cursor_fail(c);
}

static inline uint64_t get_varint(struct cursor *c)
{
	if (c->at < c->end && *c->at < 0x80)
		return *c->at++;
	return get_varint_long(c);
}

/* A number that may not pass `max`. */
static inline uint64_t get_varint_max(struct cursor *c, uint64_t max)
{
	uint64_t v = get_varint(c);

	return v <= max ? v : cursor_fail(c);
}

static inline uint64_t get_signed(struct cursor *c)
{
	return unzigzag(get_varint(c));
}

/* NULL when fewer than n bytes are left. */
static inline const uint8_t *get_bytes(struct cursor *c, uint64_t n)
{
	const uint8_t *at = c->at;

	if (n > cursor_left(c)) {
		cursor_fail(c);
		return NULL;
	}
	c->at += n;
	return at;
}

#endif
