#include "report/export/json_parts.h"

#include <inttypes.h>

#include "report/export/escape.h"
#include "report/profile/profile.h"

void json_put_string(struct buf *b, const char *key, const char *text)
{
	buf_printf(b, "\"%s\":\"", key);
	escape_json(b, text);
	buf_putc(b, '"');
}

void json_put_weights(struct buf *b, const struct view_weight *self,
		      const struct view_weight *total)
{
	buf_printf(b,
		   "\"self\":{\"samples\":%" PRIu64 ",\"weight\":%" PRIu64
		   "},\"total\":{\"samples\":%" PRIu64 ",\"weight\":%" PRIu64 "}",
		   self->count, self->weight, total->count, total->weight);
}

void json_put_module(struct buf *b, const struct profile *p, uint32_t at)
{
	const struct profile_module *m = &p->module[at];

	json_put_string(b, "module", profile_text(p, m->name));
	buf_putc(b, ',');
	json_put_string(b, "path", profile_text(p, m->path));
	if (!m->build_id.n)
		return;
	buf_puts(b, ",\"build_id\":\"");
	for (unsigned int i = 0; i < m->build_id.n; i++)
		buf_printf(b, "%02x", m->build_id.bytes[i]);
	buf_putc(b, '"');
}

void json_put_function(struct buf *b, const struct profile *p, uint32_t at)
{
	const struct profile_function *f = &p->function[at];

	json_put_string(b, "name", profile_text(p, f->name));
	if (f->system_name.n != f->name.n) {
		buf_putc(b, ',');
		json_put_string(b, "system_name", profile_text(p, f->system_name));
	}
	buf_printf(b, ",\"named\":%s,", f->named ? "true" : "false");
	json_put_module(b, p, f->module);
}

void json_put_event(struct buf *b, const struct profile_source *s)
{
	json_put_string(b, "event", s->about.name);
	buf_putc(b, ',');
	json_put_string(b, "unit", s->about.unit);
	buf_printf(b, ",\"frequency_hz\":%" PRIu64 ",\"samples\":%" PRIu64 ",\"weight\":%" PRIu64,
		   s->about.frequency_hz, s->count, s->weight);
	if (s->off_ns)
		buf_printf(b, ",\"off_ns\":%" PRIu64, s->off_ns);
}

void json_put_advice(struct buf *b, const struct profile *p)
{
	buf_puts(b, "\"advice\":[");
	for (uint32_t i = 0; i < p->n_advice; i++) {
		buf_puts(b, i ? ",\"" : "\"");
		escape_json(b, profile_text(p, p->advice[i]));
		buf_putc(b, '"');
	}
	buf_putc(b, ']');
}
