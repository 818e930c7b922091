/* Which verb; exit status. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/log.h"
#include "report/cmd.h"
#include "report/configuration.h"
#include "report/options.h"

static const struct opt_usage usage = {
	.program = "ddprof-report",
	.synopsis = "ddprof-report [show] [OPTIONS] [FILE...]\n"
		    "ddprof-report info [--json] [FILE...]\n"
		    "ddprof-report export pprof -o OUT [OPTIONS] [FILE...]\n"
		    "ddprof-report annotate SYMBOL [OPTIONS] [FILE...]\n"
		    "ddprof-report missing [--urls] [--json] [FILE...]\n"
		    "ddprof-report scrub IN OUT\n"
		    "ddprof-report convert [--stacks=raw] IN OUT\n"
		    "ddprof-report cache [prune|clear]\n"
		    "ddprof-report addr2line -e FILE [OPTIONS OF ADDR2LINE] [ADDRESS...]",
	.summary = "Shows where the time of a recording went. FILE is ddprof.data by default, '-' "
		   "standard input; several files, or a directory of them, are the segments or "
		   "snapshots of one recording.",
	.epilogue = "See ddprof-report(1); "
		    "when something is missing, ddprof(7), \"Troubleshooting\".",
};

static const struct verb_entry {
	const char *name;
	enum verb verb;
	int (*run)(struct command *c);
} verbs[] = {
	{ "show", VERB_SHOW, cmd_show },	  { "info", VERB_INFO, cmd_info },
	{ "export", VERB_EXPORT, cmd_export },	  { "annotate", VERB_ANNOTATE, cmd_annotate },
	{ "missing", VERB_MISSING, cmd_missing }, { "scrub", VERB_SCRUB, cmd_scrub },
	{ "convert", VERB_CONVERT, cmd_convert }, { "cache", VERB_CACHE, cmd_cache },
};

/* No verb: show, and the operand is a file. */
static const struct verb_entry *take_verb(struct command *c)
{
	for (unsigned int i = 0; c->n_operands && i < N_ELEMENTS(verbs); i++) {
		if (strcmp(c->operand[0], verbs[i].name) != 0)
			continue;
		c->operand++;
		c->n_operands--;
		return &verbs[i];
	}
	return &verbs[0];
}

static int run_verb(struct command *c)
{
	const struct verb_entry *v = take_verb(c);
	int status = command_ready(c, v->name, v->verb);

	return status ? status : v->run(c);
}

int main(int argc, char **argv)
{
	struct command c = { .by = VIEW_FUNCTION,
			     .style = { .limit = 60, .min_percent = 0.5, .context = 3 } };
	struct err err = { 0 };
	int operand, status;

	log_init("ddprof-report");
	log_set_rooms(getenv("DDPROF_DEBUG"));
	if (argc > 1 && !strcmp(argv[1], "addr2line"))
		return cmd_addr2line(argc - 1, argv + 1);
	filter_init(&c.pipeline.filter);
	if (config_load_asked(argc, argv, &c, &err) < 0 ||
	    opt_parse(command_options, &c, argc, argv, false, &operand, &err) < 0) {
		log_error("%s", err.text);
		command_done(&c);
		return EXIT_USAGE;
	}
	c.operand = argv + operand;
	c.n_operands = argc - operand;
	if (c.help) {
		opt_print_help(command_options, &usage, stdout);
		status = EXIT_DONE;
	} else if (c.version) {
		printf("ddprof-report %s\n", PACKAGE_VERSION);
		status = EXIT_DONE;
	} else {
		status = run_verb(&c);
	}
	command_done(&c);
	return status;
}
