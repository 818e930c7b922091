/*
 * What was given for options, and by whom: command line before configuration file before
 * environment. Setters run when all is known, so that a value that was overruled is never looked
 * at, and -e replaces the events of the environment instead of adding to them.
 */
#ifndef RECORD_GIVEN_H
#define RECORD_GIVEN_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/opt.h"

struct err;

enum given_origin { GIVEN_ENVIRONMENT, GIVEN_FILE, GIVEN_WORDS, GIVEN_ORIGINS };

/* Own flags of rows. */
enum {
	GIVEN_LENIENT = OPT_FIRST_OWN,		/* wrong in the environment: a warning */
	GIVEN_NOT_IN_FILE = OPT_FIRST_OWN << 1, /* no key of the configuration file */
	GIVEN_NEXT_FLAG = OPT_FIRST_OWN << 2,
};

struct given_value {
	const struct opt *opt;
	const char *value; /* borrowed; NULL: none */
	enum given_origin origin;
	const char *place; /* GIVEN_FILE: "ddprof.toml:3:7"; otherwise NULL */
};

struct given {
	struct given_value *value; /* in the order of their origins, then as given */
	size_t n, cap;
};

/*
 * Adds behind the others; origins come in their order. What a lower origin said of the same option
 * is dropped, and what the same origin said unless it is OPT_MANY.
 */
void given_add(struct given *g, const struct opt *opt, const char *value, enum given_origin origin,
	       const char *place);
/* Calls the setters; the first that fails ends it, with the value's origin in front of its text. */
int given_apply(const struct given *g, void *ctx, struct err *err);
/* The last value of an option; NULL: none. */
const struct given_value *given_find(const struct given *g, const char *name);
const char *given_origin_text(enum given_origin origin);
void given_done(struct given *g);

#endif
