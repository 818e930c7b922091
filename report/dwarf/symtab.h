/*
 * Symbol tables, for addresses that no unit has a function for: assembly, code of others without
 * debug information, clones whose entries compilers dropped.
 */
#ifndef REPORT_DWARF_SYMTAB_H
#define REPORT_DWARF_SYMTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/dwarf/file.h"

struct symtab;

/* Functions of .symtab and .dynsym, sorted. Never NULL. Names are lent from the file's sections. */
struct symtab *symtab_new(struct dwarf_file *f);
void symtab_free(struct symtab *t);

struct symtab_name {
	const char *text; /* n bytes, without "@VERSION" */
	size_t n;
	uint64_t start;
};

/* The best symbol whose size covers addr; else one of size 0 that starts last before it. */
bool symtab_find(const struct symtab *t, uint64_t addr, struct budget *budget,
		 struct symtab_name *ret);

#endif
