/*
 * From a recording to its profile. The order of the stages stands in pipeline.c and nowhere else:
 * read -> spaces -> early filters -> unwind -> off-CPU time -> tree -> names -> late filters.
 */
#ifndef REPORT_PIPELINE_H
#define REPORT_PIPELINE_H

#include <stdbool.h>

#include "report/debug/debug.h"
#include "report/profile/filter.h"

struct err;
struct profile;
struct recording;

struct pipeline_options {
	struct filter filter;
	bool no_local_files;	    /* names and unwind tables from the recording alone */
	bool wall;		    /* all time as one source: -ENODATA without off-CPU time */
	bool no_names;		    /* only completeness is wanted: nothing is symbolized */
	bool no_inlines;	    /* --inline=no: the function whose code it is stands alone */
	struct debug_options debug; /* --debug-dir, --debuginfod */
	bool no_cache;		    /* names are neither taken from the cache nor put there */
	void (*progress)(void *ctx, uint64_t n_samples); /* now and then; may be NULL */
	void *progress_ctx;
};

/*
 * Damage is no failure: it shows in recording_state and in the profile. -ENODATA: `wall` without
 * off-CPU time. Owner: caller, profile_free.
 */
int pipeline_run(struct recording *recording, const struct pipeline_options *o,
		 struct profile **ret, struct err *err);

#endif
