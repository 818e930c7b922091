/*
 * What of a profile is written as pprof, under which numbers: only places, functions and modules
 * that kept samples touch. Private to the room.
 */
#ifndef REPORT_EXPORT_PPROF_NUMBERS_H
#define REPORT_EXPORT_PPROF_NUMBERS_H

#include <stdbool.h>
#include <stdint.h>

struct profile;

struct pprof_range {
	uint64_t start, limit; /* limit: first address behind */
};

struct pprof_numbers {
	const struct profile *p;
	bool flatten; /* inlined frames are locations of their own */
	/* of each place; one place of each function; 0: not used */
	uint32_t *function_id, *location_id, *mapping_id;
	uint32_t *function_place; /* of each function id */
	uint32_t n_functions;
	bool *has_inlined;	   /* of each module: some frame of it is inlined */
	struct pprof_range *range; /* of each module */
	uint32_t main_module;	   /* PROFILE_NONE: only libraries */
	uint32_t no_stack;	   /* location of samples without a stack; 0: there are none */
};

void pprof_numbers_init(struct pprof_numbers *w, const struct profile *p, bool flatten);
void pprof_numbers_done(struct pprof_numbers *w);

#endif
