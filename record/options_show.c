/*
 * Options shown and written: a key is never whole in either, and what a URL says before its '@' is
 * not shown.
 */
#include "record/options.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "common/base/auto.h"
#include "common/base/bits.h"
#include "common/base/buf.h"
#include "common/base/io.h"

enum { SECRET_SHOWN = 4, SECRET_LONG = 16 };

/* ---- --show-config ---- */

static void put_secret(struct buf *b, const char *value)
{
	size_t n = strlen(value);

	for (size_t i = 0; i < MIN(n, 32u); i++)
		buf_putc(b, '*');
	if (n >= SECRET_LONG) {
		b->n -= SECRET_SHOWN;
		buf_puts(b, value + n - SECRET_SHOWN);
	}
}

/* "https://user:word@host": what stands before the @ may be a secret */
static void put_value(struct buf *b, const char *value)
{
	const char *scheme = strstr(value, "://");
	const char *authority = scheme ? scheme + 3 : value, *at = NULL;
	size_t n = strcspn(authority, "/");

	for (size_t i = 0; scheme && i < n; i++)
		if (authority[i] == '@')
			at = authority + i;
	if (at)
		buf_printf(b, "%.*s***%s", (int)(authority - value), value, at);
	else
		buf_puts(b, value);
}

static void say_value(const struct given_value *v)
{
	struct buf b;

	buf_init(&b);
	if (v->opt->flags & OPT_SECRET)
		put_secret(&b, v->value);
	else
		put_value(&b, v->value ? v->value : "yes");
	log_notice("  %s = %s (%s%s%s)", v->opt->name, buf_text(&b), given_origin_text(v->origin),
		   v->origin == GIVEN_WORDS ? "" : " ",
		   v->origin == GIVEN_FILE	  ? v->place :
		   v->origin == GIVEN_ENVIRONMENT ? v->opt->env :
						    "");
	buf_done(&b);
}

static void say_option(const struct options *o, const struct opt *opt)
{
	bool found = false;

	for (size_t i = 0; i < o->given.n; i++) {
		if (o->given.value[i].opt != opt)
			continue;
		say_value(&o->given.value[i]);
		found = true;
	}
	if (!found && opt->preset)
		log_notice("  %s = %s (default)", opt->name, opt->preset);
}

static void say_event(const struct watcher *w)
{
	log_notice("  event %s: %s %" PRIu64 "%s, label '%s'", w->name,
		   w->frequency_hz ? "at" : "every", w->frequency_hz ? w->frequency_hz : w->period,
		   w->frequency_hz ? " Hz" : "", w->label);
}

void options_show(const struct options *o)
{
	enum log_level level = o->log_level;

	log_set_level(MAX(level, LOG_NOTICE));
	log_notice("options%s%s:", o->config_name ? ", with " : "",
		   o->config_name ? o->config_name : "");
	for (const struct opt *opt = options_table; opt->name; opt++)
		if (*opt->name && !(opt->flags & OPT_HIDDEN))
			say_option(o, opt);
	for (size_t i = 0; i < o->watchers.n; i++)
		say_event(&o->watchers.watcher[i]);
	log_set_level(level);
}

/* ---- --capture-config ---- */

static void put_quoted(struct buf *b, const char *text)
{
	buf_putc(b, '"');
	for (; *text; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			buf_printf(b, "\\u%04x", (unsigned int)(unsigned char)*text);
		else if (*text == '"' || *text == '\\')
			buf_printf(b, "\\%c", *text);
		else
			buf_putc(b, *text);
	}
	buf_putc(b, '"');
}

static void put_key(struct buf *b, const struct given_value *v)
{
	for (const char *at = v->opt->name; *at; at++)
		buf_putc(b, *at == '-' ? '_' : *at);
	buf_puts(b, " = ");
	if (v->value)
		put_quoted(b, v->value);
	else
		buf_puts(b, "true");
	buf_putc(b, '\n');
}

static int write_whole(const char *path, const struct buf *b, struct err *err)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r = fd < 0 ? -errno : io_write(fd, b->data, b->n, NULL);

	return r < 0 ? err_set(err, r, "cannot write options to '%s': %s", path, strerror(-r)) : 0;
}

int options_capture(const struct options *o, struct err *err)
{
	struct buf b;
	int r;

	buf_init(&b);
	buf_puts(&b, "# Options of ddprof-record, for --config\n");
	for (size_t i = 0; i < o->given.n; i++) {
		const struct opt *opt = o->given.value[i].opt;

		if (opt->flags & OPT_SECRET)
			buf_printf(&b, "# %s is a secret: not written\n", opt->name);
		else if (!(opt->flags & GIVEN_NOT_IN_FILE))
			put_key(&b, &o->given.value[i]);
	}
	r = write_whole(o->capture, &b, err);
	buf_done(&b);
	return r;
}

/* ---- options of others ---- */

/* "--url, --port" of those that were asked for here, not by the environment. */
static size_t list_given(const struct options *o, unsigned int flag, char *names, size_t cap)
{
	size_t n_given = 0;

	*names = 0;
	for (size_t i = 0; i < o->given.n; i++) {
		const struct given_value *v = &o->given.value[i];
		size_t n = strlen(names);

		if (!(v->opt->flags & flag) || v->origin == GIVEN_ENVIRONMENT)
			continue;
		snprintf(names + n, cap - n, "%s--%s", n ? ", " : "", v->opt->name);
		n_given++;
	}
	return n_given;
}

static void tell_unused(const struct options *o, unsigned int flag, const char *whose)
{
	char names[512];
	size_t n = list_given(o, flag, names, sizeof(names));

	if (n)
		log_notice("%s %s to %s: without effect on the recording", names,
			   n == 1 ? "belongs" : "belong", whose);
}

void options_tell_unused(const struct options *o)
{
	tell_unused(o, OF_UPLOAD, "'ddprof-report upload'");
	tell_unused(o, OF_REPORT, "the views of ddprof-report");
	tell_unused(o, OF_LIBRARY, "libdd_profiling");
	tell_unused(o, OF_NOTHING, "nothing that is needed here");
}
