#include "report/dwarf/line_header.h"

#include <dwarf.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/base/arena.h"

enum { FORMATS_MAX = 255 };

static bool damaged(struct lines *l, const char *what)
{
	struct err err = { 0 };

	err_set(&err, -EBADMSG, "line table at offset %" PRIu64 ": %s", l->unit->stmt_list, what);
	budget_trouble(l->unit->file->budget, &err);
	return false;
}

static bool text_take(struct cursor *c, struct line_text *ret)
{
	const uint8_t *end = memchr(c->at, 0, cursor_left(c));

	if (!end) {
		c->bad = true;
		return false;
	}
	*ret = (struct line_text){ .text = (const char *)c->at, .n = (size_t)(end - c->at) };
	c->at = end + 1;
	return true;
}

static void dir_put(struct lines *l, const struct line_text *dir)
{
	mem_grow(&l->dir, &l->dirs_cap, l->n_dirs + 1, sizeof(*l->dir));
	l->dir[l->n_dirs++] = *dir;
}

void line_header_file(struct lines *l, const struct line_text *file)
{
	mem_grow(&l->file, &l->files_cap, l->n_files + 1, sizeof(*l->file));
	l->file[l->n_files++] = *file;
}

/* Before version 5 both tables count from 1: place 0 stays empty. */
static bool tables_read_old(struct lines *l, struct cursor *c)
{
	struct line_text none = { 0 }, text;

	dir_put(l, &none);
	line_header_file(l, &none);
	while (text_take(c, &text) && text.n)
		dir_put(l, &text);
	while (!c->bad && text_take(c, &text) && text.n) {
		text.dir = cursor_uleb(c);
		cursor_uleb(c); /* modification time */
		cursor_uleb(c); /* size */
		line_header_file(l, &text);
	}
	return !c->bad;
}

struct format {
	uint64_t content, form;
};

static void field_read(const struct unit *at, struct cursor *c, const struct format *format,
		       struct line_text *ret)
{
	struct value v;
	uint64_t n;

	if (format->content == DW_LNCT_path) {
		if (format->form == DW_FORM_string) {
			text_take(c, ret);
			return;
		}
		v = form_read(c, at, (uint16_t)format->form);
		value_text(at, &v, &ret->text, &ret->n);
		return;
	}
	if (format->form == DW_FORM_string) {
		struct line_text unused;

		text_take(c, &unused);
		return;
	}
	v = form_read(c, at, (uint16_t)format->form);
	if (format->content == DW_LNCT_directory_index && value_number(&v, &n))
		ret->dir = n;
}

static bool table_read(struct lines *l, struct cursor *c,
		       void (*put)(struct lines *, const struct line_text *))
{
	struct format format[FORMATS_MAX];
	unsigned int n_formats = cursor_u8(c);
	struct unit at = *l->unit;
	uint64_t n;

	/* gas writes a 32-bit line table for a 64-bit unit */
	at.encoding = l->encoding;
	for (unsigned int i = 0; i < n_formats; i++) {
		format[i].content = cursor_uleb(c);
		format[i].form = cursor_uleb(c);
		if (format[i].form > UINT16_MAX)
			c->bad = true;
	}
	n = cursor_uleb(c);
	for (uint64_t i = 0; i < n && !c->bad; i++) {
		struct line_text text = { 0 };
		const uint8_t *before = c->at;

		for (unsigned int j = 0; j < n_formats && !c->bad; j++)
			field_read(&at, c, &format[j], &text);
		if (c->at == before) /* entries of no bytes: their number would bound nothing */
			c->bad = true;
		else
			put(l, &text);
	}
	return !c->bad;
}

static bool tables_read(struct lines *l, struct cursor *c)
{
	return table_read(l, c, dir_put) && table_read(l, c, line_header_file);
}

/* Length, version, sizes; *c ends at the end of this table then. */
static bool prologue_read(struct lines *l, struct cursor *c)
{
	uint64_t length = cursor_u32(c);

	l->encoding = l->unit->encoding;
	l->encoding.off_size = 4;
	if (length == UINT32_MAX) {
		length = cursor_u64(c);
		l->encoding.off_size = 8;
	}
	if (c->bad || length > cursor_left(c))
		return damaged(l, "is cut");
	*c = cursor_of(c->at, length);
	uint16_t version = cursor_u16(c);

	l->version = (uint8_t)MIN(version, UINT8_MAX); /* MIN takes twice */
	if (l->version < 2 || l->version > 5)
		return damaged(l, "unknown version");
	if (l->version >= 5) {
		l->encoding.addr_size = cursor_u8(c);
		if (cursor_u8(c))
			return damaged(l, "has segment selectors");
	}
	return true;
}

bool line_header_read(struct lines *l)
{
	const struct section *s = file_section(l->unit->file, SECTION_LINE);
	uint64_t header;
	struct cursor c, tables;

	if (l->unit->stmt_list >= s->n)
		return damaged(l, "is beyond the end of .debug_line");
	c = cursor_of(s->data + l->unit->stmt_list, s->n - l->unit->stmt_list);
	if (!prologue_read(l, &c))
		return false;
	header = l->encoding.off_size == 8 ? cursor_u64(&c) : cursor_u32(&c);
	if (c.bad || header > cursor_left(&c))
		return damaged(l, "header is cut");
	tables = cursor_of(c.at, header);
	l->program = cursor_of(c.at + header, cursor_left(&c) - header);
	l->min_inst = cursor_u8(&tables);
	if (l->version >= 4)
		cursor_u8(&tables); /* operations of an instruction: VLIW machines only */
	cursor_u8(&tables);	    /* default of is_stmt: every row counts here */
	l->line_base = (int8_t)cursor_u8(&tables);
	l->line_range = cursor_u8(&tables);
	l->opcode_base = cursor_u8(&tables);
	if (!l->line_range || !l->opcode_base ||
	    !cursor_take(&tables, l->opcode_base - 1u, &l->opcode_lengths))
		return damaged(l, "header is cut or has zeros");
	if (!(l->version >= 5 ? tables_read(l, &tables) : tables_read_old(l, &tables)))
		damaged(l, "table of files is cut or has an unknown form");
	return true;
}
