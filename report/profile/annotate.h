/*
 * Functions line by line: what each source line of a function weighs, in itself and with what was
 * called from it. A frame that was inlined counts for its own function, and for the line of the
 * call in the function that holds it.
 */
#ifndef REPORT_PROFILE_ANNOTATE_H
#define REPORT_PROFILE_ANNOTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/intern.h"
#include "report/profile/view.h"

struct profile;

struct annotate_line {
	str_id file;   /* 0: not known */
	uint32_t line; /* 0: not known */
	struct view_weight self, total;
};

struct annotate_function {
	uint32_t function; /* index in the profile */
	struct view_weight self, total;
	const struct annotate_line *line; /* by file, then line; what is not known comes first */
	size_t n_lines;
};

struct annotation {
	uint32_t source;
	struct view_weight all;		    /* of the profile */
	struct annotate_function *function; /* heaviest total first, then by name */
	size_t n;
	struct annotate_line *line; /* of all functions */
};

/*
 * Marks the functions that `symbol` means: those of exactly this name, mangled or not; else those
 * that `--symbol` would take (a shell pattern, or the name up to its parameters). ret: n_functions,
 * zeroed by the caller. Returns how many.
 */
size_t annotate_find(const struct profile *p, const char *symbol, bool *ret);

/*
 * When nothing was found: up to `max` named functions that have `symbol` in their names in upper
 * or lower case, heaviest first. Returns how many.
 */
size_t annotate_similar(const struct profile *p, const char *symbol, uint32_t *ret, size_t max);

/* Of one event source; functions without samples are left out. Owner: caller, annotation_done. */
void annotation_init(struct annotation *a, const struct profile *p, const bool *wanted,
		     uint32_t source);
void annotation_done(struct annotation *a);

#endif
