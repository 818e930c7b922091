/* Shares of the others look larger than they were: a profile says so where it is seen. */
#include <inttypes.h>

#include "common/format/unsampled.h"
#include "report/export/export.h"
#include "report/profile/profile.h"

void export_put_unsampled(struct buf *b, const struct profile *p)
{
	char text[UNSAMPLED_TEXT_MAX];
	bool any;

	unsampled_describe(&p->origin.unsampled, text, sizeof(text));
	any = text[0];
	escape_text(b, text);
	if (any)
		buf_puts(b, "; nor could what they started");
	unsampled_describe_hidden(&p->origin.unsampled, text, sizeof(text));
	if (text[0] && any)
		buf_puts(b, "; ");
	escape_text(b, text);
}

void export_unsampled(const struct profile *p, FILE *out)
{
	struct buf b;

	buf_init(&b);
	export_put_unsampled(&b, p);
	if (b.n)
		fprintf(out, "%s\n\n", buf_text(&b));
	buf_done(&b);
}

void export_put_unsampled_json(struct buf *b, const struct unsampled_table *t)
{
	buf_puts(b, "\"unsampled\":[");
	for (uint32_t i = 0; i < t->n; i++) {
		buf_puts(b, i ? ",{\"name\":\"" : "{\"name\":\"");
		escape_json(b, t->at[i].name);
		buf_printf(b, "\",\"reason\":\"%s\",\"processes\":%" PRIu64 "}",
			   unsampled_reason_text(t->at[i].reason), t->at[i].n);
	}
	buf_putc(b, ']');
}
