#include "report/export/text_parts.h"

#include <inttypes.h>
#include <string.h>

#include "common/base/bits.h"
#include "report/export/escape.h"
#include "report/profile/profile.h"

enum { HOT_PERCENT = 5 };

static const char colour_hot[] = "\033[31m", colour_warm[] = "\033[32m", colour_dim[] = "\033[2m",
		  colour_off[] = "\033[m";

double text_percent(uint64_t part, uint64_t all)
{
	return all ? 100.0 * (double)part / (double)all : 0;
}

void export_put_percent(struct buf *b, uint64_t part, uint64_t all)
{
	double value = text_percent(part, all);

	/* 99.96 % of stacks complete is not 100 %. */
	if (part < all && value >= 99.95)
		buf_printf(b, "%.2f %%", MIN(value, 99.99));
	else
		buf_printf(b, "%.1f %%", value);
}

void export_put_time(struct buf *b, uint64_t ns)
{
	buf_printf(b, "%.3f s", (double)ns / 1e9);
}

void export_put_count(struct buf *b, uint64_t n)
{
	char digits[24];
	int n_digits = snprintf(digits, sizeof(digits), "%" PRIu64, n);

	for (int i = 0; i < n_digits; i++) {
		if (i && (n_digits - i) % 3 == 0)
			buf_putc(b, ' ');
		buf_putc(b, digits[i]);
	}
}

void text_flush(struct buf *b, FILE *out)
{
	if (b->n)
		fwrite(b->data, 1, b->n, out);
	buf_reset(b);
}

bool text_is_time(const struct profile_source *s)
{
	return !strcmp(s->about.unit, "nanoseconds");
}

/* "sCPU: 24 118 samples, 24.118 s" */
void text_put_title(struct buf *b, const struct profile *p, uint32_t source)
{
	const struct profile_source *s = &p->source[source];

	escape_text(b, s->about.name[0] ? s->about.name : "samples");
	buf_puts(b, ": ");
	export_put_count(b, s->count);
	buf_puts(b, s->count == 1 ? " sample, " : " samples, ");
	if (text_is_time(s)) {
		export_put_time(b, s->weight);
	} else {
		export_put_count(b, s->weight);
		buf_putc(b, ' ');
		escape_text(b, s->about.unit);
	}
	buf_puts(b, s->off_ns ? " at least\n\n" : "\n\n");
}

void text_put_share(struct buf *b, uint64_t part, uint64_t all, const struct export_style *style)
{
	double share = text_percent(part, all);
	const char *colour = !style->colour	  ? NULL :
			     share >= HOT_PERCENT ? colour_hot :
			     share >= 0.5	  ? colour_warm :
						    colour_dim;

	if (colour)
		buf_puts(b, colour);
	buf_printf(b, "%6.2f %%", share);
	if (colour)
		buf_puts(b, colour_off);
}

void text_put_weight(struct buf *b, const struct view_weight *w, uint64_t all, bool time,
		     const struct export_style *style)
{
	text_put_share(b, w->weight, all, style);
	if (time)
		buf_printf(b, " %9.3f s", (double)w->weight / 1e9);
	else
		buf_printf(b, " %11" PRIu64, w->weight);
	buf_printf(b, " %8" PRIu64, w->count);
}

/* ---- losses ---- */

static void put_part(struct buf *b, uint64_t n, const char *what, const char **separator)
{
	if (!n)
		return;
	buf_puts(b, *separator);
	export_put_count(b, n);
	buf_putc(b, ' ');
	buf_puts(b, what);
	*separator = ", ";
}

/* "; offcpu off for 3.200 s to spare CPU" */
static void put_off(struct buf *b, const struct profile *p)
{
	for (uint32_t i = 0; i < N_ELEMENTS(p->source); i++) {
		const struct profile_source *s = &p->source[i];

		if (!s->used || !s->off_ns)
			continue;
		buf_puts(b, "; ");
		escape_text(b, s->about.name);
		buf_puts(b, " off for ");
		export_put_time(b, s->off_ns);
		buf_puts(b, " to spare CPU");
	}
}

void export_put_losses(struct buf *b, const struct profile *p)
{
	struct profile_losses l = profile_losses(p);
	uint64_t complete = 0, walked = 0;
	const char *separator = ": ";

	for (int stop = 0; stop < UNWIND_STOPS; stop++) {
		walked += p->coverage.stops[stop];
		complete +=
			unwind_stop_complete((enum unwind_stop)stop) ? p->coverage.stops[stop] : 0;
	}
	buf_puts(b, "lost ");
	export_put_count(b, l.lost);
	buf_puts(b, " of ");
	export_put_count(b, l.produced);
	buf_puts(b, " samples");
	put_part(b, l.ring_full, "ring full", &separator);
	put_part(b, l.undecodable, "not decodable", &separator);
	put_part(b, l.unwritten, "not written", &separator);
	put_part(b, l.unreadable, "unreadable", &separator);
	if (walked) {
		buf_puts(b, "; ");
		export_put_percent(b, complete, walked);
		buf_puts(b, " of stacks complete");
	}
	separator = "; ";
	put_part(b, p->coverage.n_filtered, "filtered out", &separator);
	put_off(b, p);
	if (!p->origin.ended)
		buf_puts(b, "; ended abnormally");
}

void export_losses(const struct profile *p, FILE *out)
{
	struct buf b;

	buf_init(&b);
	export_put_losses(&b, p);
	buf_putc(&b, '\n');
	text_flush(&b, out);
	buf_done(&b);
}
