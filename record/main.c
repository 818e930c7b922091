/* Wiring and exit status. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "common/base/log.h"
#include "record/doctor/doctor.h"
#include "record/options.h"
#include "record/session.h"
#include "record/snapshot.h"
#include "record/unrecorded.h"
#include "record/watcher/watcher.h"

/* True: that was all that was asked for. */
static bool print_text(const struct options *o)
{
	if (o->help)
		opt_print_help(options_table, &options_usage, stdout);
	else if (o->event_help)
		watchers_print_help(stdout);
	else if (o->version)
		puts("ddprof-record " PACKAGE_VERSION);
	else if (o->completion)
		options_complete(o->completion, stdout);
	else
		return false;
	return true;
}

static void tell(const struct options *o)
{
	struct err err = { .code = 0 };

	if (o->log_output && log_set_output(o->log_output, &err) < 0)
		log_warning("%s", err.text);
	log_set_level(o->log_level);
	options_tell_unused(o);
	if (o->capture && options_capture(o, &err) < 0)
		log_error("%s", err.text);
	if (o->show_config)
		options_show(o);
}

static int run_unrecorded(const struct options *o)
{
	const char *why = o->refused.code ? o->refused.text : "Profiling disabled";

	if (!o->session.argv) {
		if (o->enable)
			log_error("%s", why);
		else
			log_notice("%s: nothing is recorded", why);
		return o->enable ? EXIT_OWN_FAILURE : 0;
	}
	if (o->enable)
		log_error("%s; COMMAND runs without being recorded", why);
	else
		log_notice("%s: COMMAND runs without being recorded", why);
	return unrecorded_run(&o->session);
}

static int run(const struct options *o)
{
	tell(o);
	if (!options_have_target(o))
		return 0;
	if (!o->enable || o->refused.code)
		return run_unrecorded(o);
	return session_run(&o->session);
}

static char **after_dashes; /* the COMMAND, while the options are not understood yet */

static void on_exhaustion(size_t size_bytes)
{
	log_error("out of memory: %zu bytes wanted%s", size_bytes,
		  *after_dashes ? "; COMMAND runs without being recorded" : "");
	if (*after_dashes)
		execvp(after_dashes[0], after_dashes);
	_exit(EXIT_OWN_FAILURE);
}

int main(int argc, char **argv)
{
	static struct options o;
	struct err err = { .code = 0 };
	int status = EXIT_WRONG_USAGE;

	log_init("ddprof-record");
	log_set_rooms(getenv("DDPROF_DEBUG"));
	for (after_dashes = argv; *after_dashes && strcmp(*after_dashes, "--");)
		after_dashes++;
	after_dashes += *after_dashes != NULL;
	mem_on_exhaustion(on_exhaustion);
	io_monotonic_of_host();
	if (argc > 1 && !strcmp(argv[1], "doctor")) /* a COMMAND of that name: -- doctor */
		return doctor_run(argc - 1, argv + 1);
	if (argc > 1 && !strcmp(argv[1], "snapshot"))
		return snapshot_run(argc - 1, argv + 1);
	if (options_parse(&o, argc, argv, &err) < 0)
		log_error("%s", err.text);
	else
		status = print_text(&o) ? 0 : run(&o);
	options_done(&o);
	return status;
}
