/*
 * What one struct dwarf is made of. Private to the room; tests open engines over bytes of their
 * own here.
 */
#ifndef REPORT_DWARF_ENGINE_H
#define REPORT_DWARF_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "report/dwarf/dwarf.h"
#include "report/dwarf/file.h"
#include "report/dwarf/index.h"
#include "report/dwarf/inlines.h"
#include "report/dwarf/names.h"

struct symtab;

/* Split files (split.h), asked for once; opened ones stay open: names are lent from them. */
struct splits {
	struct dwarf_file **file; /* a .dwo, or a unit's part of the .dwp */
	size_t n, cap;
	struct sections *package; /* the .dwp */
	bool is_package_asked;
};

struct dwarf {
	struct dwarf_input in;
	struct dwarf_file main;
	struct dwarf_file alt;
	struct budget budget;
	struct dwarf_stats stats;
	struct names names;
	struct index index;
	struct inlines inlines; /* scratch */
	struct symtab *symtab;	/* NULL: not read yet */
	struct splits splits;
	bool is_indexed;
	/* counts calls: what was put into one builder is not in the next one */
	uint32_t round;
	char *name; /* owned copy of in.name */
};

/*
 * An engine over sections that the caller lends (SECTION_KINDS of them), with code from
 * text_start to text_end. Never fails.
 */
struct dwarf *dwarf_over(const struct section *section, uint64_t text_start, uint64_t text_end);

/* Frees what a file holds, not the file. */
void file_done(struct dwarf_file *f);

/* The units' part of an answer: batch.c. */
void batch_run(struct dwarf *d, const uint64_t *addr, uint32_t n, struct answers_builder *out);

#endif
