/*
 * Split DWARF: a skeleton in the main file, its entries in a .dwo file of its own or in a .dwp
 * that packs all of them.
 * Source: DWARF 5, 3.1.2, 7.3.2, 7.3.5; GNU split DWARF (version 2 of the index) for DWARF 4.
 */
#ifndef REPORT_DWARF_SPLIT_H
#define REPORT_DWARF_SPLIT_H

#include "report/dwarf/engine.h"
#include "report/dwarf/unit.h"

/* The unit with the entries of skeleton u, or NULL: not to be had (counted). */
struct unit *split_get(struct dwarf *d, struct unit *u);

void splits_done(struct dwarf *d);

#endif
