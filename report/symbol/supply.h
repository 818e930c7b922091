/*
 * Further files for debug information that is read in the jail: the child asks by id and name, the
 * parent finds the file (report/debug/) and hands it over.
 */
#ifndef REPORT_SYMBOL_SUPPLY_H
#define REPORT_SYMBOL_SUPPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "report/dwarf/dwarf.h"

struct debug;
struct debug_file;
struct object_key;

/* Questions begin with a uint32_t kind; those of other rooms from here on. */
enum { SUPPLY_KIND_END = 0x100 };

/* In the child: a dwarf_supply. ctx: the job's struct jail_cell. */
int supply_ask(void *ctx, const struct dwarf_want *want);

/* In the parent: what a job's questions are about, and those to which nothing was found. */
struct supply {
	struct debug *debug;
	const struct object_key *key;
	const struct debug_file *beside; /* the debug file at hand */
	struct buf missing;		 /* a list of missing.h; owner: supply_done */
	uint32_t n_missing;
	uint32_t n_noted; /* of them: files whose absence leaves gaps, and that are in the list */
};
void supply_init(struct supply *s, struct debug *debug, const struct object_key *key,
		 const struct debug_file *beside);
void supply_done(struct supply *s);

/* Open file for a question of supply_ask, or -1. Any bytes are a safe question. */
int supply_answer(struct supply *s, const void *question, size_t n);

/* How many questions of such a list are about files whose absence leaves gaps. */
uint32_t supply_count_gaps(const void *missing, size_t n);

/* Whether one of the questions of such a list, of an earlier report, can be answered now. */
bool supply_has_any(struct supply *s, const void *missing, size_t n);

#endif
