/* Wiring and exit status. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "common/base/log.h"
#include "record/configuration.h"
#include "record/doctor/doctor.h"
#include "record/options.h"
#include "record/session.h"
#include "record/snapshot.h"
#include "record/target.h"
#include "record/unrecorded.h"
#include "record/watcher/watcher.h"

/* Everything that was printed so far is out; otherwise it is said, and `failed` is the status. */
static int check_printed(int status, int failed)
{
	int code = fflush(stdout) == 0 ? EIO : errno;

	if (!ferror(stdout))
		return status;
	log_error("cannot write to standard output: %s", strerror(code));
	return failed;
}

/* True: that was all that was asked for. */
static bool print_text(const struct options *o)
{
	if (o->help_extended)
		opt_print_help(options_table, &options_usage, stdout);
	else if (o->help)
		opt_print_short_help(options_table, &options_usage, stdout);
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

static char **options_at;   /* what was said, and */
static char **after_dashes; /* the COMMAND, while the options are not understood yet */

/* Before they are understood: whether COMMAND may have to run as somebody else. */
static bool may_switch_user(void)
{
	static const char *const name[] = { "DD_PROFILING_SWITCH_USER",
					    "DD_PROFILING_NATIVE_CONFIG" };

	if (geteuid() != 0)
		return false;
	for (char **at = options_at; at < after_dashes; at++)
		if (!strncmp(*at, "--sw", 4) || !strncmp(*at, "--conf", 6))
			return true;
	for (size_t i = 0; i < N_ELEMENTS(name); i++)
		if (getenv(name[i]))
			return true;
	return access(CONFIGURATION_DEFAULT, F_OK) == 0;
}

/* "-o -", "-o-", "--output=-": what COMMAND says must not come where a recording is expected. */
static bool stdout_is_taken(void)
{
	for (char **at = options_at; at < after_dashes; at++) {
		size_t n = strlen(*at);

		if (!strcmp(*at, "-") || !strcmp(*at, "-o-") ||
		    (n > 2 && !strcmp(*at + n - 2, "=-")))
			return true;
	}
	return false;
}

static void on_exhaustion(size_t size_bytes)
{
	bool runs = *after_dashes && !may_switch_user();

	log_error("out of memory: %zu bytes wanted%s", size_bytes,
		  runs		? "; COMMAND runs without being recorded" :
		  *after_dashes ? "; COMMAND is not started: it is not known as which user" :
				  "");
	if (!runs)
		_exit(EXIT_OWN_FAILURE);
	if (stdout_is_taken())
		target_leave_stdout();
	execvp(after_dashes[0], after_dashes);
	int code = errno;
	log_error("cannot run '%s': %s", after_dashes[0], strerror(code));
	_exit(code == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE);
}

static void expect_exhaustion(char **argv)
{
	for (options_at = after_dashes = argv; *after_dashes && strcmp(*after_dashes, "--");)
		after_dashes++;
	after_dashes += *after_dashes != NULL;
	mem_on_exhaustion(on_exhaustion);
}

int main(int argc, char **argv)
{
	static struct options o;
	struct err err = { .code = 0 };
	int status = EXIT_WRONG_USAGE;

	log_init("ddprof-record");
	log_set_rooms(getenv("DDPROF_DEBUG"));
	bool doctor =
		argc > 1 && !strcmp(argv[1], "doctor"); /* a COMMAND of that name: -- doctor */
	bool snapshot = argc > 1 && !strcmp(argv[1], "snapshot");
	if (!doctor && !snapshot)
		expect_exhaustion(argv);
	io_monotonic_of_host();
	if (doctor)
		return check_printed(doctor_run(argc - 1, argv + 1), DOCTOR_CANNOT);
	if (snapshot)
		return snapshot_run(argc - 1, argv + 1);
	if (options_parse(&o, argc, argv, &err) < 0)
		log_error("%s", err.text);
	else if (print_text(&o))
		status = check_printed(0, EXIT_OWN_FAILURE);
	else
		status = run(&o);
	options_done(&o);
	return status;
}
