/*
 * Tables for reading. Columns have fixed widths so that a page compares by eye; the name comes last
 * because it has no bound.
 */
#include "report/export/export.h"

#include <inttypes.h>
#include <stdlib.h>

#include "report/export/escape.h"
#include "report/export/paths.h"
#include "report/export/text_parts.h"
#include "report/profile/profile.h"

static const char *const noun[VIEW_BYS][2] = {
	[VIEW_FUNCTION] = { "function", "functions" },
	[VIEW_MODULE] = { "module", "modules" },
	[VIEW_THREAD] = { "thread", "threads" },
	[VIEW_PROCESS] = { "process", "processes" },
	[VIEW_ADDRESS] = { "address", "addresses" },
	[VIEW_LINE] = { "line", "lines" },
	[VIEW_FUNCTION_LINE] = { "function, line", "lines" },
};

struct table {
	const struct profile *p;
	enum view_by by;
	const struct export_style *style;
	struct paths paths;
	FILE *out;
};

static void put_function(struct buf *b, const struct profile *p, uint32_t at)
{
	const struct profile_function *f = &p->function[at];

	escape_text(b, profile_text(p, f->name));
	if (!f->named)
		return;
	buf_puts(b, "  (");
	escape_text(b, profile_text(p, p->module[f->module].name));
	buf_putc(b, ')');
}

/* "f  app.c:12  (app)" */
static void put_place(struct buf *b, const struct table *t, const struct profile_place *place)
{
	const struct profile_function *f = &t->p->function[place->function];

	if (!place->file.n) {
		put_function(b, t->p, place->function);
		return;
	}
	escape_text(b, profile_text(t->p, f->name));
	buf_puts(b, "  ");
	paths_put_line(b, &t->paths, place);
	buf_puts(b, "  (");
	escape_text(b, profile_text(t->p, t->p->module[f->module].name));
	buf_putc(b, ')');
}

static void put_row_name(struct buf *b, const struct table *table, uint32_t at)
{
	const struct profile *p = table->p;
	const struct profile_thread *t;

	switch (table->by) {
	case VIEW_FUNCTION:
		put_function(b, p, at);
		break;
	case VIEW_MODULE:
		escape_text(b, profile_text(p, p->module[at].name));
		if (p->module[at].path.n != p->module[at].name.n) {
			buf_puts(b, "  (");
			escape_text(b, profile_text(p, p->module[at].path));
			buf_putc(b, ')');
		}
		break;
	case VIEW_THREAD:
		t = &p->thread[at];
		buf_printf(b, "%7" PRIu32 "/%-7" PRIu32 " ", t->pid, t->tid);
		escape_text(b, profile_text(p, t->comm));
		break;
	case VIEW_PROCESS:
		t = &p->thread[at];
		buf_printf(b, "%7" PRIu32 " ", t->pid);
		escape_text(b, profile_text(p, t->process));
		break;
	case VIEW_LINE:
		if (p->place[at].line)
			paths_put_line(b, &table->paths, &p->place[at]);
		else
			put_function(b, p, p->place[at].function);
		break;
	case VIEW_ADDRESS:
		buf_printf(b, "0x%-12" PRIx64 " ", p->place[at].addr);
		if (table->style->lines)
			put_place(b, table, &p->place[at]);
		else
			put_function(b, p, p->place[at].function);
		break;
	default:
		put_place(b, table, &p->place[at]);
	}
}

static void put_head(struct buf *b, const struct profile_source *s, enum view_by by)
{
	const char *what = text_is_time(s) ? "time" : s->about.unit;

	buf_printf(b, "%8s %11.11s %8s  %8s %11.11s %8s  %s\n", "self", what, "samples", "total",
		   what, "samples", by == VIEW_THREAD ? "process/thread" : noun[by][0]);
}

static void put_rest(struct buf *b, const struct view_flat *v, size_t shown)
{
	uint64_t rest = 0;

	for (size_t i = shown; i < v->n; i++)
		rest += v->row[i].self.weight;
	buf_puts(b, "... ");
	export_put_count(b, v->n - shown);
	buf_printf(b, " more %s, together ", noun[v->by][v->n - shown != 1]);
	export_put_percent(b, rest, v->all.weight);
	buf_puts(b, " self: --limit=all\n");
}

static void put_table(const struct table *t, uint32_t source)
{
	const struct export_style *style = t->style;
	bool time = text_is_time(&t->p->source[source]);
	struct view_flat v;
	struct buf b;
	size_t shown;

	view_flat(t->p, t->by, source, &v);
	shown = style->limit && style->limit < v.n ? style->limit : v.n;
	buf_init(&b);
	text_put_title(&b, t->p, source);
	put_head(&b, &t->p->source[source], t->by);
	for (size_t i = 0; i < shown; i++) {
		text_put_weight(&b, &v.row[i].self, v.all.weight, time, style);
		buf_puts(&b, "  ");
		text_put_weight(&b, &v.row[i].total, v.all.weight, time, style);
		buf_puts(&b, "  ");
		put_row_name(&b, t, v.row[i].at);
		buf_putc(&b, '\n');
		if (b.n > FLUSH_BYTES)
			text_flush(&b, t->out);
	}
	if (shown < v.n)
		put_rest(&b, &v, shown);
	buf_putc(&b, '\n');
	text_flush(&b, t->out);
	buf_done(&b);
	view_flat_done(&v);
}

void export_flat(const struct profile *p, enum view_by by, const struct export_style *style,
		 FILE *out)
{
	struct table t = { .p = p, .by = by, .style = style, .out = out };

	if (by == VIEW_FUNCTION && style->lines)
		t.by = VIEW_FUNCTION_LINE;
	paths_init(&t.paths, p);
	for (uint32_t s = 0; s < SOURCE_MAX; s++)
		if (p->source[s].count)
			put_table(&t, s);
	paths_done(&t.paths);
}
