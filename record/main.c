/* Option table, wiring, exit status. */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/log.h"
#include "common/base/opt.h"
#include "record/session.h"
#include "record/target.h"
#include "record/watcher/watcher.h"

struct options {
	struct session_options session;
	struct watchers watchers;
	const char *preset;
	uint32_t frequency_hz;
	pid_t pids[TARGET_PIDS_MAX];
	bool help, version, event_help;
};

static int parse_number(const char *text, uint64_t min, uint64_t max, const char *unit,
			uint64_t *ret, struct err *err)
{
	char *end;

	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || *end || errno || value < min || value > max)
		return err_set(err, -EINVAL, "'%s': expected %llu to %llu %s", text,
			       (unsigned long long)min, (unsigned long long)max, unit);
	*ret = value;
	return 0;
}

static int parse_choice(const char *text, const char *const *names, size_t n, unsigned int *ret,
			struct err *err)
{
	char list[128] = "";

	for (size_t i = 0; i < n; i++) {
		if (!strcmp(text, names[i])) {
			*ret = (unsigned int)i;
			return 0;
		}
		snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s", i ? ", " : "",
			 names[i]);
	}
	return err_set(err, -EINVAL, "'%s': expected one of %s", text, list);
}

static int set_pids(void *ctx, const char *value, struct err *err)
{
	struct options *o = ctx;
	uint64_t pid;

	for (const char *at = value;; at++) {
		char one[24];
		size_t n = strcspn(at, ",");

		snprintf(one, sizeof(one), "%.*s", (int)MIN(n, sizeof(one) - 1), at);
		if (parse_number(one, 1, INT32_MAX, "as process number", &pid, err) < 0)
			return -EINVAL;
		if (o->session.n_pids == TARGET_PIDS_MAX)
			return err_set(err, -E2BIG, "at most %d processes", TARGET_PIDS_MAX);
		o->pids[o->session.n_pids++] = (pid_t)pid;
		at += n;
		if (!*at)
			return 0;
	}
}

static int set_all(void *ctx, const char *value, struct err *err)
{
	(void)value, (void)err;
	((struct options *)ctx)->session.whole_system = true;
	return 0;
}

static int set_output(void *ctx, const char *value, struct err *err)
{
	if (!*value)
		return err_set(err, -EINVAL, "expected a file name, or '-'");
	((struct options *)ctx)->session.output = value;
	return 0;
}

static int set_frequency(void *ctx, const char *value, struct err *err)
{
	uint64_t hz;

	if (parse_number(value, 1, 100000, "samples a second", &hz, err) < 0)
		return -EINVAL;
	((struct options *)ctx)->frequency_hz = (uint32_t)hz;
	return 0;
}

static int set_event(void *ctx, const char *value, struct err *err)
{
	struct options *o = ctx;

	if (!strcmp(value, "help"))
		return o->event_help = true, 0;
	return watchers_add(&o->watchers, value, err);
}

static int set_preset(void *ctx, const char *value, struct err *err)
{
	struct watchers any = { .n = 0 };

	((struct options *)ctx)->preset = value;
	return watchers_add_preset(&any, value, false, err);
}

static int set_stacks(void *ctx, const char *value, struct err *err)
{
	static const char *const names[] = { "scrubbed", "raw", "none" };
	unsigned int choice;

	if (parse_choice(value, names, N_ELEMENTS(names), &choice, err) < 0)
		return -EINVAL;
	((struct options *)ctx)->session.stacks = choice;
	return 0;
}

static int set_stack_size(void *ctx, const char *value, struct err *err)
{
	uint64_t bytes;

	if (parse_number(value, 8, STACK_BYTES_MAX, "bytes", &bytes, err) < 0)
		return -EINVAL;
	if (bytes % 8)
		return err_set(err, -EINVAL, "'%s': expected a multiple of 8", value);
	((struct options *)ctx)->session.stack_bytes = (uint32_t)bytes;
	return 0;
}

static int set_embed(void *ctx, const char *value, struct err *err)
{
	static const char *const names[] = { "none", "unwind", "symbols", "full" };
	unsigned int choice;

	if (parse_choice(value, names, N_ELEMENTS(names), &choice, err) < 0)
		return -EINVAL;
	((struct options *)ctx)->session.embed = choice;
	return 0;
}

static int set_duration(void *ctx, const char *value, struct err *err)
{
	char *end;
	double seconds = strtod(value, &end);

	if (!isdigit((unsigned char)value[0]) || *end || !(seconds > 0 && seconds < 1e9))
		return err_set(err, -EINVAL, "'%s': expected seconds, like 30 or 0.5", value);
	((struct options *)ctx)->session.duration_ns = (uint64_t)(seconds * 1e9);
	return 0;
}

static int set_verbose(void *ctx, const char *value, struct err *err)
{
	(void)ctx, (void)value, (void)err;
	log_set_level(LOG_INFO);
	return 0;
}

static int set_log_level(void *ctx, const char *value, struct err *err)
{
	enum log_level level;

	(void)ctx;
	if (log_parse_level(value, &level, err) < 0)
		return err->code;
	log_set_level(level);
	return 0;
}

static int set_help(void *ctx, const char *value, struct err *err)
{
	(void)value, (void)err;
	((struct options *)ctx)->help = true;
	return 0;
}

static int set_version(void *ctx, const char *value, struct err *err)
{
	(void)value, (void)err;
	((struct options *)ctx)->version = true;
	return 0;
}

static const struct opt table[] = {
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
	{ 0, "duration", "SECONDS", NULL, NULL, set_duration, "stop recording after so long",
	  false },
	{ 'v', "verbose", NULL, NULL, NULL, set_verbose, "say more", false },
	{ 'l', "log-level", "LEVEL", "DD_PROFILING_NATIVE_LOG_LEVEL", "notice", set_log_level,
	  "error, warn, notice, informational or debug", false },
	{ 'h', "help", NULL, NULL, NULL, set_help, "print this and exit", false },
	{ 0, "version", NULL, NULL, NULL, set_version, "print the version and exit", false },
	{ 0, NULL, NULL, NULL, NULL, NULL, NULL, false },
};

static const struct opt_usage usage = {
	.program = "ddprof-record",
	.synopsis = "ddprof-record [options] [--] COMMAND...\n"
		    "ddprof-record [options] -p PID[,PID...]\n"
		    "ddprof-record [options] -a",
	.summary = "Records where processes spend their CPU time, into one file for ddprof-report.",
	.epilogue = "COMMAND's exit status is passed on; 125: ddprof-record failed, "
		    "126: COMMAND may not be executed, 127: it was not found.",
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

static int parse(int argc, char **argv, struct options *o, struct err *err)
{
	int operand;

	if (opt_parse(table, o, argc, argv, true, &operand, err) < 0)
		return -EINVAL;
	if (o->help || o->version || o->event_help)
		return 0;
	if (choose_events(o, err) < 0)
		return err->code;
	o->session.pids = o->pids;
	if (operand < argc)
		o->session.argv = argv + operand;
	return check_target(o, err);
}

int main(int argc, char **argv)
{
	static struct options o = {
		.session = { .output = "ddprof.data",
			     .stacks = SINK_STACKS_SCRUBBED,
			     .embed = EMBED_SYMBOLS },
		.frequency_hz = 99,
	};
	struct err err = { .code = 0 };

	log_init("ddprof-record");
	log_set_rooms(getenv("DDPROF_DEBUG"));
	if (parse(argc, argv, &o, &err) < 0) {
		log_error("%s", err.text);
		return EXIT_OWN_FAILURE;
	}
	if (o.help) {
		opt_print_help(table, &usage, stdout);
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
