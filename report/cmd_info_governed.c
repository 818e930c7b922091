#include "report/cmd_info_governed.h"

#include <inttypes.h>

#include "common/base/buf.h"
#include "report/export/export.h"
#include "report/read/read.h"

static const char *name_of(const struct recording *r, uint8_t source)
{
	const struct record_source *s = recording_source(r, source);

	return s ? s->name : "?";
}

static void put_sources(struct buf *out, const struct recording *r, uint64_t changed, uint64_t off)
{
	for (uint8_t i = 0; i < SOURCE_MAX; i++) {
		if (!(changed >> i & 1))
			continue;
		buf_putc(out, ' ');
		escape_text(out, name_of(r, i));
		buf_puts(out, off >> i & 1 ? " switched off" : " on again");
	}
}

void info_governed_text(struct buf *out, const struct recording *r)
{
	uint32_t n;
	const struct recording_governed *g = recording_governed(r, &n);
	uint64_t first_ns = recording_state(r)->first_ns;
	struct event_governed last = { 0 };

	for (uint32_t k = 0; k < n; last = g[k++].now) {
		const struct event_governed *now = &g[k].now;

		buf_printf(out, "  at %.3f s, to spare CPU:",
			   g[k].time_ns > first_ns ? (double)(g[k].time_ns - first_ns) / 1e9 : 0.0);
		if (now->stack_bytes != last.stack_bytes && now->stack_bytes)
			buf_printf(out, " stacks cut to %" PRIu32 " bytes", now->stack_bytes);
		else if (now->stack_bytes != last.stack_bytes)
			buf_puts(out, " stacks whole again");
		put_sources(out, r, now->off ^ last.off, now->off);
		buf_putc(out, '\n');
	}
}

void info_governed_json(struct buf *out, const struct recording *r)
{
	uint32_t n;
	const struct recording_governed *g = recording_governed(r, &n);

	buf_puts(out, ",\"governed\":[");
	for (uint32_t k = 0; k < n; k++) {
		const char *separator = "";

		buf_printf(out, "%s{\"time_ns\":%" PRIu64 ",\"stack_bytes\":%" PRIu32 ",\"off\":[",
			   k ? "," : "", g[k].time_ns, g[k].now.stack_bytes);
		for (uint8_t i = 0; i < SOURCE_MAX; i++) {
			if (!(g[k].now.off >> i & 1))
				continue;
			buf_printf(out, "%s\"", separator);
			escape_json(out, name_of(r, i));
			buf_putc(out, '"');
			separator = ",";
		}
		buf_puts(out, "]}");
	}
	buf_putc(out, ']');
}
