/*
 * A profile as people and programs look at it: a flat table with self and total, or a tree of
 * names. Everything is sorted here (heaviest first, then by name), so that equal input gives equal
 * bytes.
 */
#ifndef REPORT_PROFILE_VIEW_H
#define REPORT_PROFILE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/intern.h"

struct profile;

enum view_by {
	VIEW_FUNCTION,
	VIEW_MODULE,
	VIEW_THREAD,
	VIEW_PROCESS,
	VIEW_ADDRESS,	    /* with its inlined frames: the innermost place stands for them */
	VIEW_LINE,	    /* lines of files, functions where no line is known */
	VIEW_FUNCTION_LINE, /* functions, a row for each of their lines */
	VIEW_BYS
};

struct view_weight {
	uint64_t count, weight; /* samples; units of the source */
};

struct view_row {
	/* index of the function, module, thread or place (address, lines) */
	uint32_t at;
	struct view_weight self,
		total; /* total: samples with this anywhere in the stack, each once */
};

struct view_flat {
	enum view_by by;
	uint32_t source;
	struct view_weight all;
	struct view_row *row; /* sorted by self, total, text */
	size_t n;
};

/*
 * Rows of one event source. VIEW_THREAD joins threads of equal (pid, tid, name), VIEW_PROCESS those
 * of equal pid and process name: `at` is then the first of them. Owner: caller, view_flat_done.
 */
void view_flat(const struct profile *p, enum view_by by, uint32_t source, struct view_flat *ret);
void view_flat_done(struct view_flat *v);

enum { VIEW_NONE = UINT32_MAX, VIEW_ALL_SOURCES = UINT32_MAX };

/* Functions of one name are one node, or, with `lines`, those at one line. Node 0 is the root. */
struct view_node {
	uint32_t parent;
	str_id name;
	uint32_t label; /* what makes it one: same label and parent */
	uint32_t place; /* one of the profile's that are this node: file and line with `lines` */
	uint32_t first_child, next_sibling; /* VIEW_NONE: no more; heaviest first, or by name */
	struct view_weight self, total;
};

struct view_tree {
	struct view_node *node;
	size_t n, cap;
};

enum view_order { VIEW_BY_WEIGHT, VIEW_BY_NAME };

struct view_tree_options {
	uint32_t source; /* or VIEW_ALL_SOURCES */
	/*
	 * Children of the root are the functions that ran, their children who called them; branches
	 * lighter than min_weight then end at their first node (callers first they are all there).
	 */
	bool callees_first;
	uint64_t min_weight;
	bool lines;
	enum view_order order;
};

/* Owner: caller, view_tree_done. */
void view_tree(const struct profile *p, const struct view_tree_options *o, struct view_tree *ret);
void view_tree_done(struct view_tree *t);

#endif
