/* Doubles from 256 bytes. Nothing here reads the bytes: they may hold zeros. */
#include "common/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"

enum { BUF_MIN_BYTES = 256, VARINT_MAX_BYTES = 10 };

void buf_init(struct buf *b)
{
	memset(b, 0, sizeof(*b));
}

void buf_done(struct buf *b)
{
	if (!b)
		return;
	free(b->data);
	buf_init(b);
}

void buf_reset(struct buf *b)
{
	b->n = 0;
}

void *buf_grow(struct buf *b, size_t more)
{
	size_t want;

	if (__builtin_add_overflow(b->n, more, &want))
		want = SIZE_MAX; /* mem_grow ends the program with the size */
	if (want > b->cap || !b->data)
		mem_grow(&b->data, &b->cap, want > BUF_MIN_BYTES ? want : BUF_MIN_BYTES, 1);
	return b->data + b->n;
}

void buf_put(struct buf *b, const void *bytes, size_t n)
{
	if (!n)
		return;
	memcpy(buf_grow(b, n), bytes, n);
	b->n += n;
}

void buf_puts(struct buf *b, const char *text)
{
	buf_put(b, text, strlen(text));
}

void buf_putc(struct buf *b, char c)
{
	*(char *)buf_grow(b, 1) = c;
	b->n++;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	enum { FIRST_BYTES = 128 }; /* most texts fit: one pass */
	va_list args, again;
	int n;

	va_start(args, fmt);
	va_copy(again, args);
	n = vsnprintf(buf_grow(b, FIRST_BYTES), FIRST_BYTES, fmt, args);
	va_end(args);
	if (n >= FIRST_BYTES)
		n = vsnprintf(buf_grow(b, (size_t)n + 1), (size_t)n + 1, fmt, again);
	va_end(again);
	if (n > 0)
		b->n += (size_t)n;
}

void buf_varint(struct buf *b, uint64_t v)
{
	uint8_t *at = buf_grow(b, VARINT_MAX_BYTES), *start = at;

	while (v >= 0x80) {
		*at++ = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	*at++ = (uint8_t)v;
	b->n += (size_t)(at - start);
}

const char *buf_text(struct buf *b)
{
	*(char *)buf_grow(b, 1) = 0;
	return b->data;
}
