/* What the forms for programs share: members of an object, without a comma around them. Private. */
#ifndef REPORT_EXPORT_JSON_PARTS_H
#define REPORT_EXPORT_JSON_PARTS_H

#include "report/export/export.h"

struct profile_source;

enum { JSON_VERSION = 1 };

void json_put_string(struct buf *b, const char *key, const char *text);
/* self and total */
void json_put_weights(struct buf *b, const struct view_weight *self,
		      const struct view_weight *total);
/* module, path, build_id */
void json_put_module(struct buf *b, const struct profile *p, uint32_t at);
/* name, system_name when different, named, and its module */
void json_put_function(struct buf *b, const struct profile *p, uint32_t at);
/* event, unit, frequency_hz, samples, weight */
void json_put_event(struct buf *b, const struct profile_source *s);
/* what to do for more names, a sentence each */
void json_put_advice(struct buf *b, const struct profile *p);

#endif
