/*
 * Each record has a length, so that all of them can be skipped by those who do not know them.
 * Texts keep their final zero: what is decoded points into the chunk and nothing is copied.
 */
#include "common/format/jit.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/format/wire.h"

enum { FIXED_BYTES_MAX = 2 + 9 * VARINT_BYTES_MAX, LINE_BYTES_MAX = 1 + 3 * VARINT_BYTES_MAX };

/* ---- encoder ---- */

void jit_writer_begin(struct jit_writer *w, void *bytes, size_t cap)
{
	*w = (struct jit_writer){ .begin = bytes, .at = bytes, .end = (uint8_t *)bytes + cap };
}

static size_t text_bytes(const char *text)
{
	return text ? strnlen(text, JIT_TEXT_MAX) : 0;
}

static uint8_t *put_text(uint8_t *at, const char *text)
{
	at = put_bytes(at, text, text_bytes(text));
	*at++ = 0;
	return at;
}

static bool same_file(const struct jit_record *r, uint32_t i)
{
	const char *file = r->line[i].file, *last = i ? r->line[i - 1].file : "";

	return file == last || (file && last && !strcmp(file, last));
}

static size_t bytes_at_most(const struct jit_record *r)
{
	size_t n = 2 * FIXED_BYTES_MAX + text_bytes(r->name) + r->n_bytes;

	for (uint32_t i = 0; i < r->n_lines; i++)
		n += LINE_BYTES_MAX + (same_file(r, i) ? 0 : text_bytes(r->line[i].file) + 1);
	return n;
}

static uint8_t *put_times(struct jit_writer *w, const struct jit_record *r, uint8_t *at)
{
	*at++ = (uint8_t)r->origin;
	at = put_varint(at, r->pid);
	at = put_varint(at, zigzag(r->time_ns - w->time_ns));
	at = put_varint(at, r->time_ns - r->since_ns);
	at = put_varint(at, zigzag(r->addr - w->addr));
	at = put_varint(at, r->size);
	at = put_varint(at, r->index);
	w->time_ns = r->time_ns;
	w->addr = r->addr + r->size;
	return at;
}

static uint8_t *put_lines(const struct jit_record *r, uint8_t *at)
{
	uint64_t addr = r->addr;

	for (uint32_t i = 0; i < r->n_lines; i++) {
		const struct jit_line *l = &r->line[i];
		bool same = same_file(r, i);

		at = put_varint(at, zigzag(l->addr - addr));
		at = put_varint(at, l->line);
		at = put_varint(at, l->column);
		*at++ = !same;
		if (!same)
			at = put_text(at, l->file);
		addr = l->addr;
	}
	return at;
}

static uint8_t *put_body(struct jit_writer *w, const struct jit_record *r, uint8_t *at)
{
	switch (r->kind) {
	case JIT_LOAD:
		return put_text(put_times(w, r, at), r->name);
	case JIT_MOVE:
		at = put_times(w, r, at);
		return put_varint(at, zigzag(r->old_addr - r->addr));
	case JIT_LINES:
		at = put_varint(at, r->pid);
		at = put_varint(at, zigzag(r->addr - w->addr));
		return put_lines(r, at);
	case JIT_UNWIND:
		at = put_varint(at, r->pid);
		at = put_varint(at, zigzag(r->addr - w->addr));
		at = put_varint(at, r->hdr_bytes);
		return put_bytes(at, r->bytes, r->n_bytes);
	default:
		return put_text(put_varint(at, r->pid), r->name);
	}
}

static bool is_encodable(const struct jit_record *r)
{
	uint64_t end;

	if (r->kind != JIT_LOAD && r->kind != JIT_MOVE)
		return r->n_lines <= JIT_LINES_MAX && r->n_bytes <= JIT_UNWIND_BYTES_MAX &&
		       r->hdr_bytes <= r->n_bytes;
	return r->size && r->size <= JIT_CODE_BYTES_MAX && r->since_ns <= r->time_ns &&
	       !__builtin_add_overflow(r->addr, r->size, &end);
}

int jit_writer_put(struct jit_writer *w, const struct jit_record *r)
{
	size_t n;
	uint8_t length[VARINT_BYTES_MAX], *body = w->at + 1 + VARINT_BYTES_MAX, *end;

	if (!is_encodable(r))
		return 0;
	if ((size_t)(w->end - w->at) < bytes_at_most(r))
		return -ENOSPC;
	/* the length stands in front of the body and is known after it */
	end = put_body(w, r, body);
	n = (size_t)(put_varint(length, (uint64_t)(end - body)) - length);
	*w->at = (uint8_t)r->kind;
	memmove(w->at + 1 + n, body, (size_t)(end - body));
	memcpy(w->at + 1, length, n);
	w->at += 1 + n + (size_t)(end - body);
	w->n_records++;
	return 0;
}

/* ---- decoder ---- */

struct decoder {
	struct cursor c; /* of the record */
	uint64_t time_ns, addr;
	struct jit_line line[JIT_LINES_MAX];
};

static const char *get_text(struct cursor *c)
{
	const uint8_t *zero = memchr(c->at, 0, MIN(cursor_left(c), (size_t)JIT_TEXT_MAX + 1));
	const char *text = (const char *)c->at;

	if (!zero) {
		cursor_fail(c);
		return "";
	}
	c->at = zero + 1;
	return text;
}

static void get_times(struct decoder *d, struct jit_record *r)
{
	struct cursor *c = &d->c;
	uint64_t ago, end;

	r->origin = (enum jit_origin)get_u8(c);
	r->pid = (uint32_t)get_varint_max(c, UINT32_MAX);
	r->time_ns = d->time_ns + get_signed(c);
	ago = get_varint(c);
	r->addr = d->addr + get_signed(c);
	r->size = get_varint_max(c, JIT_CODE_BYTES_MAX);
	r->index = get_varint(c);
	if (r->origin >= JIT_ORIGINS || ago > r->time_ns || !r->size ||
	    __builtin_add_overflow(r->addr, r->size, &end)) {
		cursor_fail(c);
		return;
	}
	r->since_ns = r->time_ns - ago;
	d->time_ns = r->time_ns;
	d->addr = end;
}

static void get_lines(struct decoder *d, struct jit_record *r)
{
	struct cursor *c = &d->c;
	uint64_t addr = r->addr;
	const char *file = "";

	while (!c->bad && c->at < c->end) {
		struct jit_line *l = &d->line[r->n_lines];

		if (r->n_lines == JIT_LINES_MAX) {
			cursor_fail(c);
			return;
		}
		addr += get_signed(c);
		l->addr = addr;
		l->line = (uint32_t)get_varint_max(c, UINT32_MAX);
		l->column = (uint32_t)get_varint_max(c, UINT32_MAX);
		if (get_u8(c))
			file = get_text(c);
		l->file = file;
		r->n_lines++;
	}
	r->line = d->line;
}

static void get_unwind(struct decoder *d, struct jit_record *r)
{
	struct cursor *c = &d->c;
	uint64_t hdr_bytes = get_varint_max(c, JIT_UNWIND_BYTES_MAX), n = cursor_left(c);

	if (n > JIT_UNWIND_BYTES_MAX || hdr_bytes > n) {
		cursor_fail(c);
		return;
	}
	r->hdr_bytes = (uint32_t)hdr_bytes;
	r->n_bytes = (uint32_t)n;
	r->bytes = get_bytes(c, n);
}

static void get_body(struct decoder *d, struct jit_record *r)
{
	struct cursor *c = &d->c;

	switch (r->kind) {
	case JIT_LOAD:
		get_times(d, r);
		r->name = get_text(c);
		break;
	case JIT_MOVE:
		get_times(d, r);
		r->old_addr = r->addr + get_signed(c);
		break;
	case JIT_LINES:
	case JIT_UNWIND:
		r->pid = (uint32_t)get_varint_max(c, UINT32_MAX);
		r->addr = d->addr + get_signed(c);
		if (r->kind == JIT_LINES)
			get_lines(d, r);
		else
			get_unwind(d, r);
		break;
	default:
		r->pid = (uint32_t)get_varint_max(c, UINT32_MAX);
		r->name = get_text(c);
	}
}

int jit_decode(const uint8_t *raw, size_t n, jit_got *got, void *ctx, struct err *err)
{
	struct cursor c = cursor_of(raw, n);
	struct decoder d = { .time_ns = 0 };

	while (!c.bad && c.at < c.end) {
		const uint8_t *begin = c.at;
		struct jit_record r = { .kind = get_u8(&c) };
		uint64_t size = get_varint(&c);
		const uint8_t *bytes = get_bytes(&c, size);
		int status;

		if (!bytes)
			return err_set(err, -EBADMSG, "code record at offset %td is cut",
				       begin - raw);
		if (r.kind < JIT_LOAD || r.kind >= JIT_KINDS)
			continue; /* of a newer writer */
		d.c = cursor_of(bytes, size);
		get_body(&d, &r);
		if (d.c.bad)
			return err_set(err, -EBADMSG,
				       "code record at offset %td, type %u, makes no sense",
				       begin - raw, (unsigned int)r.kind);
		status = got(ctx, &r);
		if (status < 0)
			return status;
	}
	return 0;
}
