/*
 * `info`: what a recording says of itself (manifest), and how complete it is: samples lost and
 * where, stacks complete and why others ended, frames by how they were found, where each module's
 * names came from, modules that lack symbols or unwind tables.
 */
#include "report/cmd.h"
#include "report/cmd_info_governed.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/log.h"
#include "report/missing.h"
#include "report/profile/profile.h"
#include "report/read/read.h"
#include "report/unwind/unwind.h"

enum { INFO_VERSION = 1 };

struct info {
	struct buf out;
	struct recording *recording;
	const struct profile *p;
	const struct recording_state *state;
	const char *path; /* of the recording */
	uint64_t n_stacks, n_complete, n_frames;
	uint64_t *module_samples; /* samples whose stack goes through the module */
	bool json, more;
};

static void count_stacks(struct info *i)
{
	const struct profile_coverage *c = &i->p->coverage;

	for (int s = 0; s < UNWIND_STOPS; s++) {
		i->n_stacks += c->stops[s];
		i->n_complete += unwind_stop_complete((enum unwind_stop)s) ? c->stops[s] : 0;
	}
	for (int m = 0; m < UNWIND_METHODS; m++)
		i->n_frames += c->methods[m];
}

static void count_modules(struct info *i)
{
	i->module_samples = mem_zalloc((i->p->n_modules + 1) * sizeof(*i->module_samples));
	for (uint32_t s = 0; s < SOURCE_MAX; s++) {
		struct view_flat v;

		if (!i->p->source[s].count)
			continue;
		view_flat(i->p, VIEW_MODULE, s, &v);
		for (size_t r = 0; r < v.n; r++)
			i->module_samples[v.row[r].at] += v.row[r].total.count;
		view_flat_done(&v);
	}
}

static const char *unwind_problem(const struct info *i, const struct profile_module *m)
{
	if (m->kind != MODULE_FILE || m->unwind_state == UNWIND_OBJECT_OK ||
	    m->unwind_state == UNWIND_OBJECT_UNUSED)
		return NULL;
	if (m->unwind_reason.n)
		return profile_text(i->p, m->unwind_reason);
	switch (m->unwind_state) {
	case UNWIND_OBJECT_NO_IMAGE:
		return "not embedded, and no file with this build-id here";
	case UNWIND_OBJECT_NO_CFI:
		return "the file has no call frame information";
	default:
		return "call frame information is invalid";
	}
}

static const char *symbol_problem(const struct info *i, const struct profile_module *m)
{
	if (m->has_names || m->kind == MODULE_ANONYMOUS || m->kind == MODULE_UNMAPPED)
		return NULL;
	return profile_text(i->p, m->symbols_reason);
}

/* Which file answered. "": nobody did. */
static const char *names_from(const struct info *i, const struct profile_module *m)
{
	const char *file = profile_text(i->p, m->debug_file);

	if (*file)
		return file;
	if (m->from_cache && (m->has_lines || m->full_debug))
		return "earlier report";
	if (m->local_names)
		return "file here";
	return m->has_names ? "recording" : "";
}

/* ---- text ---- */

static void text_pair(void *ctx, const char *key, const char *value)
{
	struct info *i = ctx;
	size_t before = i->out.n;

	buf_puts(&i->out, "  ");
	escape_text(&i->out, key);
	while (i->out.n - before < 26)
		buf_putc(&i->out, ' ');
	buf_putc(&i->out, ' ');
	escape_text(&i->out, value);
	buf_putc(&i->out, '\n');
}

static void text_count(struct info *i, const char *what, uint64_t n, uint64_t all)
{
	if (!n)
		return;
	buf_printf(&i->out, "  %12" PRIu64 "  ", n);
	if (all) {
		struct buf share;

		buf_init(&share);
		export_put_percent(&share, n, all);
		buf_printf(&i->out, "%8s  ", buf_text(&share));
		buf_done(&share);
	}
	buf_puts(&i->out, what);
	buf_putc(&i->out, '\n');
}

static void text_damage(void *ctx, uint64_t off, uint64_t bytes, uint64_t from_ns, uint64_t to_ns,
			const char *reason)
{
	struct info *i = ctx;
	uint64_t first = i->state->first_ns;

	buf_printf(&i->out, "  damaged: %" PRIu64 " bytes at offset %" PRIu64, bytes, off);
	if (from_ns > first || to_ns > first)
		buf_printf(&i->out, ", %.3f s to %.3f s",
			   from_ns > first ? (double)(from_ns - first) / 1e9 : 0.0,
			   to_ns > first ? (double)(to_ns - first) / 1e9 : 0.0);
	buf_puts(&i->out, ": ");
	escape_text(&i->out, reason);
	buf_putc(&i->out, '\n');
}

static int text_note(void *ctx, const struct jit_record *r)
{
	struct info *i = ctx;

	if (r->kind != JIT_NOTE)
		return 0;
	buf_printf(&i->out, "  process %" PRIu32 ": ", r->pid);
	escape_text(&i->out, r->name);
	buf_putc(&i->out, '\n');
	return 0;
}

/* "12.000 s: sCPU at 25 Hz instead of 99 Hz" */
static void text_rates(struct info *i)
{
	uint32_t n;
	const struct recording_rate *rate = recording_rates(i->recording, &n);

	for (uint32_t r = 0; r < n; r++, rate++) {
		const struct record_source *source = recording_source(i->recording, rate->source);
		bool lower = rate->from_hz ? rate->to_hz < rate->from_hz :
					     rate->to_period > rate->from_period;

		buf_printf(&i->out, "  rate %s at %.3f s: ", lower ? "lowered" : "raised",
			   rate->time_ns > i->state->first_ns ?
				   (double)(rate->time_ns - i->state->first_ns) / 1e9 :
				   0.0);
		escape_text(&i->out, source ? source->name : "?");
		if (rate->from_hz)
			buf_printf(&i->out, " at %" PRIu64 " Hz instead of %" PRIu64 " Hz\n",
				   rate->to_hz, rate->from_hz);
		else
			buf_printf(&i->out, " every %" PRIu64 " instead of %" PRIu64 "\n",
				   rate->to_period, rate->from_period);
	}
}

static void text_file(struct info *i)
{
	const struct recording_state *s = i->state;

	buf_puts(&i->out, "File\n");
	buf_printf(&i->out,
		   "  %" PRIu64 " bytes, %" PRIu64 " chunks, %" PRIu64 " events over %.3f s\n",
		   s->file_bytes, s->n_chunks, s->n_events_read,
		   s->last_ns > s->first_ns ? (double)(s->last_ns - s->first_ns) / 1e9 : 0.0);
	buf_puts(&i->out, s->ended ? "  ended in order\n" : "  ended abnormally\n");
	recording_each_damage(i->recording, text_damage, i);
	recording_each_jit(i->recording, text_note, i);
	text_rates(i);
	info_governed_text(&i->out, i->recording);
}

static void text_samples(struct info *i)
{
	buf_puts(&i->out, "\nSamples and counters of the recorder\n");
	for (int c = 0; c < COUNTERS; c++)
		text_count(i, counter_name((enum counter)c), i->state->counters.n[c], 0);
	text_count(i, "samples unreadable", i->state->samples_unreadable, 0);
	text_count(i, "samples read", i->n_stacks, 0);
}

static void text_unsampled(struct info *i)
{
	const struct unsampled_table *t = recording_unsampled(i->recording);

	if (t->n)
		buf_puts(&i->out, "\nProcesses that could not be sampled, "
				  "nor what they started, or not looked into\n");
	for (uint32_t u = 0; u < t->n; u++) {
		buf_printf(&i->out, "  %12" PRIu64 "  ", t->at[u].n);
		escape_text(&i->out, t->at[u].name[0] ? t->at[u].name : "others");
		buf_printf(&i->out, ": %s\n", unsampled_reason_text(t->at[u].reason));
	}
}

static void text_stacks(struct info *i)
{
	buf_puts(&i->out, "\nStacks\n");
	text_count(i, "complete", i->n_complete, i->n_stacks);
	buf_puts(&i->out, "\nStacks by why they end\n");
	for (int s = 0; s < UNWIND_STOPS; s++)
		text_count(i, unwind_stop_text((enum unwind_stop)s), i->p->coverage.stops[s],
			   i->n_stacks);
	buf_puts(&i->out, "\nFrames by how they were found\n");
	for (int m = 0; m < UNWIND_METHODS; m++)
		text_count(i, unwind_method_text((enum unwind_method)m), i->p->coverage.methods[m],
			   i->n_frames);
}

static void text_share(struct info *i, size_t module)
{
	struct buf share;

	buf_init(&share);
	export_put_percent(&share, i->module_samples[module], i->n_stacks);
	buf_printf(&i->out, "  %8s  ", buf_text(&share));
	buf_done(&share);
	escape_text(&i->out, profile_text(i->p, i->p->module[module].path));
	buf_puts(&i->out, ": ");
}

static void text_names(struct info *i)
{
	static const char *const names[] = {
		[NAMES_NONE] = "no names",
		[NAMES_EXPORTED] = "names of exported functions",
		[NAMES_ALL] = "names",
	};
	bool any = false;

	for (size_t m = 0; m < i->p->n_modules; m++) {
		const struct profile_module *module = &i->p->module[m];
		const char *from = names_from(i, module);

		if (module->kind != MODULE_FILE || !i->module_samples[m])
			continue;
		if (!any)
			buf_puts(&i->out, "\nNames of modules (share of the samples whose stack "
					  "goes through them)\n");
		any = true;
		text_share(i, m);
		buf_printf(&i->out, "%s%s", names[missing_names_of(module)],
			   module->has_lines ? " and lines" : ", no lines");
		buf_puts(&i->out, *from ? ", from " : "");
		escape_text(&i->out, from);
		buf_putc(&i->out, '\n');
	}
}

static void text_advice(struct info *i)
{
	struct buf line;

	buf_init(&line);
	missing_put_line(i->p, i->path, &line);
	if (line.n || i->p->n_advice)
		buf_puts(&i->out, "\nFor more names\n");
	for (uint32_t a = 0; a < i->p->n_advice; a++)
		buf_printf(&i->out, "  %s\n", profile_text(i->p, i->p->advice[a]));
	if (line.n)
		buf_printf(&i->out, "  %s\n", buf_text(&line));
	buf_done(&line);
}

static void text_problems(struct info *i, const char *title,
			  const char *(*problem)(const struct info *,
						 const struct profile_module *))
{
	bool any = false;

	for (size_t m = 0; m < i->p->n_modules; m++) {
		const struct profile_module *module = &i->p->module[m];
		const char *reason = problem(i, module);

		if (!reason || !i->module_samples[m])
			continue;
		if (!any)
			buf_printf(&i->out,
				   "\n%s (share of the samples whose stack goes through them)\n",
				   title);
		any = true;
		text_share(i, m);
		escape_text(&i->out, reason);
		buf_putc(&i->out, '\n');
	}
}

static void put_text(struct info *i)
{
	buf_puts(&i->out, "Manifest\n");
	recording_each_manifest(i->recording, text_pair, i);
	buf_putc(&i->out, '\n');
	text_file(i);
	text_samples(i);
	text_unsampled(i);
	text_stacks(i);
	text_names(i);
	text_problems(i, "Modules without symbols", symbol_problem);
	text_problems(i, "Modules without unwind tables", unwind_problem);
	text_advice(i);
}

/* ---- JSON: ddprof-report(1), "JSON" ---- */

static void json_text(struct info *i, const char *key, const char *value)
{
	buf_putc(&i->out, '"');
	escape_json(&i->out, key);
	buf_puts(&i->out, "\":\"");
	escape_json(&i->out, value);
	buf_putc(&i->out, '"');
}

static void json_pair(void *ctx, const char *key, const char *value)
{
	struct info *i = ctx;

	buf_puts(&i->out, i->more ? "," : "");
	i->more = true;
	json_text(i, key, value);
}

static void json_damage(void *ctx, uint64_t off, uint64_t bytes, uint64_t from_ns, uint64_t to_ns,
			const char *reason)
{
	struct info *i = ctx;

	buf_printf(&i->out,
		   "%s{\"offset\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"from_ns\":%" PRIu64
		   ",\"to_ns\":%" PRIu64 ",",
		   i->more ? "," : "", off, bytes, from_ns, to_ns);
	i->more = true;
	json_text(i, "reason", reason);
	buf_putc(&i->out, '}');
}

static int json_note(void *ctx, const struct jit_record *r)
{
	struct info *i = ctx;

	if (r->kind != JIT_NOTE)
		return 0;
	buf_printf(&i->out, "%s{\"pid\":%" PRIu32 ",", i->more ? "," : "", r->pid);
	i->more = true;
	json_text(i, "text", r->name);
	buf_putc(&i->out, '}');
	return 0;
}

static void json_file(struct info *i)
{
	const struct recording_state *s = i->state;

	buf_printf(&i->out,
		   ",\n\"file\":{\"bytes\":%" PRIu64 ",\"chunks\":%" PRIu64 ",\"events\":%" PRIu64
		   ",\"ended\":%s,"
		   "\"first_ns\":%" PRIu64 ",\"last_ns\":%" PRIu64 ",\"damages\":[",
		   s->file_bytes, s->n_chunks, s->n_events_read, s->ended ? "true" : "false",
		   s->first_ns, s->last_ns);
	i->more = false;
	recording_each_damage(i->recording, json_damage, i);
	buf_puts(&i->out, "],\"notes\":[");
	i->more = false;
	recording_each_jit(i->recording, json_note, i);
	buf_putc(&i->out, ']');
	info_governed_json(&i->out, i->recording);
	buf_putc(&i->out, '}');
}

static void json_samples(struct info *i)
{
	const uint64_t *n = i->state->counters.n;

	buf_printf(&i->out,
		   ",\n\"samples\":{\"stored\":%" PRIu64 ",\"read\":%" PRIu64
		   ",\"lost_kernel\":%" PRIu64 ",\"dropped_decode\":%" PRIu64
		   ",\"dropped_write\":%" PRIu64 ",\"dropped_filter\":%" PRIu64
		   ",\"unreadable\":%" PRIu64 "}",
		   n[COUNTER_SAMPLES_STORED], i->n_stacks, n[COUNTER_SAMPLES_LOST_KERNEL],
		   n[COUNTER_SAMPLES_DROPPED_DECODE], n[COUNTER_SAMPLES_DROPPED_WRITE],
		   n[COUNTER_SAMPLES_DROPPED_FILTER], i->state->samples_unreadable);
	buf_puts(&i->out, ",\n\"counters\":{");
	for (int c = 0; c < COUNTERS; c++)
		buf_printf(&i->out, "%s\"%s\":%" PRIu64, c ? "," : "",
			   counter_name((enum counter)c), n[c]);
	buf_putc(&i->out, '}');
}

static void json_stacks(struct info *i)
{
	const struct profile_coverage *c = &i->p->coverage;

	buf_printf(&i->out,
		   ",\n\"stacks\":{\"total\":%" PRIu64 ",\"complete\":%" PRIu64 ",\"stops\":{",
		   i->n_stacks, i->n_complete);
	for (int s = 0; s < UNWIND_STOPS; s++)
		buf_printf(&i->out, "%s\"%s\":%" PRIu64, s ? "," : "",
			   unwind_stop_text((enum unwind_stop)s), c->stops[s]);
	buf_printf(&i->out, "}},\n\"frames\":{\"total\":%" PRIu64 ",\"methods\":{", i->n_frames);
	for (int m = 0; m < UNWIND_METHODS; m++)
		buf_printf(&i->out, "%s\"%s\":%" PRIu64, m ? "," : "",
			   unwind_method_text((enum unwind_method)m), c->methods[m]);
	buf_puts(&i->out, "}}");
}

static void json_modules(struct info *i)
{
	buf_puts(&i->out, ",\n\"modules\":[");
	for (size_t m = 0; m < i->p->n_modules; m++) {
		const struct profile_module *module = &i->p->module[m];
		const char *symbols = symbol_problem(i, module),
			   *unwind = unwind_problem(i, module);

		buf_puts(&i->out, m ? ",\n{" : "\n{");
		json_text(i, "path", profile_text(i->p, module->path));
		buf_puts(&i->out, ",\"build_id\":\"");
		for (unsigned int b = 0; b < module->build_id.n; b++)
			buf_printf(&i->out, "%02x", module->build_id.bytes[b]);
		buf_printf(&i->out, "\",\"samples\":%" PRIu64 ",", i->module_samples[m]);
		json_text(i, "symbols", symbols ? symbols : "");
		buf_putc(&i->out, ',');
		json_text(i, "unwind", unwind ? unwind : "");
		buf_putc(&i->out, ',');
		json_text(i, "names", missing_names_text(missing_names_of(module)));
		buf_printf(&i->out, ",\"lines\":%s,", module->has_lines ? "true" : "false");
		json_text(i, "names_from", names_from(i, module));
		buf_putc(&i->out, '}');
	}
	buf_putc(&i->out, ']');
}

static void json_advice(struct info *i)
{
	buf_puts(&i->out, ",\n\"advice\":[");
	for (uint32_t a = 0; a < i->p->n_advice; a++) {
		buf_puts(&i->out, a ? ",\"" : "\"");
		escape_json(&i->out, profile_text(i->p, i->p->advice[a]));
		buf_putc(&i->out, '"');
	}
	buf_putc(&i->out, ']');
}

static void put_json(struct info *i)
{
	buf_printf(&i->out, "{\"format\":\"ddprof-report info\",\"version\":%d,\n\"manifest\":{",
		   INFO_VERSION);
	recording_each_manifest(i->recording, json_pair, i);
	buf_putc(&i->out, '}');
	json_file(i);
	json_samples(i);
	buf_puts(&i->out, ",\n");
	export_put_unsampled_json(&i->out, recording_unsampled(i->recording));
	json_stacks(i);
	json_modules(i);
	json_advice(i);
	buf_puts(&i->out, "}\n");
}

int cmd_info(struct command *c)
{
	struct recording *recording;
	struct profile *profile;
	struct info i = { .json = c->form == FORM_JSON };
	struct err err = { 0 };
	int status;

	if (command_run(c, &recording, &profile, &err) < 0) {
		log_error("%s", err.text);
		return EXIT_FAILED;
	}
	i.recording = recording;
	i.p = profile;
	i.path = command_files(c);
	i.state = recording_state(recording);
	buf_init(&i.out);
	count_stacks(&i);
	count_modules(&i);
	if (i.json)
		put_json(&i);
	else
		put_text(&i);
	if (!i.json && !c->no_pager)
		term_start_pager();
	fwrite(i.out.data, 1, i.out.n, stdout);
	status = term_finish(&err);
	if (status < 0)
		log_error("%s", err.text);
	buf_done(&i.out);
	free(i.module_samples);
	profile_free(profile);
	recording_close(recording);
	return status < 0 ? EXIT_FAILED : EXIT_DONE;
}
