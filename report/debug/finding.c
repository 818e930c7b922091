#include "report/debug/finding.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/cursor.h"
#include "common/base/err.h"

static void put_u32(struct buf *b, uint32_t v)
{
	store_le32(buf_grow(b, 4), v);
	b->n += 4;
}

static void put_u64(struct buf *b, uint64_t v)
{
	store_le64(buf_grow(b, 8), v);
	b->n += 8;
}

static void put_text(struct buf *b, const char *text)
{
	size_t n = strnlen(text, FINDING_NAME_MAX);

	put_u32(b, (uint32_t)n);
	buf_put(b, text, n);
}

static void put_id(struct buf *b, const struct build_id *id)
{
	buf_putc(b, (char)id->n);
	buf_put(b, id->bytes, id->n);
}

static void put_identity(struct buf *b, const struct identity *id)
{
	put_u64(b, id->dev);
	put_u64(b, id->ino);
	put_u64(b, id->size);
	put_u64(b, id->mtime_ns);
	put_u64(b, id->ctime_ns);
}

void finding_put_folder(struct buf *b, const char *path, const struct identity *id)
{
	buf_putc(b, 'D');
	put_text(b, path);
	put_identity(b, id);
}

void finding_put_seen(struct buf *b, uint32_t known)
{
	buf_putc(b, 'S');
	put_u32(b, known);
}

void finding_put_file(struct buf *b, const char *path, const struct identity *id,
		      enum catalog_kind kind, const char *reason)
{
	buf_putc(b, 'F');
	put_text(b, path);
	put_identity(b, id);
	buf_putc(b, (char)kind);
	put_text(b, reason);
}

static void put_item(struct buf *b, const struct catalog_item *i)
{
	buf_putc(b, 'I');
	put_u32(b, i->member);
	put_u32(b, i->flags);
	put_id(b, &i->build_id);
	put_id(b, &i->alt);
	put_u64(b, i->dwo_id);
	put_u64(b, i->size);
	put_text(b, i->name);
}

void finding_put_item(struct buf *b, uint32_t member, const struct probe *probe, uint64_t size,
		      const char *name)
{
	put_item(b, &(struct catalog_item){ .member = member,
					    .flags = probe->flags,
					    .build_id = probe->build_id,
					    .alt = probe->alt,
					    .dwo_id = probe->dwo_id,
					    .size = size,
					    .name = name });
}

void finding_put_note(struct buf *b, const char *text)
{
	buf_putc(b, 'N');
	put_text(b, text);
}

void finding_put_catalog(struct buf *b, const struct catalog *c)
{
	for (size_t i = 0; i < c->n_folders; i++)
		finding_put_folder(b, c->folder[i].path, &c->folder[i].identity);
	for (size_t i = 0; i < c->n_files; i++) {
		const struct catalog_file *f = &c->file[i];

		finding_put_file(b, f->path, &f->identity, f->kind, f->reason);
		for (uint32_t k = 0; k < f->n_items; k++)
			put_item(b, &c->item[f->first + k]);
	}
}

/* A text without a zero in it, lent; "" with c->bad set when it does not fit. */
static const char *take_text(struct cursor *c, size_t *ret_n)
{
	uint32_t n = cursor_u32(c);
	const uint8_t *text;

	*ret_n = 0;
	if (n > FINDING_NAME_MAX || !cursor_take(c, n, &text) || memchr(text, 0, n)) {
		c->bad = true;
		return "";
	}
	*ret_n = n;
	return (const char *)text;
}

/* It is shown to people. */
static void require_printable(struct cursor *c, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		c->bad |= text[i] < ' ' || text[i] > '~';
}

static struct build_id take_id(struct cursor *c)
{
	struct build_id id = { .n = cursor_u8(c) };
	const uint8_t *bytes;

	if (id.n > BUILD_ID_MAX || !cursor_take(c, id.n, &bytes)) {
		c->bad = true;
		return (struct build_id){ 0 };
	}
	memcpy(id.bytes, bytes, id.n);
	return id;
}

static struct identity take_identity(struct cursor *c)
{
	struct identity id;

	id.dev = cursor_u64(c);
	id.ino = cursor_u64(c);
	id.size = cursor_u64(c);
	id.mtime_ns = cursor_u64(c);
	id.ctime_ns = cursor_u64(c);
	return id;
}

static struct catalog_item take_item(struct cursor *c, size_t *ret_n_name)
{
	struct catalog_item item = { 0 };

	item.member = cursor_u32(c);
	item.flags = cursor_u32(c);
	item.build_id = take_id(c);
	item.alt = take_id(c);
	item.dwo_id = cursor_u64(c);
	item.size = cursor_u64(c);
	item.name = take_text(c, ret_n_name);
	require_printable(c, item.name, *ret_n_name);
	return item;
}

/* A path is below its root and nowhere else, whatever the child says. */
static bool path_is_sound(const char *path, size_t n)
{
	for (size_t at = 0; at < n;) {
		const char *slash = memchr(path + at, '/', n - at);
		size_t part = slash ? (size_t)(slash - path) - at : n - at;

		if (!part || (part == 1 && path[at] == '.') ||
		    (part == 2 && path[at] == '.' && path[at + 1] == '.'))
			return false;
		at += part + 1;
	}
	return true;
}

static void take_folder(struct findings *f, struct cursor *c)
{
	size_t n;
	const char *path = take_text(c, &n);
	struct identity id = take_identity(c);

	c->bad |= !path_is_sound(path, n);
	if (!c->bad)
		catalog_add_folder(f->into, path, n, &id);
}

static void take_file(struct findings *f, struct cursor *c)
{
	size_t n, n_reason;
	const char *path = take_text(c, &n), *reason;
	struct identity id = take_identity(c);
	uint8_t kind = cursor_u8(c);

	reason = take_text(c, &n_reason);
	require_printable(c, reason, n_reason);
	c->bad |= !n || kind >= CATALOG_KINDS || !path_is_sound(path, n);
	if (!c->bad)
		f->file = catalog_add_file(f->into, path, n, &id, (enum catalog_kind)kind, reason,
					   n_reason);
}

static void take_seen(struct findings *f, struct cursor *c)
{
	uint32_t known = cursor_u32(c);

	c->bad |= !f->known || known >= f->known->n_files;
	if (!c->bad)
		catalog_copy_file(f->into, f->known, known);
}

static void take_found_item(struct findings *f, struct cursor *c)
{
	size_t n_name;
	struct catalog_item item = take_item(c, &n_name);

	c->bad |= f->file == CATALOG_NONE;
	if (c->bad)
		return;
	item.file = f->file;
	catalog_add_item(f->into, &item, n_name);
}

static void take_note(struct findings *f, struct cursor *c)
{
	size_t n;
	const char *text = take_text(c, &n);
	char *to;

	if (c->bad || f->notes.n == FINDING_NOTES_MAX)
		return;
	to = f->notes.text[f->notes.n++];
	n = MIN(n, (size_t)FINDING_NOTE_BYTES - 1);
	for (size_t i = 0; i < n; i++)
		to[i] = text[i] >= ' ' && text[i] < 127 ? text[i] : '?';
	to[n] = 0;
}

int findings_take(struct findings *f, const void *bytes, size_t n, struct err *err)
{
	struct cursor c = cursor_of(bytes, n);

	for (uint32_t records = 0; cursor_left(&c); records++) {
		size_t off = (size_t)(c.at - (const uint8_t *)bytes);
		uint8_t kind = cursor_u8(&c);

		c.bad |= f->items_only && kind != 'I' && kind != 'N';
		if (records == FINDING_RECORDS_MAX)
			return err_set(err, -EFBIG, "more than %d findings", FINDING_RECORDS_MAX);
		switch (c.bad ? 0 : kind) {
		case 'D':
			take_folder(f, &c);
			break;
		case 'S':
			take_seen(f, &c);
			break;
		case 'F':
			take_file(f, &c);
			break;
		case 'I':
			take_found_item(f, &c);
			break;
		case 'N':
			take_note(f, &c);
			break;
		default:
			c.bad = true;
		}
		if (c.bad)
			return err_set(err, -EBADMSG,
				       "finding of kind %#x at offset %zu of %zu makes no sense",
				       kind, off, n);
	}
	return 0;
}
