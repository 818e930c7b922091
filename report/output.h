/*
 * A result file: written whole under another name in the same folder, then renamed, so that a
 * failure leaves nothing.
 */
#ifndef REPORT_OUTPUT_H
#define REPORT_OUTPUT_H

#include <stddef.h>

struct err;

struct output {
	int fd;
	const char *path; /* "-": standard output */
	char *temporary;  /* NULL for standard output */
};

/* Created 0600: profiles tell what a program does. Errors name the path. */
int output_open(const char *path, struct output *ret, struct err *err);
int output_write(struct output *o, const void *bytes, size_t n, struct err *err);
int output_commit(struct output *o, struct err *err); /* closes */
void output_drop(struct output *o); /* removes what was written; after commit nothing */

#endif
