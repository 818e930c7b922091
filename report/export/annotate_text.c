/*
 * Source lines with what they weigh. A line without samples stands there only around those that
 * have some: "..." marks what is left out. Without the source the lines with samples are listed
 * alone.
 */
#include "report/export/export.h"

#include <inttypes.h>
#include <stdlib.h>

#include "common/base/bits.h"
#include "report/export/source_line.h"
#include "report/export/text_parts.h"
#include "report/profile/annotate.h"
#include "report/profile/profile.h"

enum {
	WIDE_COLUMNS = 100,	/* narrower terminals have no room for counts */
	TEXT_COLUMNS_MAX = 500, /* of a source line, where there is no terminal */
	TEXT_COLUMNS_MIN = 20,
};

struct page {
	const struct profile *p;
	const struct export_style *style;
	const struct annotation *a;
	const struct export_text *text; /* of the file at hand; NULL: none */
	struct buf b;
	FILE *out;
	bool counts;
	uint32_t text_columns;
	uint32_t last; /* line put last in this file; 0: none */
};

static void page_init(struct page *g, const struct profile *p, const struct export_style *style,
		      FILE *out)
{
	uint32_t columns = style->columns, left;

	*g = (struct page){ .p = p, .style = style, .out = out };
	g->counts = !columns || columns >= WIDE_COLUMNS;
	left = g->counts ? 46 : 28;
	g->text_columns = !columns ? TEXT_COLUMNS_MAX :
			  columns > left + TEXT_COLUMNS_MIN ?
				     MIN(columns - left, (uint32_t)TEXT_COLUMNS_MAX) :
				     TEXT_COLUMNS_MIN;
	buf_init(&g->b);
}

/* ---- one line ---- */

static void put_cell(struct page *g, const struct view_weight *w)
{
	if (!w || !w->count) {
		buf_printf(&g->b, "%*s", g->counts ? 18 : 9, "");
		return;
	}
	buf_putc(&g->b, ' ');
	text_put_share(&g->b, w->weight, g->a->all.weight, g->style);
	if (g->counts)
		buf_printf(&g->b, " %8" PRIu64, w->count);
}

/* l: NULL when the line has no samples. */
static void put_line(struct page *g, uint32_t number, const struct annotate_line *l)
{
	put_cell(g, l ? &l->self : NULL);
	put_cell(g, l ? &l->total : NULL);
	if (number)
		buf_printf(&g->b, " %7" PRIu32, number);
	else
		buf_printf(&g->b, " %7s", "?");
	if (g->text && number && number <= g->text->n_lines) {
		size_t before = g->b.n;

		buf_puts(&g->b, "  ");
		if (!source_line_put(&g->b, g->text, number, g->text_columns))
			g->b.n = before; /* nothing in it: no blanks at the end */
	}
	buf_putc(&g->b, '\n');
	if (g->b.n > FLUSH_BYTES)
		text_flush(&g->b, g->out);
	g->last = number;
}

/* Lines without samples in front of `number` and, when one with samples came before, behind it. */
static void put_between(struct page *g, uint32_t number)
{
	uint32_t context = g->style->context, from, to = number;

	if (!g->text)
		return;
	from = number > context ? number - context : 1;
	if (g->last) {
		uint64_t reach = (uint64_t)g->last + context;

		if (context == EXPORT_CONTEXT_ALL)
			from = g->last + 1;
		while (g->last < reach && g->last + 1 < to && g->last < g->text->n_lines)
			put_line(g, g->last + 1, NULL);
		from = MAX(from, g->last + 1);
		if (from > g->last + 1)
			buf_printf(&g->b, "%*s ...\n", g->counts ? 40 : 22, "");
	} else if (context == EXPORT_CONTEXT_ALL) {
		from = number;
	}
	for (uint32_t n = from; n < to && n <= g->text->n_lines; n++)
		put_line(g, n, NULL);
}

static void put_behind(struct page *g)
{
	uint32_t context = g->style->context == EXPORT_CONTEXT_ALL ? 0 : g->style->context;

	for (; g->text && g->last && context && g->last < g->text->n_lines; context--)
		put_line(g, g->last + 1, NULL);
}

/* ---- one file ---- */

static void put_file_head(struct page *g, str_id file, const char *reason)
{
	if (!file.n) {
		buf_puts(&g->b, "file not known: 'missing' says which debug information lacks\n");
		return;
	}
	escape_text(&g->b, profile_text(g->p, file));
	if (g->text) {
		buf_puts(&g->b, "\nsource: ");
		escape_text(&g->b, g->text->path);
	} else {
		buf_puts(&g->b, "\nno source: ");
		escape_text(&g->b, reason);
	}
	buf_putc(&g->b, '\n');
}

/* A source of another version cannot be told from the right one, unless it is too short. */
static void put_too_short(struct page *g, uint32_t last_line)
{
	if (g->text && last_line > g->text->n_lines)
		buf_printf(&g->b,
			   "line %" PRIu32 " is behind the end of this source, which has %" PRIu32
			   " lines: it is another version\n",
			   last_line, g->text->n_lines);
}

/* The lines of one file; returns how many of `n` they are. */
static size_t put_file(struct page *g, const struct export_texts *texts,
		       const struct annotate_line *line, size_t n)
{
	str_id file = line[0].file;
	const char *reason = "";
	size_t i;

	g->text = file.n ? texts->get(texts->ctx, profile_text(g->p, file), &reason) : NULL;
	g->last = 0;
	put_file_head(g, file, reason);
	if (g->counts)
		buf_printf(&g->b, "%9s %8s%9s %8s %7s\n", "self", "samples", "total", "samples",
			   "line");
	else
		buf_printf(&g->b, "%9s%9s %7s\n", "self", "total", "line");
	for (i = 0; i < n && line[i].file.n == file.n; i++) {
		if (line[i].line)
			put_between(g, line[i].line);
		put_line(g, line[i].line, &line[i]);
	}
	put_behind(g);
	put_too_short(g, line[i - 1].line);
	buf_putc(&g->b, '\n');
	return i;
}

/* ---- one function ---- */

static void put_sum(struct page *g, const char *what, const struct view_weight *w)
{
	buf_printf(&g->b, "%s ", what);
	export_put_percent(&g->b, w->weight, g->a->all.weight);
	if (text_is_time(&g->p->source[g->a->source])) {
		buf_puts(&g->b, ", ");
		export_put_time(&g->b, w->weight);
	}
	buf_puts(&g->b, ", ");
	export_put_count(&g->b, w->count);
	buf_puts(&g->b, w->count == 1 ? " sample" : " samples");
}

static void put_function(struct page *g, const struct export_texts *texts,
			 const struct annotate_function *f)
{
	const struct profile_function *about = &g->p->function[f->function];

	escape_text(&g->b, profile_text(g->p, about->name));
	buf_puts(&g->b, "  (");
	escape_text(&g->b, profile_text(g->p, g->p->module[about->module].name));
	buf_puts(&g->b, ")\n");
	put_sum(g, "self", &f->self);
	put_sum(g, "; total", &f->total);
	buf_puts(&g->b, "\n");
	for (size_t i = 0; i < f->n_lines;)
		i += put_file(g, texts, f->line + i, f->n_lines - i);
}

size_t export_annotation(const struct profile *p, const bool *wanted,
			 const struct export_texts *texts, const struct export_style *style,
			 FILE *out)
{
	size_t n = 0;
	struct page g;

	page_init(&g, p, style, out);
	for (uint32_t s = 0; s < SOURCE_MAX; s++) {
		struct annotation a;
		size_t shown;

		if (!p->source[s].count)
			continue;
		annotation_init(&a, p, wanted, s);
		n = MAX(n, a.n);
		g.a = &a;
		shown = style->limit ? MIN(a.n, style->limit) : a.n;
		if (shown)
			text_put_title(&g.b, p, s);
		for (size_t i = 0; i < shown; i++)
			put_function(&g, texts, &a.function[i]);
		if (shown < a.n)
			buf_printf(&g.b, "... %zu more function%s: --limit=all\n\n", a.n - shown,
				   a.n - shown == 1 ? "" : "s");
		text_flush(&g.b, out);
		annotation_done(&a);
	}
	buf_done(&g.b);
	return n;
}
