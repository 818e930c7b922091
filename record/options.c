#include "record/options.h"

#include <errno.h>
#include <string.h>

#include "common/base/err.h"
#include "record/options_long.h"
#include "record/options_set.h"

const struct opt options_table[] = {
	{ 'p', "pid", "PID[,PID...]", NULL, NULL, set_pids,
	  "attach to processes: all their threads, and what these start", false },
	{ 'a', "all", NULL, NULL, NULL, set_all, "record the whole system", false },
	{ 'o', "output", "FILE", NULL, "ddprof.data", set_output,
	  "file to write; '-' is standard output", false },
	{ 'F', "frequency", "HZ", "DDPROF_FREQUENCY", "99", set_frequency,
	  "samples a second of a running thread", false },
	{ 'e', "event", "EVENT", "DD_PROFILING_NATIVE_EVENTS", "sCPU", set_event,
	  "what to sample, like 'sCPU f=199;sPF'; may be repeated; 'help' lists them", false },
	{ 0, "preset", "NAME", "DD_PROFILING_NATIVE_PRESET", NULL, set_preset,
	  "events by the name of a list: default, cpu_only, ...; see -e help", false },
	{ 0, "stacks", "HOW", NULL, "scrubbed", set_stacks,
	  "user stacks: scrubbed (only words that point into code or the stack), raw, none",
	  false },
	{ 0, "stack-size", "BYTES", "DD_PROFILING_SAMPLE_STACK_USER", NULL, set_stack_size,
	  "stack to copy for each sample (default: as much as the rings take, up to 65528)",
	  false },
	{ 0, "embed", "WHAT", NULL, "symbols", set_embed,
	  "of the files met: none, unwind (tables), symbols (and names), full (whole files)",
	  false },
	{ 0, "duration", "TIME", NULL, NULL, set_duration,
	  "stop recording after so long: 30 (seconds), 5m, 1h", false },
	{ 0, "max-time", "TIME", NULL, NULL, set_duration, "the same as --duration", false },
	{ 0, "max-size", "SIZE", NULL, NULL, set_max_size,
	  "stop recording when so much is written: 64K, 100M, 1G", false },
	{ 0, "sync", "TIME|off", "DDPROF_SYNC", "10s", set_sync,
	  "have what was recorded on the disk after so long, also if power fails", false },
	{ 0, "rotate", "SIZE|TIME[:KEEP]", "DDPROF_ROTATE", NULL, set_rotate,
	  "begin a new file FILE.000001, ... after so much (64M) or so long (5m); keep KEEP of them",
	  false },
	{ 'S', "service", "NAME", "DD_SERVICE", NULL, set_service,
	  "name of the service, kept in the recording", false },
	{ 'E', "environment", "NAME", "DD_ENV", NULL, set_environment,
	  "where it runs, like 'prod'; kept in the recording", false },
	{ 'V', "service-version", "TEXT", "DD_VERSION", NULL, set_service_version,
	  "version of the service, kept in the recording", false },
	{ 'T', "tags", "KEY:VALUE[,...]", "DD_TAGS", NULL, set_tags,
	  "more about it, kept in the recording", false },
	{ 'v', "verbose", NULL, NULL, NULL, set_verbose, "say more", false },
	{ 'l', "log-level", "LEVEL", "DD_PROFILING_NATIVE_LOG_LEVEL", "notice", set_log_level,
	  "error, warn, notice, informational or debug", false },
	{ 'h', "help", NULL, NULL, NULL, set_help, "print this and exit", false },
	{ 0, "version", NULL, NULL, NULL, set_version, "print the version and exit", false },
	{ 0, NULL, NULL, NULL, NULL, NULL, NULL, false },
};

const struct opt_usage options_usage = {
	.program = "ddprof-record",
	.synopsis = "ddprof-record [options] [--] COMMAND...\n"
		    "ddprof-record [options] -p PID[,PID...]\n"
		    "ddprof-record [options] -a",
	.summary = "Records where processes spend their CPU time, into one file for ddprof-report.",
	.epilogue = "COMMAND's exit status is passed on; 125: ddprof-record failed, "
		    "2: wrong usage, 126: COMMAND may not be executed, 127: it was not found.",
};

static int check_target(const struct options *o, struct err *err)
{
	int n = (o->session.argv != NULL) + (o->session.n_pids != 0) + o->session.whole_system;

	if (n == 0)
		return err_set(err, -EINVAL,
			       "nothing to record: give a COMMAND, -p PID or -a; see --help");
	if (n > 1)
		return err_set(err, -EINVAL, "COMMAND, -p and -a exclude each other; see --help");
	return 0;
}

/* Explicit events first; a preset adds to them; neither: the time on a CPU. */
static int choose_events(struct options *o, struct err *err)
{
	bool attached = o->session.n_pids || o->session.whole_system;
	const char *preset = o->preset ? o->preset : "cpu_only";
	int r = 0;

	if (o->preset || !o->watchers.n)
		r = watchers_add_preset(&o->watchers, preset, attached, err);
	if (r < 0)
		return r;
	watchers_set_frequency(&o->watchers, o->frequency_hz);
	o->session.watchers = &o->watchers;
	return watchers_resolve(&o->watchers, NULL, err);
}

int options_parse(struct options *o, int argc, char **argv, struct err *err)
{
	int operand;

	if (opt_parse(options_table, o, argc, argv, true, &operand, err) < 0)
		return -EINVAL;
	if (o->help || o->version || o->event_help)
		return 0;
	if (choose_events(o, err) < 0)
		return err->code;
	o->session.pids = o->pids;
	if (operand < argc)
		o->session.argv = argv + operand;
	if (long_run_check(&o->session.long_run, o->session.output, err) < 0)
		return err->code;
	return check_target(o, err);
}
