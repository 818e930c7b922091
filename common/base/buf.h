/*
 * A growing byte string for output. Never fails: arena.h's rule about memory.
 */
#ifndef COMMON_BASE_BUF_H
#define COMMON_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

struct buf {
	char *data; /* not zero-terminated unless buf_text() was called */
	size_t n, cap;
};

void buf_init(struct buf *b);
void buf_done(struct buf *b);
void buf_reset(struct buf *b);
/* Room for `more` bytes: returns where they go; n is unchanged. */
void *buf_grow(struct buf *b, size_t more);
void buf_put(struct buf *b, const void *bytes, size_t n);
void buf_puts(struct buf *b, const char *text);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_varint(struct buf *b, uint64_t v); /* LEB128, as in protobuf */
const char *buf_text(struct buf *b);	    /* zero-terminated; lives until the next change */

#endif
