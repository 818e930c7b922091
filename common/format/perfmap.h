/*
 * Perf maps: text files in which a runtime names the code that it made, a line each.
 * Source: Linux tools/perf/Documentation/jit-interface.txt.
 */
#ifndef COMMON_FORMAT_PERFMAP_H
#define COMMON_FORMAT_PERFMAP_H

#include <stdbool.h>
#include <stddef.h>

#include "common/format/jit.h"

/*
 * "3ef414c0 398 RegExp:[{(]": start and size, hexadecimal with or without 0x, then the name to the
 * end of the line (without its newline). Fills addr, size, name of *ret; the name is put into
 * `name` of JIT_TEXT_MAX + 1 bytes. False: it is no such line.
 */
bool perfmap_parse_line(const char *line, size_t n, char *name, struct jit_record *ret);

#endif
