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

static void put_line(const struct buf *line, uint64_t count, FILE *out)
{
	fwrite(line->data, 1, line->n, out);
	fprintf(out, " %" PRIu64 "\n", count);
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

static void put_stacks(const struct paths *paths, const struct view_tree *t, bool lines, FILE *out)
{
	size_t *before = mem_alloc(t->n * sizeof(*before)); /* line length above each open node */
	uint32_t n = t->node[0].first_child;
	struct buf line;

	buf_init(&line);
	while (n != VIEW_NONE) {
		const struct view_node *node = &t->node[n];

		before[n] = enter(&line, paths, node, lines);
		if (node->self.count)
			put_line(&line, node->self.count, out);
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

void export_folded(const struct profile *p, bool lines, FILE *out)
{
	static const char no_frames[] = "[no stack]";
	struct view_tree_options view = { .source = VIEW_ALL_SOURCES,
					  .lines = lines,
					  .order = VIEW_BY_NAME };
	struct paths paths;
	struct view_tree t;

	view_tree(p, &view, &t);
	paths_init(&paths, p);
	if (t.node[0].self.count)
		fprintf(out, "%s %" PRIu64 "\n", no_frames, t.node[0].self.count);
	put_stacks(&paths, &t, lines, out);
	paths_done(&paths);
	view_tree_done(&t);
}
