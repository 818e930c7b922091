/*
 * Strings of a recording on their way out. A task name or symbol may hold any bytes: each exit has
 * its own function here, and no other way is taken. All make valid UTF-8.
 */
#ifndef REPORT_EXPORT_ESCAPE_H
#define REPORT_EXPORT_ESCAPE_H

#include "common/base/buf.h"

/* Terminal and text: control characters and invalid UTF-8 become "\xNN" (a literal '\' stays). */
void escape_text(struct buf *b, const char *text);

/* Folded stacks: as text, and ';' becomes ':'. */
void escape_folded(struct buf *b, const char *text);

/* Between quotes of JSON, quotes not included; invalid UTF-8 becomes U+FFFD. */
void escape_json(struct buf *b, const char *text);

/* pprof: bytes as they are, invalid UTF-8 becomes U+FFFD. */
void escape_utf8(struct buf *b, const char *text);

#endif
