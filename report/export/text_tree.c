/*
 * Trees for reading. A function with one caller or callee stands below it at the same indentation:
 * only a fork moves to the right, and a stack of 60 frames still fits on a screen.
 */
#include "report/export/export.h"

#include <stdlib.h>

#include "report/export/escape.h"
#include "report/export/paths.h"
#include "report/export/text_parts.h"
#include "report/profile/profile.h"

struct tree_out {
	const struct profile *p;
	const struct view_tree *t;
	const struct export_style *style;
	FILE *out;
	struct buf line, indent;
	struct paths paths;
	uint64_t all;
	bool time, left_out;
};

static bool is_shown(const struct tree_out *o, uint32_t n)
{
	return text_percent(o->t->node[n].total.weight, o->all) >= o->style->min_percent;
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

	text_put_weight(b, &node->total, o->all, o->time, o->style);
	buf_printf(b, "  %6.2f %%  ", text_percent(node->self.weight, o->all));
	if (forked && o->indent.n >= 3) {
		buf_put(b, o->indent.data, o->indent.n - 3);
		buf_puts(b, "+- ");
	} else {
		buf_put(b, o->indent.data, o->indent.n);
	}
	escape_text(b, profile_text(o->p, node->name));
	if (o->style->lines && o->p->place[node->place].file.n) {
		buf_puts(b, "  ");
		paths_put_line(b, &o->paths, &o->p->place[node->place]);
	}
	buf_putc(b, '\n');
	if (b->n > FLUSH_BYTES)
		text_flush(b, o->out);
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
	struct view_tree_options view = {
		.source = source,
		.callees_first = callees_first,
		.min_weight =
			(uint64_t)((double)p->source[source].weight * style->min_percent / 100),
		.lines = style->lines,
	};
	struct view_tree t;
	struct tree_out o = { .p = p, .t = &t, .style = style, .out = out };

	view_tree(p, &view, &t);
	paths_init(&o.paths, p);
	o.all = t.node[0].total.weight;
	o.time = text_is_time(&p->source[source]);
	buf_init(&o.line);
	buf_init(&o.indent);
	text_put_title(&o.line, p, source);
	buf_printf(&o.line, "%8s %11.11s %8s  %8s  %s\n", "total",
		   o.time ? "time" : p->source[source].about.unit, "samples",
		   callees_first ? "entry" : "self",
		   callees_first ? "function, then its callers" : "function, then what it calls");
	put_tree_nodes(&o);
	if (o.left_out)
		buf_printf(&o.line, "... branches below %g %% are left out: --min=0 shows them\n",
			   style->min_percent);
	buf_putc(&o.line, '\n');
	text_flush(&o.line, out);
	buf_done(&o.line);
	buf_done(&o.indent);
	paths_done(&o.paths);
	view_tree_done(&t);
}

void export_tree(const struct profile *p, bool callees_first, const struct export_style *style,
		 FILE *out)
{
	for (uint32_t s = 0; s < SOURCE_MAX; s++)
		if (p->source[s].count)
			put_tree(p, s, callees_first, style, out);
}
