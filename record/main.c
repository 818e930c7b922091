/* Wiring and exit status. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"
#include "common/base/log.h"
#include "record/doctor/doctor.h"
#include "record/options.h"
#include "record/session.h"
#include "record/watcher/watcher.h"

int main(int argc, char **argv)
{
	static struct options o = {
		.session = { .output = "ddprof.data",
			     .stacks = SINK_STACKS_SCRUBBED,
			     .embed = EMBED_SYMBOLS,
			     .long_run.sink.sync_ns = 10000000000 },
		.frequency_hz = 99,
	};
	struct err err = { .code = 0 };

	log_init("ddprof-record");
	log_set_rooms(getenv("DDPROF_DEBUG"));
	if (argc > 1 && !strcmp(argv[1], "doctor")) /* a COMMAND of that name: -- doctor */
		return doctor_run(argc - 1, argv + 1);
	if (options_parse(&o, argc, argv, &err) < 0) {
		log_error("%s", err.text);
		return EXIT_WRONG_USAGE;
	}
	if (o.help) {
		opt_print_help(options_table, &options_usage, stdout);
		return 0;
	}
	if (o.event_help) {
		watchers_print_help(stdout);
		return 0;
	}
	if (o.version) {
		puts("ddprof-record " PACKAGE_VERSION);
		return 0;
	}
	return session_run(&o.session);
}
