/*
 * Numbers for source lines: places that are the same to a reader get the same one. Private to the
 * room.
 */
#ifndef REPORT_PROFILE_LINES_H
#define REPORT_PROFILE_LINES_H

#include <stdint.h>

struct profile;

/* What is one line: */
enum lines_by {
	LINES_OF_FUNCTIONS, /* function (of one module), file and line */
	LINES_OF_NAMES,	    /* name of a function, file and line */
	LINES_ALONE,	    /* file and line; the function where the line is not known */
};

struct lines {
	uint32_t *key;	 /* of each place; 0 .. n - 1; LINES_NONE: the place has no function */
	uint32_t *place; /* of each key: the first such place */
	uint32_t n;
};
enum { LINES_NONE = UINT32_MAX };

void lines_init(struct lines *l, const struct profile *p, enum lines_by by);
void lines_done(struct lines *l);

#endif
