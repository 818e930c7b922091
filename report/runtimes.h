/*
 * Who made the code that nobody described: runtimes known by what the process of a sample has
 * mapped, counted while the recording is read, told once for each in the profile.
 */
#ifndef REPORT_RUNTIMES_H
#define REPORT_RUNTIMES_H

#include <stdint.h>

#include "common/base/map.h"

struct profile;
struct space;
struct spaces;

enum { RUNTIMES_MAX = 16 };

struct runtimes {
	struct map by_space; /* generation of a space -> index + 1, 0: none that we know */
	struct {
		const struct jit_hint *hint;
		uint64_t n;
	} at[RUNTIMES_MAX];
	uint32_t n;
};

void runtimes_init(struct runtimes *r);
void runtimes_done(struct runtimes *r);
/* One sample hit memory without a file and without a name, in this process. */
void runtimes_note(struct runtimes *r, struct spaces *spaces, uint32_t pid);
/* Fills profile->advice. */
void runtimes_tell(const struct runtimes *r, struct profile *p);

#endif
