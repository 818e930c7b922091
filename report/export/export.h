/*
 * The ways out of a profile. All write whole results in a fixed order: equal profiles give equal
 * bytes. Strings pass through escape.h. Nothing here knows recordings or addresses of this machine.
 */
#ifndef REPORT_EXPORT_H
#define REPORT_EXPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/base/buf.h"
#include "report/export/escape.h"
#include "report/profile/view.h"

struct err;
struct profile;
struct unsampled_table; /* common/format/unsampled.h */

struct export_style {
	bool colour;
	bool lines;	    /* files and lines beside functions */
	uint32_t limit;	    /* rows of a table at most; 0: all */
	double min_percent; /* tree: branches below this are left out */
	uint32_t columns;   /* annotated source: of the terminal; 0: no edge */
	uint32_t context;   /* annotated source: lines around those with samples */
};
enum { EXPORT_CONTEXT_ALL = UINT32_MAX /* all lines between those with samples */ };

/* Tables and trees of one event source, then one line about losses for the whole recording. */
void export_flat(const struct profile *p, enum view_by by, const struct export_style *style,
		 FILE *out);
void export_tree(const struct profile *p, bool callees_first, const struct export_style *style,
		 FILE *out);
void export_losses(const struct profile *p, FILE *out);
void export_put_losses(struct buf *b, const struct profile *p); /* the same line without its end */
/* One line about programs that the kernel gave no samples of; nothing where there are none. */
void export_unsampled(const struct profile *p, FILE *out);
void export_put_unsampled(struct buf *b, const struct profile *p); /* without its end */
/* ,"unsampled":[{"name":"sudo","reason":"setuid","processes":3}] without the comma */
void export_put_unsampled_json(struct buf *b, const struct unsampled_table *t);

/*
 * One line a distinct stack, root first, samples last (of measured time: microseconds); lines in
 * order of their text. With `lines` a frame is "f app.c:12". Of one event source alone, as nothing
 * adds up otherwise: the first that has samples.
 */
void export_folded(const struct profile *p, bool lines, FILE *out);
/* Which one that is, and how many there are. */
uint32_t export_folded_source(const struct profile *p, uint32_t *ret_n);

/* ddprof-report(1), "JSON". */
void export_json(const struct profile *p, enum view_by by, FILE *out);

/* A source file: line i + 1 is bytes[start[i] .. start[i + 1]), with its end. Any bytes. */
struct export_text {
	const char *path; /* where it lies */
	const char *bytes;
	const uint32_t *start; /* n_lines + 1 */
	uint32_t n_lines;
};

/* Source files, from whoever may open any. NULL: ret_reason says why. Both lent until the next. */
typedef const struct export_text *export_text_get(void *ctx, const char *path,
						  const char **ret_reason);
struct export_texts {
	export_text_get *get;
	void *ctx;
};

/*
 * The functions marked in `wanted` (n_functions) line by line, for people and for programs. Returns
 * how many functions had samples.
 */
size_t export_annotation(const struct profile *p, const bool *wanted,
			 const struct export_texts *texts, const struct export_style *style,
			 FILE *out);
size_t export_annotation_json(const struct profile *p, const bool *wanted,
			      const struct export_texts *texts, FILE *out);

/*
 * Gzip-compressed pprof. A location is an address with the lines of its inlined frames, or one
 * frame with flatten_inlines. 0, or -EFBIG over its limits, or what zlib said.
 */
int export_pprof(const struct profile *p, bool flatten_inlines, struct buf *ret, struct err *err);

/* Shared by the text forms: "12.3 %", "1.234 s", "40 118". */
void export_put_percent(struct buf *b, uint64_t part, uint64_t all);
void export_put_time(struct buf *b, uint64_t ns);
void export_put_count(struct buf *b, uint64_t n);

#endif
