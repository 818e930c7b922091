/*
 * The header of a line program: parameters, directories, files. Private to lines.c.
 */
#ifndef REPORT_DWARF_LINE_HEADER_H
#define REPORT_DWARF_LINE_HEADER_H

#include <stdbool.h>

#include "report/dwarf/lines.h"

/* Fills l, whose unit is set; false: damaged, said in the budget. */
bool line_header_read(struct lines *l);

void line_header_file(struct lines *l, const struct line_text *file);

#endif
