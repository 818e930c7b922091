/*
 * Which recordings a verb is about, their profile, and one line about what they lack.
 */
#include "report/cmd.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"
#include "common/base/log.h"
#include "report/profile/merge.h"
#include "report/profile/profile.h"
#include "report/read/read.h"
#include "report/read/recordings.h"

enum { RANGES_SAID = 6, NAMES_BYTES_MAX = 256 };

static char default_file[] = "ddprof.data";

const char *command_files(struct command *c)
{
	struct buf *text = &c->files_text;

	if (!c->n_operands)
		return default_file;
	if (text->n)
		return buf_text(text);
	for (int i = 0; i < c->n_operands; i++) {
		if (i && text->n + strlen(c->operand[i]) > NAMES_BYTES_MAX) {
			buf_puts(text, " ...");
			break;
		}
		buf_puts(text, i ? " " : "");
		buf_puts(text, c->operand[i]);
	}
	return buf_text(text);
}

/* ---- what they lack ---- */

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

static void put_reason(struct damage *d, const char *reason)
{
	buf_puts(&d->text, " (");
	escape_text(&d->text, reason);
	buf_putc(&d->text, ')');
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
	put_reason(d, reason);
}

static void add_hole(void *ctx, uint64_t from_ns, uint64_t to_ns, const char *reason)
{
	struct damage *d = ctx;

	if (d->n++ >= RANGES_SAID)
		return;
	if (d->n == 1) {
		buf_puts(&d->text, d->text.n ? "; " : "");
		buf_puts(&d->text, "nothing is known from ");
	} else {
		buf_puts(&d->text, ", ");
	}
	put_moment(d, from_ns);
	buf_puts(&d->text, " to ");
	put_moment(d, to_ns);
	put_reason(d, reason);
}

static void put_more(struct damage *d)
{
	if (d->n > RANGES_SAID)
		buf_printf(&d->text, ", and %" PRIu64 " more", d->n - RANGES_SAID);
	d->n = 0;
}

static void put_end(struct damage *d)
{
	const struct recording_state *s = d->state;

	if (s->ended)
		return;
	if (s->n_files > 1)
		buf_printf(&d->text, "%" PRIu32 " of %" PRIu32 " files ", s->n_files - s->n_ended,
			   s->n_files);
	buf_puts(&d->text, "ended abnormally");
}

/* What was given up that makes a recording look like something it is not. */
static void put_first_thread(struct damage *d, const char *fallbacks)
{
	if (fallbacks && strstr(fallbacks, "the first thread only"))
		buf_printf(&d->text,
			   "%shas the first thread only: other threads, and processes "
			   "that it started, are not in it",
			   d->text.n ? "; " : "");
}

static void put_name(struct buf *text, const char *path, uint32_t n_files)
{
	buf_printf(text, "'%s'", path);
	if (n_files > 1)
		buf_printf(text, " and %" PRIu32 " more:", n_files - 1);
}

/* "'rec.000001' and 8 more: ..." */
static void say(const struct recording_state *s, const char *path, struct buf *text)
{
	struct buf name;

	buf_init(&name);
	put_name(&name, path, s->n_files);
	log_warning("%s %s", buf_text(&name), buf_text(text));
	buf_done(&name);
}

void command_say_damage(const struct recording *r, const char *path)
{
	const struct recording_state *s = recording_state(r);
	struct damage d = { .state = s };

	buf_init(&d.text);
	put_end(&d);
	if (s->n_damaged) {
		buf_printf(&d.text, "%sdamaged in %" PRIu64 " place%s", d.text.n ? "; " : "",
			   s->n_damaged, s->n_damaged == 1 ? "" : "s");
		recording_each_damage(r, add_damage, &d);
		put_more(&d);
	}
	recording_each_hole(r, add_hole, &d);
	put_more(&d);
	if (s->samples_unreadable) {
		buf_puts(&d.text, d.text.n ? "; " : "");
		export_put_count(&d.text, s->samples_unreadable);
		buf_puts(&d.text, " samples unreadable");
	}
	put_first_thread(&d, recording_manifest(r, "fallbacks"));
	if (d.text.n)
		say(s, path, &d.text);
	buf_done(&d.text);
	if (s->samples_repeated)
		log_notice("%" PRIu64 " samples stand in two of the files, and count once",
			   s->samples_repeated);
}

static void say_left_out(void *ctx, const char *reason)
{
	(void)ctx;
	log_warning("left out: %s", reason);
}

/* ---- one recording, or several as one profile ---- */

static int run_one(struct command *c, struct recordings *all, size_t i,
		   struct recording **ret_recording, struct profile **ret, struct err *err)
{
	struct recording *r;
	int status = recordings_take(all, i, &r, err);

	if (status < 0)
		return status;
	status = pipeline_run(r, &c->pipeline, ret, err);
	term_progress_done();
	if (status < 0) {
		recording_close(r);
		return status;
	}
	command_say_damage(r, recordings_path(all, i));
	*ret_recording = r;
	return 0;
}

/* Only the first recording is kept: for what it says of its host. */
static int run_all(struct command *c, struct recordings *all, struct recording **ret_recording,
		   struct profile **ret, struct err *err)
{
	struct merge *merge = merge_new();
	struct recording *first = NULL;
	int status = 0;

	for (size_t i = 0; i < recordings_n(all) && status == 0; i++) {
		struct recording *r;
		struct profile *p;

		status = run_one(c, all, i, &r, &p, err);
		if (status < 0)
			break;
		status = merge_add(merge, p, err);
		profile_free(p);
		if (first)
			recording_close(r);
		else
			first = r;
	}
	if (status == 0) {
		*ret = merge_finish(merge);
		*ret_recording = first;
	} else {
		recording_close(first);
	}
	merge_free(merge);
	return status;
}

static int run(struct command *c, struct recordings *all, struct recording **ret_recording,
	       struct profile **ret, struct err *err)
{
	recordings_each_left_out(all, say_left_out, NULL);
	if (recordings_n(all) == 1)
		return run_one(c, all, 0, ret_recording, ret, err);
	if (!c->merge)
		return err_set(err, -EINVAL,
			       "'%s' and '%s' are different recordings: --merge adds them up",
			       recordings_path(all, 0), recordings_path(all, 1));
	return run_all(c, all, ret_recording, ret, err);
}

int command_run(struct command *c, struct recording **ret_recording, struct profile **ret,
		struct err *err)
{
	char *only = default_file;
	struct recordings *all;
	int status = recordings_open(c->n_operands ? c->operand : &only,
				     c->n_operands ? (size_t)c->n_operands : 1, &all, err);

	if (status < 0)
		return status;
	c->pipeline.progress = term_progress;
	status = run(c, all, ret_recording, ret, err);
	recordings_close(all);
	return status;
}
