#include "report/cmd.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/log.h"
#include "report/configuration.h"
#include "report/profile/profile.h"
#include "report/read/read.h"

enum { RANGES_SAID = 6 };

int command_usage(const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	log_error("%s, see --help", text);
	return EXIT_USAGE;
}

void command_paths_add(struct command_paths *p, const char *path, size_t n)
{
	char *copy = mem_alloc(n + 1);

	memcpy(copy, path, n);
	copy[n] = 0;
	mem_grow(&p->path, &p->cap, p->n + 1, sizeof(*p->path));
	p->path[p->n++] = copy;
}

void command_paths_done(struct command_paths *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->path[i]);
	free(p->path);
	*p = (struct command_paths){ 0 };
}

static void append_paths(struct command_paths *to, const struct command_paths *from)
{
	for (size_t i = 0; i < from->n; i++)
		command_paths_add(to, from->path[i], strlen(from->path[i]));
}

int command_ready(struct command *c, const char *verb_name, enum verb verb)
{
	for (unsigned int i = 0; i < c->n_given; i++)
		if (!(c->given[i].verbs & verb))
			return command_usage("option --%s is not for '%s'", c->given[i].option,
					     verb_name);
	append_paths(&c->debug_dir, &c->debug_dir_later);
	append_paths(&c->debug_dir, &c->debug_dir_config);
	append_paths(&c->source_dir, &c->source_dir_config);
	c->pipeline.debug.dir = (const char *const *)c->debug_dir.path;
	c->pipeline.debug.n_dirs = (unsigned int)c->debug_dir.n;
	return 0;
}

void command_done(struct command *c)
{
	filter_done(&c->pipeline.filter);
	command_paths_done(&c->debug_dir);
	command_paths_done(&c->debug_dir_later);
	command_paths_done(&c->debug_dir_config);
	command_paths_done(&c->source_dir);
	command_paths_done(&c->source_dir_config);
	config_free(c->config);
}

int command_parse_size(const char *text, uint64_t *ret)
{
	static const char units[] = "KMG";
	char *end;
	uint64_t n = strtoull(text, &end, 10);
	const char *unit = *end ? strchr(units, *end) : NULL;

	if (*text < '0' || *text > '9' || (*end && (!unit || end[1])))
		return -EINVAL;
	if (unit && __builtin_mul_overflow(n, UINT64_C(1) << 10 * (unit - units + 1), &n))
		return -EINVAL;
	*ret = n;
	return 0;
}

const char *command_file(const struct command *c)
{
	if (c->n_operands <= 1)
		return c->n_operands ? c->operand[0] : "ddprof.data";
	command_usage("one recording is expected, found '%s' and '%s'", c->operand[0],
		      c->operand[1]);
	return NULL;
}

struct damage {
	const struct recording_state *state;
	struct buf text;
	uint64_t n;
};

static void put_moment(struct damage *d, uint64_t time_ns)
{
	uint64_t since = time_ns > d->state->first_ns ? time_ns - d->state->first_ns : 0;

	buf_printf(&d->text, "%.3f s", (double)since / 1e9);
}

static void add_damage(void *ctx, uint64_t off, uint64_t bytes, uint64_t from_ns, uint64_t to_ns,
		       const char *reason)
{
	struct damage *d = ctx;

	if (d->n++ >= RANGES_SAID)
		return;
	buf_puts(&d->text, d->n == 1 ? ": " : ", ");
	if (!from_ns && !to_ns) {
		buf_printf(&d->text, "%" PRIu64 " bytes at offset %" PRIu64, bytes, off);
	} else if (!to_ns) {
		buf_puts(&d->text, "from ");
		put_moment(d, from_ns);
		buf_puts(&d->text, " to the end");
	} else {
		put_moment(d, from_ns);
		buf_puts(&d->text, " to ");
		put_moment(d, to_ns);
	}
	buf_puts(&d->text, " (");
	escape_text(&d->text, reason);
	buf_putc(&d->text, ')');
}

void command_say_damage(const struct recording *r, const char *path)
{
	struct damage d = { .state = recording_state(r) };
	const struct recording_state *s = d.state;

	if (s->ended && !s->n_damaged && !s->samples_unreadable)
		return;
	buf_init(&d.text);
	if (!s->ended)
		buf_puts(&d.text, "ended abnormally");
	if (s->n_damaged) {
		buf_printf(&d.text, "%sdamaged in %" PRIu64 " place%s", d.text.n ? "; " : "",
			   s->n_damaged, s->n_damaged == 1 ? "" : "s");
		recording_each_damage(r, add_damage, &d);
		if (d.n > RANGES_SAID)
			buf_printf(&d.text, ", and %" PRIu64 " more", d.n - RANGES_SAID);
	}
	if (s->samples_unreadable) {
		buf_puts(&d.text, d.text.n ? "; " : "");
		export_put_count(&d.text, s->samples_unreadable);
		buf_puts(&d.text, " samples unreadable");
	}
	log_warning("'%s' %s", path, buf_text(&d.text));
	buf_done(&d.text);
}

int command_run(struct command *c, const char *path, struct recording **ret_recording,
		struct profile **ret, struct err *err)
{
	int status;

	c->pipeline.progress = term_progress;
	status = pipeline_run(path, &c->pipeline, ret_recording, ret, err);
	term_progress_done();
	if (status == 0)
		command_say_damage(*ret_recording, path);
	return status;
}
