/*
 * What the files of a profile lack: names, lines, or the file itself, by share of samples. Files
 * only: the kernel, the vDSO and code made at run time have no debug file to be had.
 */
#ifndef REPORT_MISSING_H
#define REPORT_MISSING_H

#include <stddef.h>
#include <stdint.h>

struct buf;
struct profile;
struct profile_module;

enum missing_what {
	MISSING_NAMES = 1, /* of some functions at least */
	MISSING_LINES = 2, /* lines and inlined frames, of some functions at least */
	MISSING_PARTS = 8, /* files that its debug information refers to: .dwo, dwz */
	MISSING_FILE = 4,  /* neither recorded nor here: stacks end in it */
};

/* How many of a module's functions have names, as far as its tables tell. */
enum missing_names { NAMES_NONE, NAMES_EXPORTED, NAMES_ALL };

struct missing_row {
	uint32_t module;
	unsigned int what;    /* a set of missing_what, not empty */
	uint64_t self, total; /* samples in it; samples whose stack goes through it */
};

struct missing {
	struct missing_row *row; /* by self, total, path, build-id */
	size_t n;
	uint64_t self;	    /* of all rows */
	uint64_t n_samples; /* of the profile, all event sources */
};

/* Owner: caller, missing_done. */
void missing_find(const struct profile *p, struct missing *ret);
void missing_done(struct missing *m);

/* What one module lacks; 0: nothing, or it is no file. */
unsigned int missing_of(const struct profile *p, const struct profile_module *m);

enum missing_names missing_names_of(const struct profile_module *m);
const char *missing_names_text(enum missing_names names); /* "all", "exported", "none" */

/* The module's path as a file's: without what the kernel put behind one that is deleted. */
void missing_put_path(const struct profile *p, const struct profile_module *m, struct buf *ret);

/*
 * For the end of a report: "12.3 % of samples are in 2 files without names or lines: ddprof-report
 * missing FILE", without the line's end. Nothing when less than a percent is. recording: its path
 * as the user gave it; '-' cannot be read again and is not named.
 */
void missing_put_line(const struct profile *p, const char *recording, struct buf *ret);

#endif
