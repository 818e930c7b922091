/*
 * ddprof.toml: each key is an option's long name, '-' or '_', and its value the option's argument;
 * true and false switch options without one. A key may stand several times where the option may.
 */
#ifndef RECORD_CONFIGURATION_H
#define RECORD_CONFIGURATION_H

#include "common/base/opt.h"
#include "record/given.h"

struct arena;
struct err;

#define CONFIGURATION_DEFAULT "./ddprof.toml"

/*
 * Adds the file's values to `given`. path NULL: the default file; nothing happens where there is
 * none, and one that somebody else could have put there (not the user's or root's, or writable for
 * everybody) is left alone with a warning. "none": no file.
 * Unknown keys are warned about, with place and nearest name. 0, or negative: "FILE:LINE:COLUMN:
 * ...". *ret_name: the file that was read, NULL: none. What `given` borrows lives in `arena`.
 */
int configuration_read(const char *path, const struct opt *table, struct given *given,
		       struct arena *arena, const char **ret_name, struct err *err);

#endif
