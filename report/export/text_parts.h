/* What tables and trees share. Private to the room. */
#ifndef REPORT_EXPORT_TEXT_PARTS_H
#define REPORT_EXPORT_TEXT_PARTS_H

#include "report/export/export.h"

struct profile_source;

enum { FLUSH_BYTES = 64 << 10 };

double text_percent(uint64_t part, uint64_t all);
void text_flush(struct buf *b, FILE *out);
bool text_is_time(const struct profile_source *s);

/* "sCPU: 24 118 samples, 24.118 s", and an empty line. */
void text_put_title(struct buf *b, const struct profile *p, uint32_t source);
/* "  12.34 %", coloured by how much it is. */
void text_put_share(struct buf *b, uint64_t part, uint64_t all, const struct export_style *style);
/* Share, weight and samples, in columns; the colour says how hot. */
void text_put_weight(struct buf *b, const struct view_weight *w, uint64_t all, bool time,
		     const struct export_style *style);

#endif
