/*
 * Reading bounded bytes: one place checks bounds. After a read past the end `bad` stays set,
 * the cursor stands at its end and every further read gives 0.
 */
#ifndef COMMON_BASE_CURSOR_H
#define COMMON_BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/bits.h"

struct cursor {
	const uint8_t *at, *end;
	bool bad;
};

static inline struct cursor cursor_of(const uint8_t *bytes, size_t n)
{
	return (struct cursor){ .at = bytes, .end = n ? bytes + n : bytes }; /* NULL of 0 bytes */
}

static inline size_t cursor_left(const struct cursor *c)
{
	return (size_t)(c->end - c->at);
}

static inline bool cursor_take(struct cursor *c, size_t n, const uint8_t **ret)
{
	if (n > cursor_left(c)) {
		c->bad = true;
		c->at = c->end;
		return false;
	}
	*ret = c->at;
	c->at += n;
	return true;
}

static inline uint8_t cursor_u8(struct cursor *c)
{
	const uint8_t *p;

	return cursor_take(c, 1, &p) ? *p : 0;
}

static inline uint16_t cursor_u16(struct cursor *c)
{
	const uint8_t *p;

	return cursor_take(c, 2, &p) ? load_le16(p) : 0;
}

static inline uint32_t cursor_u32(struct cursor *c)
{
	const uint8_t *p;

	return cursor_take(c, 4, &p) ? load_le32(p) : 0;
}

static inline uint64_t cursor_u64(struct cursor *c)
{
	const uint8_t *p;

	return cursor_take(c, 8, &p) ? load_le64(p) : 0;
}

/* LEB128 of any length; bits past 64 are lost, as every other decoder does. */
static inline uint64_t cursor_uleb(struct cursor *c)
{
	uint64_t v = 0;
	unsigned int shift = 0;
	uint8_t b;

	if (c->at < c->end && *c->at < 0x80)
		return *c->at++;
	do {
		b = cursor_u8(c);
		if (shift < 64)
			v |= (uint64_t)(b & 0x7f) << shift;
		shift += shift < 64 ? 7 : 0;
	} while (b & 0x80);
	return v;
}

static inline int64_t cursor_sleb(struct cursor *c)
{
	uint64_t v = 0;
	unsigned int shift = 0;
	uint8_t b;

	if (c->at < c->end && *c->at < 0x80) {
		b = *c->at++;
		return (int64_t)b - ((b & 0x40) << 1);
	}
	do {
		b = cursor_u8(c);
		if (shift < 64)
			v |= (uint64_t)(b & 0x7f) << shift;
		shift += shift < 64 ? 7 : 0;
	} while (b & 0x80);
	if (shift < 64 && (b & 0x40))
		v |= ~(uint64_t)0 << shift;
	return (int64_t)v;
}

#endif
