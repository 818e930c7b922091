/*
 * DWARF 2 to 5 -> functions, inlined frames, files and lines, in batches: addresses sorted, every
 * unit that holds one read once, nothing else read beyond unit headers and root entries. Runs
 * inside the jail and outside of it alike (tests, fuzzing): every count, offset and nesting is
 * bounded by the bytes that are there and by one budget of steps.
 * Knows no recordings and no names for people (demangling is report/symbol/).
 * Source: DWARF 2, 3, 4, 5; GNU split DWARF and dwz extensions.
 */
#ifndef REPORT_DWARF_H
#define REPORT_DWARF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/format/event.h"

struct answers_builder;
struct dwarf;
struct err;

/* A further file that the debug information names. */
enum dwarf_want_kind {
	DWARF_WANT_ALT, /* dwz: .gnu_debugaltlink, or DWARF 5 .debug_sup */
	DWARF_WANT_DWO,
	DWARF_WANT_DWP, /* "NAME.dwp" beside the file at hand */
};
struct dwarf_want {
	enum dwarf_want_kind kind;
	struct build_id build_id;    /* ALT */
	uint64_t dwo_id;	     /* DWO */
	const char *name, *comp_dir; /* as the file says; hostile */
};
/* Open file descriptor, owned by the callee from then on; negative: not to be had. */
typedef int dwarf_supply(void *ctx, const struct dwarf_want *want);

struct dwarf_input {
	int fd; /* ELF file with .debug_* sections, or without (symbol tables only); lent */
	const char *name; /* for messages */
	dwarf_supply *supply;
	void *supply_ctx;
	unsigned int n_threads; /* for inflating sections; 0: by CPUs, at most 4 */
	bool no_inlines;	/* outermost function only */
	bool discriminators;	/* of line rows, in answer_frame.flags; for addr2line only */
	bool no_symtab;		/* do not fall back to symbol tables where DWARF has no function */
};

/* What was done, and what was not to be had. */
struct dwarf_stats {
	uint64_t n_units, n_units_read, n_units_bad, n_split_missing;
	uint64_t n_addrs, n_functions, n_lines, n_inlined;
	uint64_t section_bytes;
	bool has_info, has_lines; /* .debug_info / .debug_line are there */
	bool alt_missing;
};

/* -ENODATA: neither debug information nor symbols. Owner: caller. */
int dwarf_open(const struct dwarf_input *in, struct dwarf **ret, struct err *err);
void dwarf_close(struct dwarf *d);

/*
 * One answer for each address, also for those of which nothing is known (ANSWER_NONE).
 * addr: as linked, rising, no two equal. Units that were read stay indexed, so that single
 * addresses one after the other (a pipe) are cheap too. -EBADMSG: something is damaged and nothing
 * is known of any of them. Damage beside which there are answers is counted in stats, and
 * dwarf_trouble says the first of it.
 */
int dwarf_answer(struct dwarf *d, const uint64_t *addr, uint32_t n, struct answers_builder *out,
		 struct err *err);
const struct dwarf_stats *dwarf_stats(const struct dwarf *d);
const char *dwarf_trouble(const struct dwarf *d); /* first damage found; "" none */

#endif
