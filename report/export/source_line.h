/* Lines of source files on their way out: hostile bytes as well. Private to the room. */
#ifndef REPORT_EXPORT_SOURCE_LINE_H
#define REPORT_EXPORT_SOURCE_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "report/export/export.h"

/*
 * For people: tabs are blanks, other control characters escaped, at most `columns` wide. False:
 * nothing is in it. number: 1 .. n_lines.
 */
bool source_line_put(struct buf *b, const struct export_text *t, uint32_t number, uint32_t columns);

/* Between quotes of JSON; a longer line is cut. */
void source_line_put_json(struct buf *b, const struct export_text *t, uint32_t number);

#endif
