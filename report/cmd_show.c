/* `show`: one recording, as a table, a tree, folded stacks or JSON. */
#include "report/cmd.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/err.h"
#include "common/base/log.h"
#include "report/missing.h"
#include "report/profile/profile.h"
#include "report/read/read.h"

enum { OUT_BYTES = 1 << 18 };

/* What would give more names: made code that can be described, files that can be had. */
static void put_advice(const struct profile *p, const char *path)
{
	struct buf line;

	for (uint32_t i = 0; i < p->n_advice; i++)
		fprintf(stdout, "%s\n", profile_text(p, p->advice[i]));
	buf_init(&line);
	missing_put_line(p, path, &line);
	if (line.n)
		fprintf(stdout, "%s\n", buf_text(&line));
	buf_done(&line);
}

/* Weights of different events do not add up: the form has room for one. */
static void put_folded(const struct command *c, const struct profile *p)
{
	uint32_t n, source = export_folded_source(p, &n);

	if (n > 1)
		log_notice("folded stacks are of event '%s' alone, %u more have samples: --event",
			   p->source[source].about.name, (unsigned int)n - 1);
	export_folded(p, c->style.lines, stdout);
}

static void put(struct command *c, const struct profile *p, const char *path)
{
	switch (c->form) {
	case FORM_FOLDED:
		put_folded(c, p);
		return;
	case FORM_JSON:
		export_json(p,
			    c->style.lines && c->by == VIEW_FUNCTION ? VIEW_FUNCTION_LINE : c->by,
			    stdout);
		return;
	case FORM_TREE:
		export_unsampled(p, stdout);
		export_tree(p, c->callees_first, &c->style, stdout);
		break;
	case FORM_FLAT:
		export_unsampled(p, stdout);
		export_flat(p, c->by, &c->style, stdout);
		break;
	}
	export_losses(p, stdout);
	put_advice(p, path);
}

int cmd_show(struct command *c)
{
	bool for_people = c->form == FORM_FLAT || c->form == FORM_TREE;
	struct recording *recording;
	struct profile *profile;
	struct err err = { 0 };
	int status;

	if (c->style.lines && c->by != VIEW_FUNCTION && c->by != VIEW_ADDRESS && c->by != VIEW_LINE)
		return command_usage("option --lines is for functions and addresses");
	if (command_run(c, &recording, &profile, &err) < 0) {
		log_error("%s", err.text);
		return EXIT_FAILED;
	}
	setvbuf(stdout, NULL, _IOFBF, OUT_BYTES);
	c->style.colour = for_people && term_colour(c->colour);
	if (for_people && !c->no_pager)
		term_start_pager();
	put(c, profile, command_files(c));
	status = term_finish(&err);
	if (status < 0)
		log_error("%s", err.text);
	profile_free(profile);
	recording_close(recording);
	return status < 0 ? EXIT_FAILED : EXIT_DONE;
}
