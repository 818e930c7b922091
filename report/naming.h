/* Places, modules and functions of a profile get their names: the stage between tree and views. */
#ifndef REPORT_NAMING_H
#define REPORT_NAMING_H

#include <stdbool.h>

struct jit;
struct profile;
struct debug;
struct recording;
struct symbol_cache;
struct spaces;
struct unwinder;

struct naming {
	struct profile *profile; /* sealed */
	struct recording *recording;
	struct spaces *spaces;
	struct unwinder *unwinder;
	const struct jit *jit;
	bool use_local;	 /* files of this machine may fill what the recording lacks */
	struct debug *debug;	    /* NULL: no debug files */
	struct symbol_cache *cache; /* NULL: none */
	bool no_names;	 /* modules only; functions stay unnamed */
	bool no_inlines; /* functions whose code it is, without those inlined into them */
};

/*
 * Fills profile->place, ->module, ->function. Every place of the tree has a function afterwards;
 * inlined frames are places, and not yet nodes (profile_expand).
 */
void naming_run(const struct naming *n);

#endif
