/*
 * Tables and trees for reading. Columns have fixed widths so that a page compares by eye; the name
 * comes last because it has no bound. In a tree, a function with one caller or callee stands below
 * it at the same indentation: only a fork moves to the right, and a stack of 60 frames still fits
 * on a screen.
 */
#include "report/export/export.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/bits.h"
#include "report/export/escape.h"
#include "report/profile/profile.h"

enum { HOT_PERCENT = 5, FLUSH_BYTES = 64 << 10 };

static const char colour_hot[] = "\033[31m", colour_warm[] = "\033[32m", colour_dim[] = "\033[2m",
		  colour_off[] = "\033[m";

static const char *const noun[VIEW_BYS][2] = {
	[VIEW_FUNCTION] = { "function", "functions" }, [VIEW_MODULE] = { "module", "modules" },
	[VIEW_THREAD] = { "thread", "threads" },       [VIEW_PROCESS] = { "process", "processes" },
	[VIEW_ADDRESS] = { "address", "addresses" },
};

static double percent(uint64_t part, uint64_t all)
{
	return all ? 100.0 * (double)part / (double)all : 0;
}

void export_put_percent(struct buf *b, uint64_t part, uint64_t all)
{
	double value = percent(part, all);

	/* 99.96 % of stacks complete is not 100 %. */
	if (part < all && value >= 99.95)
		buf_printf(b, "%.2f %%", MIN(value, 99.99));
	else
		buf_printf(b, "%.1f %%", value);
}

void export_put_time(struct buf *b, uint64_t ns)
{
	buf_printf(b, "%.3f s", (double)ns / 1e9);
}

void export_put_count(struct buf *b, uint64_t n)
{
	char digits[24];
	int n_digits = snprintf(digits, sizeof(digits), "%" PRIu64, n);

	for (int i = 0; i < n_digits; i++) {
		if (i && (n_digits - i) % 3 == 0)
			buf_putc(b, ' ');
		buf_putc(b, digits[i]);
	}
}

static void flush(struct buf *b, FILE *out)
{
	if (b->n)
		fwrite(b->data, 1, b->n, out);
	buf_reset(b);
}

static bool is_time(const struct profile_source *s)
{
	return !strcmp(s->about.unit, "nanoseconds");
}

/* "sCPU: 24 118 samples, 24.118 s" */
static void put_title(struct buf *b, const struct profile *p, uint32_t source)
{
	const struct profile_source *s = &p->source[source];

	escape_text(b, s->about.name[0] ? s->about.name : "samples");
	buf_puts(b, ": ");
	export_put_count(b, s->count);
	buf_puts(b, s->count == 1 ? " sample, " : " samples, ");
	if (is_time(s)) {
		export_put_time(b, s->weight);
	} else {
		export_put_count(b, s->weight);
		buf_putc(b, ' ');
		escape_text(b, s->about.unit);
	}
	buf_puts(b, "\n\n");
}

static void put_weight(struct buf *b, const struct view_weight *w, uint64_t all, bool time,
		       const struct export_style *style)
{
	double share = percent(w->weight, all);
	const char *colour = !style->colour	  ? NULL :
			     share >= HOT_PERCENT ? colour_hot :
			     share >= 0.5	  ? colour_warm :
						    colour_dim;

	if (colour)
		buf_puts(b, colour);
	buf_printf(b, "%6.2f %%", share);
	if (colour)
		buf_puts(b, colour_off);
	if (time)
		buf_printf(b, " %9.3f s", (double)w->weight / 1e9);
	else
		buf_printf(b, " %11" PRIu64, w->weight);
	buf_printf(b, " %8" PRIu64, w->count);
}

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

static void put_row_name(struct buf *b, const struct profile *p, enum view_by by, uint32_t at)
{
	const struct profile_thread *t;

	switch (by) {
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
	default:
		buf_printf(b, "0x%-12" PRIx64 " ", p->place[at].addr);
		put_function(b, p, p->place[at].function);
	}
}

static void put_head(struct buf *b, const struct profile_source *s, enum view_by by)
{
	const char *what = is_time(s) ? "time" : s->about.unit;

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

static void put_flat(const struct profile *p, enum view_by by, uint32_t source,
		     const struct export_style *style, FILE *out)
{
	bool time = is_time(&p->source[source]);
	struct view_flat v;
	struct buf b;
	size_t shown;

	view_flat(p, by, source, &v);
	shown = style->limit && style->limit < v.n ? style->limit : v.n;
	buf_init(&b);
	put_title(&b, p, source);
	put_head(&b, &p->source[source], by);
	for (size_t i = 0; i < shown; i++) {
		put_weight(&b, &v.row[i].self, v.all.weight, time, style);
		buf_puts(&b, "  ");
		put_weight(&b, &v.row[i].total, v.all.weight, time, style);
		buf_puts(&b, "  ");
		put_row_name(&b, p, by, v.row[i].at);
		buf_putc(&b, '\n');
		if (b.n > FLUSH_BYTES)
			flush(&b, out);
	}
	if (shown < v.n)
		put_rest(&b, &v, shown);
	buf_putc(&b, '\n');
	flush(&b, out);
	buf_done(&b);
	view_flat_done(&v);
}

void export_flat(const struct profile *p, enum view_by by, const struct export_style *style,
		 FILE *out)
{
	for (uint32_t s = 0; s < SOURCE_MAX; s++)
		if (p->source[s].count)
			put_flat(p, by, s, style, out);
}

/* ---- tree ---- */

struct tree_out {
	const struct profile *p;
	const struct view_tree *t;
	const struct export_style *style;
	FILE *out;
	struct buf line, indent;
	uint64_t all;
	bool time, left_out;
};

static bool is_shown(const struct tree_out *o, uint32_t n)
{
	return percent(o->t->node[n].total.weight, o->all) >= o->style->min_percent;
}

/* Children are sorted by weight: the shown ones come first. */
static uint32_t shown_next(struct tree_out *o, uint32_t n)
{
	if (n == VIEW_NONE)
		return n;
	if (is_shown(o, n))
		return n;
	o->left_out = true;
	return VIEW_NONE;
}

static void put_node(struct tree_out *o, uint32_t n, bool forked)
{
	const struct view_node *node = &o->t->node[n];
	struct buf *b = &o->line;

	put_weight(b, &node->total, o->all, o->time, o->style);
	buf_printf(b, "  %6.2f %%  ", percent(node->self.weight, o->all));
	if (forked && o->indent.n >= 3) {
		buf_put(b, o->indent.data, o->indent.n - 3);
		buf_puts(b, "+- ");
	} else {
		buf_put(b, o->indent.data, o->indent.n);
	}
	escape_text(b, profile_text(o->p, node->name));
	buf_putc(b, '\n');
	if (b->n > FLUSH_BYTES)
		flush(b, o->out);
}

/*
 * Walks without recursion: indent_above[n] is the indentation that was valid at node n's parent, so
 * leaving a node restores it. A fork adds three columns: "|  " while siblings follow, blanks under
 * the last.
 */
static void put_tree_nodes(struct tree_out *o)
{
	size_t *indent_above = mem_alloc(o->t->n * sizeof(*indent_above));
	uint32_t n = shown_next(o, o->t->node[0].first_child);

	while (n && n != VIEW_NONE) {
		const struct view_node *node = &o->t->node[n];
		uint32_t first = o->t->node[node->parent].first_child;
		uint32_t next = shown_next(o, node->next_sibling);
		bool forked = n != first || next != VIEW_NONE;
		uint32_t child;

		indent_above[n] = o->indent.n;
		if (forked)
			buf_puts(&o->indent, next != VIEW_NONE ? "|  " : "   ");
		put_node(o, n, forked);
		child = shown_next(o, node->first_child);
		if (child != VIEW_NONE) {
			n = child;
			continue;
		}
		for (; n; n = o->t->node[n].parent) {
			o->indent.n = indent_above[n];
			next = shown_next(o, o->t->node[n].next_sibling);
			if (next != VIEW_NONE)
				break;
		}
		n = n ? next : 0;
	}
	free(indent_above);
}

static void put_tree(const struct profile *p, uint32_t source, bool callees_first,
		     const struct export_style *style, FILE *out)
{
	struct view_tree t;
	struct tree_out o = { .p = p, .t = &t, .style = style, .out = out };

	view_tree(p, source, callees_first,
		  (uint64_t)((double)p->source[source].weight * style->min_percent / 100),
		  VIEW_BY_WEIGHT, &t);
	o.all = t.node[0].total.weight;
	o.time = is_time(&p->source[source]);
	buf_init(&o.line);
	buf_init(&o.indent);
	put_title(&o.line, p, source);
	buf_printf(&o.line, "%8s %11.11s %8s  %8s  %s\n", "total",
		   o.time ? "time" : p->source[source].about.unit, "samples",
		   callees_first ? "entry" : "self",
		   callees_first ? "function, then its callers" : "function, then what it calls");
	put_tree_nodes(&o);
	if (o.left_out)
		buf_printf(&o.line, "... branches below %g %% are left out: --min=0 shows them\n",
			   style->min_percent);
	buf_putc(&o.line, '\n');
	flush(&o.line, out);
	buf_done(&o.line);
	buf_done(&o.indent);
	view_tree_done(&t);
}

void export_tree(const struct profile *p, bool callees_first, const struct export_style *style,
		 FILE *out)
{
	for (uint32_t s = 0; s < SOURCE_MAX; s++)
		if (p->source[s].count)
			put_tree(p, s, callees_first, style, out);
}

/* ---- losses ---- */

static void put_part(struct buf *b, uint64_t n, const char *what, const char **separator)
{
	if (!n)
		return;
	buf_puts(b, *separator);
	export_put_count(b, n);
	buf_putc(b, ' ');
	buf_puts(b, what);
	*separator = ", ";
}

void export_put_losses(struct buf *b, const struct profile *p)
{
	struct profile_losses l = profile_losses(p);
	uint64_t complete = 0, walked = 0;
	const char *separator = ": ";

	for (int stop = 0; stop < UNWIND_STOPS; stop++) {
		walked += p->coverage.stops[stop];
		complete +=
			unwind_stop_complete((enum unwind_stop)stop) ? p->coverage.stops[stop] : 0;
	}
	buf_puts(b, "lost ");
	export_put_count(b, l.lost);
	buf_puts(b, " of ");
	export_put_count(b, l.produced);
	buf_puts(b, " samples");
	put_part(b, l.ring_full, "ring full", &separator);
	put_part(b, l.undecodable, "not decodable", &separator);
	put_part(b, l.unwritten, "not written", &separator);
	put_part(b, l.unreadable, "unreadable", &separator);
	if (walked) {
		buf_puts(b, "; ");
		export_put_percent(b, complete, walked);
		buf_puts(b, " of stacks complete");
	}
	separator = "; ";
	put_part(b, p->coverage.n_filtered, "filtered out", &separator);
	if (!p->origin.ended)
		buf_puts(b, "; ended abnormally");
}

void export_losses(const struct profile *p, FILE *out)
{
	struct buf b;

	buf_init(&b);
	export_put_losses(&b, p);
	buf_putc(&b, '\n');
	flush(&b, out);
	buf_done(&b);
}
