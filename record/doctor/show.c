#include "config.h"

#include "record/doctor/show.h"

#include <string.h>

#include "common/base/buf.h"
#include "record/doctor/checks.h"

enum { JSON_VERSION = 1 };

static const char *const about_text[CHECK_ABOUTS] = { "host", "recording", "target" };

void show_text(const struct checks *c, struct buf *out)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct check *k = &c->at[i];

		buf_printf(out, "%-22s %-9s %s", k->name, gate_verdict_text(k->verdict), k->value);
		if (k->means[0])
			buf_printf(out, ": %s", k->means);
		if (k->remedy[0])
			buf_printf(out, "; %s", k->remedy);
		buf_putc(out, '\n');
	}
	buf_printf(out, "%s\n", c->summary);
}

/* Of cleaned text (text_clean): only these two need escaping. */
static void put_string(struct buf *out, const char *text)
{
	buf_putc(out, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_putc(out, '\\');
		buf_putc(out, *text);
	}
	buf_putc(out, '"');
}

static void put_pair(struct buf *out, const char *key, const char *value, const char *after)
{
	put_string(out, key);
	buf_putc(out, ':');
	put_string(out, value);
	buf_puts(out, after);
}

static void put_check(struct buf *out, const struct check *k)
{
	buf_puts(out, "{");
	put_pair(out, "about", about_text[k->about], ",");
	put_pair(out, "name", k->name, ",");
	put_pair(out, "value", k->value, ",");
	put_pair(out, "verdict", gate_verdict_text(k->verdict), ",");
	put_pair(out, "means", k->means, ",");
	put_pair(out, "remedy", k->remedy, "}");
}

void show_json(const struct checks *c, struct buf *out)
{
	buf_printf(out, "{\"format\":\"ddprof-record doctor\",\"version\":%d,", JSON_VERSION);
	put_pair(out, "recorder", PACKAGE_NAME " " PACKAGE_VERSION, ",");
	put_pair(out, "place", gate_place_text(c->place), ",");
	buf_puts(out, "\"checks\":[");
	for (size_t i = 0; i < c->n; i++) {
		buf_puts(out, i ? ",\n" : "\n");
		put_check(out, &c->at[i]);
	}
	buf_printf(out, "\n],\"possible\":%s,", c->possible ? "true" : "false");
	put_pair(out, "summary", c->summary, "}\n");
}
