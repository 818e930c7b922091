#include "report/export/source_line.h"

#include <string.h>

#include "common/base/bits.h"
#include "report/export/escape.h"

enum { TAB_COLUMNS = 8, LINE_BYTES_MAX = 4096 };

/* The line without its end, zero-terminated. Returns its length; a 0 in it is kept. */
static size_t copy_line(char ret[LINE_BYTES_MAX + 1], const struct export_text *t, uint32_t number)
{
	const char *at = t->bytes + t->start[number - 1];
	size_t n = t->start[number] - t->start[number - 1];

	while (n && (at[n - 1] == '\n' || at[n - 1] == '\r'))
		n--;
	/* Cut between characters: at most three bytes continue one. */
	if (n > LINE_BYTES_MAX)
		for (n = LINE_BYTES_MAX; n > LINE_BYTES_MAX - 3 && (at[n] & 0xc0) == 0x80;)
			n--;
	memcpy(ret, at, n);
	ret[n] = 0;
	return n;
}

static bool is_inside_character(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* Columns of what was put from `from` on; ends it before the first column too many. */
static uint32_t fit(struct buf *b, size_t from, uint32_t columns)
{
	uint32_t n = 0;

	for (size_t i = from; i < b->n; i++) {
		if (is_inside_character(b->data[i]))
			continue;
		if (n == columns) {
			b->n = i;
			break;
		}
		n++;
	}
	return n;
}

static uint32_t put_tab(struct buf *b, uint32_t column, uint32_t columns)
{
	uint32_t next = MIN(column / TAB_COLUMNS * TAB_COLUMNS + TAB_COLUMNS, columns);

	buf_printf(b, "%*s", (int)(next - column), "");
	return next;
}

bool source_line_put(struct buf *b, const struct export_text *t, uint32_t number, uint32_t columns)
{
	char line[LINE_BYTES_MAX + 1];
	size_t n = copy_line(line, t, number);
	uint32_t column = 0;

	for (size_t at = 0; at < n && column < columns;) {
		size_t run = strcspn(line + at, "\t"), before = b->n;
		char after = line[at + run];

		line[at + run] = 0;
		escape_text(b, line + at);
		column += fit(b, before, columns - column);
		at += run;
		if (at == n)
			break;
		at++;
		if (after == '\t') {
			column = put_tab(b, column, columns);
		} else {
			before = b->n;
			buf_puts(b, "\\x00");
			column += fit(b, before, columns - column);
		}
	}
	return n > 0;
}

void source_line_put_json(struct buf *b, const struct export_text *t, uint32_t number)
{
	char line[LINE_BYTES_MAX + 1];
	size_t n = copy_line(line, t, number);

	for (size_t at = 0; at < n; at += strlen(line + at) + 1) {
		escape_json(b, line + at);
		if (at + strlen(line + at) < n)
			buf_puts(b, "\\u0000");
	}
}
