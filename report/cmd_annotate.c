/* `annotate`: functions line by line, beside their source where the user says where that lies. */
#include "report/cmd.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/log.h"
#include "report/profile/annotate.h"
#include "report/profile/profile.h"
#include "report/read/read.h"
#include "report/source.h"

enum { SIMILAR_MAX = 5 };

/* "no function is called 'burn'; did you mean 'truth_burn', 'burn_all'?" */
static void say_not_found(const struct profile *p, const char *symbol)
{
	uint32_t similar[SIMILAR_MAX];
	size_t n = annotate_similar(p, symbol, similar, SIMILAR_MAX);
	struct buf b;

	buf_init(&b);
	for (size_t i = 0; i < n; i++) {
		buf_puts(&b, i ? ", '" : "; did you mean '");
		escape_text(&b, profile_text(p, p->function[similar[i]].name));
		buf_putc(&b, '\'');
	}
	log_error("no function of this recording is called '%s'%s%s", symbol, buf_text(&b),
		  n ? "?" : "");
	buf_done(&b);
}

static struct sources *open_sources(const struct command *c)
{
	struct sources *s = sources_new();

	for (size_t i = 0; i < c->source_dir.n; i++) {
		struct err err = { 0 };

		if (sources_add(s, c->source_dir.path[i], &err) < 0)
			log_warning("%s", err.text);
	}
	return s;
}

static size_t put(struct command *c, const struct profile *p, const bool *wanted,
		  const struct export_texts *texts)
{
	size_t n;

	if (c->form == FORM_JSON)
		return export_annotation_json(p, wanted, texts, stdout);
	c->style.colour = term_colour(c->colour);
	c->style.columns = term_columns();
	if (!c->no_pager)
		term_start_pager();
	n = export_annotation(p, wanted, texts, &c->style, stdout);
	if (n)
		export_losses(p, stdout);
	for (uint32_t i = 0; n && i < p->n_advice; i++)
		fprintf(stdout, "%s\n", profile_text(p, p->advice[i]));
	return n;
}

/* False: said why not. */
static bool annotate(struct command *c, const struct profile *p, const char *symbol)
{
	bool *wanted = mem_zalloc(p->n_functions + 1);
	struct sources *sources = open_sources(c);
	struct export_texts texts = { .get = sources_get, .ctx = sources };
	struct err err = { 0 };
	bool done = false;

	if (!annotate_find(p, symbol, wanted))
		say_not_found(p, symbol);
	else if (!put(c, p, wanted, &texts) && c->form != FORM_JSON)
		log_error("'%s' has no samples among those that the filters take", symbol);
	else
		done = true;
	if (term_finish(&err) < 0) {
		log_error("%s", err.text);
		done = false;
	}
	sources_free(sources);
	free(wanted);
	return done;
}

int cmd_annotate(struct command *c)
{
	struct recording *recording;
	struct profile *profile;
	struct err err = { 0 };
	const char *symbol;
	bool done;

	if (!c->n_operands)
		return command_usage(
			"the name of a function is expected: annotate SYMBOL [FILE...]");
	symbol = *c->operand++;
	c->n_operands--;
	if (command_run(c, &recording, &profile, &err) < 0) {
		log_error("%s", err.text);
		return EXIT_FAILED;
	}
	done = annotate(c, profile, symbol);
	profile_free(profile);
	recording_close(recording);
	return done ? EXIT_DONE : EXIT_FAILED;
}
