/*
 * Line programs, versions 2 to 5: file tables, and addresses -> rows. A program is run against
 * sorted addresses without keeping its rows; a unit that is asked again keeps them.
 * Source: DWARF 5, 6.2; DWARF 4, 6.2 (tables of directories and files before version 5).
 */
#ifndef REPORT_DWARF_LINES_H
#define REPORT_DWARF_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/cursor.h"
#include "report/dwarf/unit.h"

struct line_text {
	const char *text; /* lent from its section; not terminated within n */
	size_t n;
	uint64_t dir; /* of a file: index of its directory */
};

/* A row of the table, as far as names need it. */
struct line_row {
	uint64_t addr;
	uint32_t file, line, column, discriminator;
	bool known; /* of an answer: there was a row */
};

/* A row and the address of the next one. */
struct line_span {
	struct line_row row;
	uint64_t end;
};

struct lines {
	struct unit *unit;
	uint8_t version, min_inst, line_range, opcode_base;
	int8_t line_base;
	const uint8_t *opcode_lengths;
	struct encoding encoding;
	struct cursor program;
	struct line_text *dir, *file;
	size_t n_dirs, dirs_cap, n_files, files_cap;
	uint32_t n_matches;	/* how often the program was run */
	struct line_span *span; /* kept rows, rising, without overlaps */
	size_t n_spans, spans_cap;
	bool is_overlapping; /* rows cannot be kept: the program's order matters */
	/* for the caller's use: what it made of file i; files_cap entries */
	uint32_t *file_mark;
	uint32_t mark_owner;
};

/* The line table of a unit (of a split one: of its skeleton), kept with it. NULL: none. */
struct lines *lines_get(struct unit *u);
void lines_free(struct lines *l);

/*
 * addr: rising, n of them. ret[i].known: false where no row holds addr[i]. A step of the budget for
 * each byte of the program.
 */
void lines_match(struct lines *l, const uint64_t *addr, uint32_t n, struct budget *budget,
		 struct line_row *ret);

/* Code that the program covers: for units whose root does not say. */
typedef void lines_got(void *ctx, uint64_t begin, uint64_t end);
void lines_each_run(struct lines *l, lines_got *got, void *ctx);

/* Full path of a file of the table, replacing what is in ret; false: there is no such file. */
bool lines_path(const struct lines *l, uint64_t file, struct buf *ret);

#endif
