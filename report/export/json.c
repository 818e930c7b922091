/*
 * The form for programs, version 1: ddprof-report(1), "JSON". Fields are only ever added within a
 * version; all numbers are exact integers, percentages are the reader's business.
 */
#include "report/export/export.h"

#include <inttypes.h>

#include "report/export/json_parts.h"
#include "report/profile/profile.h"

static const char *const by_name[VIEW_BYS] = {
	[VIEW_FUNCTION] = "function",	   [VIEW_MODULE] = "module",   [VIEW_THREAD] = "thread",
	[VIEW_PROCESS] = "process",	   [VIEW_ADDRESS] = "address", [VIEW_LINE] = "line",
	[VIEW_FUNCTION_LINE] = "function",
};

/* File and line where they are known, each behind a comma. */
static void put_source_line(struct buf *b, const struct profile *p, const struct profile_place *at)
{
	if (at->file.n) {
		buf_putc(b, ',');
		json_put_string(b, "file", profile_text(p, at->file));
	}
	if (at->line)
		buf_printf(b, ",\"line\":%" PRIu32, at->line);
}

static void put_frame(struct buf *b, const struct profile *p, const struct profile_place *at)
{
	const struct profile_function *f = &p->function[at->function];

	buf_putc(b, '{');
	json_put_string(b, "name", profile_text(p, f->name));
	put_source_line(b, p, at);
	if (at->column)
		buf_printf(b, ",\"column\":%" PRIu32, at->column);
	buf_printf(b, ",\"inlined\":%s}", at->inlined ? "true" : "false");
}

/* All frames of an address, innermost first. */
static void put_frames(struct buf *b, const struct profile *p, uint32_t innermost)
{
	const struct profile_place *at = &p->place[innermost];
	const struct profile_place *code = at->inlined ? &p->place[at->inner] : at;

	buf_puts(b, ",\"frames\":[");
	for (uint32_t i = code->n_inner; i-- > 0;) {
		put_frame(b, p, &p->place[code->inner + i]);
		buf_putc(b, ',');
	}
	put_frame(b, p, code);
	buf_putc(b, ']');
}

static void put_row(struct buf *b, const struct profile *p, enum view_by by,
		    const struct view_row *row)
{
	const struct profile_thread *t;

	buf_putc(b, '{');
	json_put_weights(b, &row->self, &row->total);
	buf_putc(b, ',');
	switch (by) {
	case VIEW_FUNCTION:
		json_put_function(b, p, row->at);
		break;
	case VIEW_MODULE:
		json_put_module(b, p, row->at);
		break;
	case VIEW_THREAD:
		t = &p->thread[row->at];
		buf_printf(b, "\"tid\":%" PRIu32 ",\"pid\":%" PRIu32 ",", t->tid, t->pid);
		json_put_string(b, "name", profile_text(p, t->comm));
		break;
	case VIEW_PROCESS:
		t = &p->thread[row->at];
		buf_printf(b, "\"pid\":%" PRIu32 ",", t->pid);
		json_put_string(b, "name", profile_text(p, t->process));
		break;
	case VIEW_ADDRESS:
		buf_printf(b, "\"address\":\"0x%" PRIx64 "\",", p->place[row->at].addr);
		json_put_function(b, p, p->place[row->at].function);
		put_source_line(b, p, &p->place[row->at]);
		put_frames(b, p, row->at);
		break;
	default:
		json_put_function(b, p, p->place[row->at].function);
		put_source_line(b, p, &p->place[row->at]);
	}
	buf_putc(b, '}');
}

static void put_source(struct buf *b, const struct profile *p, uint32_t source, enum view_by by)
{
	const struct profile_source *s = &p->source[source];
	struct view_flat v;

	view_flat(p, by, source, &v);
	buf_putc(b, '{');
	json_put_event(b, s);
	buf_puts(b, ",\"rows\":[");
	for (size_t i = 0; i < v.n; i++) {
		buf_puts(b, i ? ",\n" : "\n");
		put_row(b, p, by, &v.row[i]);
	}
	buf_puts(b, "]}");
	view_flat_done(&v);
}

static void put_losses(struct buf *b, const struct profile *p)
{
	struct profile_losses l = profile_losses(p);

	buf_printf(b,
		   "\"samples\":{\"shown\":%" PRIu64 ",\"filtered\":%" PRIu64
		   ",\"lost_kernel\":%" PRIu64 ",\"dropped_decode\":%" PRIu64
		   ",\"dropped_write\":%" PRIu64 ",\"unreadable\":%" PRIu64 "}",
		   p->n_samples, p->coverage.n_filtered, l.ring_full, l.undecodable, l.unwritten,
		   l.unreadable);
}

void export_json(const struct profile *p, enum view_by by, FILE *out)
{
	bool more = false;
	struct buf b;

	buf_init(&b);
	buf_printf(
		&b,
		"{\"format\":\"ddprof-report show\",\"version\":%d,\"by\":\"%s\",\"ended\":%s,\n",
		JSON_VERSION, by_name[by], p->origin.ended ? "true" : "false");
	put_losses(&b, p);
	buf_puts(&b, ",\n");
	export_put_unsampled_json(&b, &p->origin.unsampled);
	buf_puts(&b, ",\n");
	json_put_advice(&b, p);
	buf_puts(&b, ",\n\"events\":[");
	for (uint32_t s = 0; s < SOURCE_MAX; s++) {
		if (!p->source[s].count)
			continue;
		buf_puts(&b, more ? ",\n" : "\n");
		put_source(&b, p, s, by);
		more = true;
	}
	buf_puts(&b, "]}\n");
	fwrite(b.data, 1, b.n, out);
	buf_done(&b);
}
