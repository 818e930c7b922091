/*
 * A result file: written whole under another name in the same folder, then renamed, so that a
 * failure leaves nothing.
 */
#ifndef REPORT_OUTPUT_H
#define REPORT_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum { OUTPUT_START_BYTES = 64 };

struct output {
	int fd;
	const char *path; /* "-": standard output */
	char *temporary;  /* NULL for standard output */
};

/* What may be replaced: files that begin like our own. */
struct output_kind {
	const char *name; /* "a pprof profile" */
	bool (*is_ours)(const uint8_t start[OUTPUT_START_BYTES], size_t n);
};

/*
 * Created 0600: profiles tell what a program does. What exists is replaced only when it is an empty
 * file or one of this kind. Errors name the path.
 */
int output_open(const char *path, const struct output_kind *kind, struct output *ret,
		struct err *err);
int output_write(struct output *o, const void *bytes, size_t n, struct err *err);
int output_commit(struct output *o, struct err *err); /* closes */
void output_drop(struct output *o); /* removes what was written; after commit nothing */

#endif
