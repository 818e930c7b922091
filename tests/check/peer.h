/*
 * A second decoder of debug information, libdwarf's, in the simplest form that can be right: all
 * functions and inlined bodies of a file with their ranges, all rows of its line tables, searched
 * from one end to the other. What ours must agree with; tests/check/dwarf.c compares.
 */
#ifndef TESTS_CHECK_PEER_H
#define TESTS_CHECK_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PEER_NONE = UINT32_MAX };

/* A function, or a body that was inlined into its parent. */
struct peer_scope {
	const char *name; /* linkage name where there is one; NULL: none */
	uint32_t parent;  /* PEER_NONE: a function */
	uint32_t depth;	  /* 0: a function */
	uint32_t unit;
	const char *call_file;
	uint64_t call_line, call_column;
};

struct peer_range {
	uint64_t begin, end;
	uint32_t scope;
};

struct peer_row {
	uint64_t addr, line, column;
	const char *file;
	/*
	 * Version 5, when libdwarf says file 0: file 1, which the register starts with (DWARF 5,
	 * 6.2.2); libdwarf of 2021 starts with 0, as binutils 2.40 does.
	 */
	const char *file_at_start;
	uint32_t unit;
	bool is_end; /* of a sequence */
};

struct peer {
	struct peer_scope *scope;
	size_t n_scopes, scopes_cap;
	struct peer_range *range;
	size_t n_ranges, ranges_cap;
	struct peer_row *row; /* as they stand in their programs, unit after unit */
	size_t n_rows, rows_cap;
	uint32_t n_units;
	uint32_t n_refused; /* lists of ranges and of files that libdwarf could not read */
	uint64_t text_start, text_end; /* ranges outside are left out */
};

/*
 * Reads `path`; entries of its skeletons out of `further` (n of them: .dwo files or one .dwp; a
 * file of another suffix is dwz's alternate). Strings and all else live until the process ends.
 * False: libdwarf refuses the file.
 */
bool peer_read(struct peer *p, const char *path, char *const *further, int n_further);

/* The innermost scope around addr: of the function with the smallest range; PEER_NONE. */
uint32_t peer_find(const struct peer *p, uint64_t addr);

/* The row that holds addr in the tables of one unit; NULL: none. */
const struct peer_row *peer_row_find(const struct peer *p, uint32_t unit, uint64_t addr);

#endif
