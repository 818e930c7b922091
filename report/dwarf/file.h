/*
 * One file with debug information as the engine sees it: bytes of sections (from sections.h, or
 * given by a test), strings out of them, and the budget of steps that all work on one question
 * shares. The main file, its dwz alternate and each split file are one of these.
 */
#ifndef REPORT_DWARF_FILE_H
#define REPORT_DWARF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/base/map.h"
#include "report/dwarf/sections.h"

struct unit;

/*
 * Steps (entries, rows, ranges, addresses compared) that may still be taken, and the first damage
 * that was found. Input as compilers write it needs about one step for two bytes.
 */
struct budget {
	uint64_t steps;
	struct err trouble;
	const char *name; /* of the file at hand, for messages */
};

static inline bool budget_take(struct budget *b, uint64_t n)
{
	if (b->steps < n) {
		b->steps = 0;
		return false;
	}
	b->steps -= n;
	return true;
}

/* Keeps the first trouble only. */
void budget_trouble(struct budget *b, const struct err *err);

struct dwarf_file {
	struct sections *sections; /* NULL: the sections below are all there is */
	struct section section[SECTION_KINDS];
	bool got[SECTION_KINDS];
	struct budget *budget;
	uint32_t id; /* tells files of one engine apart: part of keys */
	bool split;
	uint64_t text_start, text_end; /* of code as linked; 0, 0: none */
	struct unit *unit;	       /* rising by offset */
	uint32_t n_units;
	struct map abbrevs;	/* abbrev.h: key -> struct abbrevs * */
	struct dwarf_file *alt; /* dwz alternate; NULL: none */
};

/* Unpacks a section at first use. Absent or damaged: 0 bytes; damage is noted in the budget. */
const struct section *file_section_get(struct dwarf_file *f, enum section_kind kind);
static inline const struct section *file_section(struct dwarf_file *f, enum section_kind kind)
{
	return f->got[kind] ? &f->section[kind] : file_section_get(f, kind);
}

/*
 * Text at an offset of a string section: lent, *ret_n bytes without the zero. False: out of bounds
 * or not terminated within its limit.
 */
bool file_text(struct dwarf_file *f, enum section_kind kind, uint64_t off, const char **ret,
	       size_t *ret_n);

/* Whether code may lie at addr: linkers leave 0, -1, -2 and the like for what they dropped. */
static inline bool file_is_code(const struct dwarf_file *f, uint64_t addr)
{
	return addr >= f->text_start && addr < f->text_end;
}

#endif
