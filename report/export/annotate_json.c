/* Annotated functions for programs: ddprof-report(1), "JSON". */
#include "report/export/export.h"

#include <inttypes.h>

#include "common/base/bits.h"
#include "report/export/escape.h"
#include "report/export/json_parts.h"
#include "report/export/source_line.h"
#include "report/profile/annotate.h"
#include "report/profile/profile.h"

struct annotation_out {
	const struct profile *p;
	const struct export_texts *texts;
	struct buf b;
	FILE *out;
};

static void flush(struct annotation_out *o)
{
	fwrite(o->b.data, 1, o->b.n, o->out);
	buf_reset(&o->b);
}

static void put_line(struct buf *b, const struct annotate_line *l, const struct export_text *text)
{
	buf_printf(b, "\n{\"line\":%" PRIu32 ",", l->line);
	json_put_weights(b, &l->self, &l->total);
	if (text && l->line && l->line <= text->n_lines) {
		buf_puts(b, ",\"text\":\"");
		source_line_put_json(b, text, l->line);
		buf_putc(b, '"');
	}
	buf_putc(b, '}');
}

static size_t put_file(struct annotation_out *o, const struct annotate_line *line, size_t n)
{
	const char *path = profile_text(o->p, line->file), *reason = "not known";
	const struct export_text *text =
		line->file.n ? o->texts->get(o->texts->ctx, path, &reason) : NULL;
	size_t i;

	buf_puts(&o->b, "\n{");
	json_put_string(&o->b, "file", path);
	buf_putc(&o->b, ',');
	json_put_string(&o->b, text ? "source" : "no_source", text ? text->path : reason);
	if (text)
		buf_printf(&o->b, ",\"source_lines\":%" PRIu32, text->n_lines);
	buf_puts(&o->b, ",\"lines\":[");
	for (i = 0; i < n && line[i].file.n == line->file.n; i++) {
		if (i)
			buf_putc(&o->b, ',');
		put_line(&o->b, &line[i], text);
	}
	buf_puts(&o->b, "]}");
	flush(o);
	return i;
}

static void put_function(struct annotation_out *o, const struct annotate_function *f)
{
	buf_puts(&o->b, "\n{");
	json_put_weights(&o->b, &f->self, &f->total);
	buf_putc(&o->b, ',');
	json_put_function(&o->b, o->p, f->function);
	buf_puts(&o->b, ",\"files\":[");
	for (size_t i = 0; i < f->n_lines;) {
		if (i)
			buf_putc(&o->b, ',');
		i += put_file(o, f->line + i, f->n_lines - i);
	}
	buf_puts(&o->b, "]}");
}

size_t export_annotation_json(const struct profile *p, const bool *wanted,
			      const struct export_texts *texts, FILE *out)
{
	struct annotation_out o = { .p = p, .texts = texts, .out = out };
	bool more = false;
	size_t n = 0;

	buf_init(&o.b);
	buf_printf(&o.b, "{\"format\":\"ddprof-report annotate\",\"version\":%d,\n", JSON_VERSION);
	json_put_advice(&o.b, p);
	buf_puts(&o.b, ",\n\"events\":[");
	for (uint32_t s = 0; s < SOURCE_MAX; s++) {
		struct annotation a;

		if (!p->source[s].count)
			continue;
		annotation_init(&a, p, wanted, s);
		buf_puts(&o.b, more ? ",\n{" : "\n{");
		json_put_event(&o.b, &p->source[s]);
		buf_puts(&o.b, ",\"functions\":[");
		for (size_t i = 0; i < a.n; i++) {
			if (i)
				buf_putc(&o.b, ',');
			put_function(&o, &a.function[i]);
		}
		buf_puts(&o.b, "]}");
		n = MAX(n, a.n);
		more = true;
		annotation_done(&a);
	}
	buf_puts(&o.b, "]}\n");
	flush(&o);
	buf_done(&o.b);
	return n;
}
