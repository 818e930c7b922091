/*
 * What a child of addr2line does in the jail, and what it and its parent say to each other.
 *
 *	result   head | answers (report/symbol/answer.h)
 *	NEXT     kind, more | a piece of a result        ->  addresses; none: it is over
 *	DEBUG    kind                                    ->  an open file, or none
 *	below SUPPLY_KIND_END: a file that debug information names (report/symbol/supply.h)
 */
#ifndef REPORT_ADDR2LINE_CHILD_H
#define REPORT_ADDR2LINE_CHILD_H

#include <stddef.h>
#include <stdint.h>

#include "report/symbol/supply.h"

struct err;
struct jail_cell;

enum {
	ASK_NEXT = SUPPLY_KIND_END,
	ASK_DEBUG,
	TALK_ADDRESSES_MAX = 1024,
	TROUBLE_BYTES = 240,
};

struct addr2line_question {
	uint32_t kind;
	uint32_t more; /* the result goes on in the next question */
};

/* In front of the answers: the section that addresses are relative to, and what is damaged. */
struct addr2line_head {
	uint64_t base;		     /* added to each address */
	uint64_t limit;		     /* addresses from here on are outside */
	char trouble[TROUBLE_BYTES]; /* zero-terminated if nobody lies; "": nothing */
};

/* What a child is started for. */
struct addr2line_child {
	int fd;
	const char *path;
	const char *section;	/* NULL: addresses are as linked */
	const uint64_t *wanted; /* rising, no two equal; not of a conversation */
	size_t n_wanted;
	const char *symbol; /* to find */
};

/* How many of n rising addresses lie in the section; the rest is behind it. */
size_t addr2line_inside(const struct addr2line_head *head, const uint64_t *addr, size_t n);

/*
 * Bodies of jobs: all addresses at once, or those that it gets for asking. -ENOENT: no such
 * section; else as of sections_open and dwarf_open.
 */
int addr2line_batch(const struct addr2line_child *c, struct jail_cell *cell, struct err *err);
/* Result: the symbol's address, 8 bytes; nothing: there is none. */
int addr2line_find(const struct addr2line_child *c, struct jail_cell *cell, struct err *err);
int addr2line_talk(const struct addr2line_child *c, struct jail_cell *cell, struct err *err);

#endif
