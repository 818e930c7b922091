/*
 * Depth first over the tree of names with one growing line: "root;main;f", then its count. Children
 * are visited in the order of their names, which makes the output independent of the order of
 * samples.
 */
#include "report/export/export.h"

#include <inttypes.h>
#include <stdlib.h>

#include "report/export/escape.h"
#include "report/export/paths.h"
#include "report/profile/profile.h"

/* Samples are counted; time that was measured is told in microseconds. */
static uint64_t value_of(const struct profile_source *s, const struct view_weight *w)
{
	return s->time != TIME_SAMPLED ? w->weight / 1000 : w->count;
}

static void put_line(const struct buf *line, uint64_t value, FILE *out)
{
	if (!value)
		return;
	fwrite(line->data, 1, line->n, out);
	fprintf(out, " %" PRIu64 "\n", value);
}

/* Appends the node's name, "f" or "f app.c:12", and returns where the line ended before. */
static size_t enter(struct buf *line, const struct paths *paths, const struct view_node *node,
		    bool lines)
{
	const struct profile_place *place = &paths->p->place[node->place];
	size_t before = line->n;

	if (before)
		buf_putc(line, ';');
	escape_folded(line, profile_text(paths->p, node->name));
	if (lines && place->file.n) {
		buf_putc(line, ' ');
		escape_folded(line, paths_short(paths, place->file));
		if (place->line)
			buf_printf(line, ":%" PRIu32, place->line);
	}
	return before;
}

static void put_stacks(const struct paths *paths, const struct view_tree *t, uint32_t source,
		       bool lines, FILE *out)
{
	const struct profile_source *s = &paths->p->source[source];
	size_t *before = mem_alloc(t->n * sizeof(*before)); /* line length above each open node */
	uint32_t n = t->node[0].first_child;
	struct buf line;

	buf_init(&line);
	while (n != VIEW_NONE) {
		const struct view_node *node = &t->node[n];

		before[n] = enter(&line, paths, node, lines);
		put_line(&line, value_of(s, &node->self), out);
		if (node->first_child != VIEW_NONE) {
			n = node->first_child;
			continue;
		}
		while (n && t->node[n].next_sibling == VIEW_NONE) {
			line.n = before[n];
			n = t->node[n].parent;
		}
		if (!n)
			break;
		line.n = before[n];
		n = t->node[n].next_sibling;
	}
	buf_done(&line);
	free(before);
}

uint32_t export_folded_source(const struct profile *p, uint32_t *ret_n)
{
	uint32_t first = SOURCE_MAX, n = 0;

	for (uint32_t s = SOURCE_MAX; s-- > 0;) {
		if (!p->source[s].count)
			continue;
		first = s;
		n++;
	}
	*ret_n = n;
	return n ? first : 0;
}

void export_folded(const struct profile *p, bool lines, FILE *out)
{
	static const char no_frames[] = "[no stack]";
	struct view_tree_options view = { .lines = lines, .order = VIEW_BY_NAME };
	uint32_t n_sources;
	struct paths paths;
	struct view_tree t;

	view.source = export_folded_source(p, &n_sources);
	view_tree(p, &view, &t);
	paths_init(&paths, p);
	if (t.node[0].self.count)
		fprintf(out, "%s %" PRIu64 "\n", no_frames,
			value_of(&p->source[view.source], &t.node[0].self));
	put_stacks(&paths, &t, view.source, lines, out);
	paths_done(&paths);
	view_tree_done(&t);
}
