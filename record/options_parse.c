/*
 * From words to struct options. The command line is read first, as it names the configuration
 * file, and applied last.
 */
#include "record/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/auto.h"
#include "common/base/bits.h"
#include "common/base/io.h"
#include "record/configuration.h"

static const struct options defaults = {
	.session = { .output = "ddprof.data",
		     .max_overhead_permyriad = 300,
		     .stacks = SINK_STACKS_SCRUBBED,
		     .embed = EMBED_SYMBOLS,
		     .inherit = true,
		     .long_run.sink.sync_ns = 10000000000 },
	.frequency_hz = 99,
	.enable = true,
	.log_level = LOG_NOTICE,
};

/* ---- who said what ---- */

struct reading {
	struct given *given;
	enum given_origin origin;
	struct arena *arena;
};

/* Out of our command line, which everybody may read in /proc. */
static const char *hide(const char *value, struct arena *arena)
{
	const char *copy = arena_strdup(arena, value);

	memset((char *)(uintptr_t)value, '*', strlen(value)); /* argv's own bytes */
	return copy;
}

static int note(void *ctx, const struct opt *opt, const char *value, struct err *err)
{
	const struct reading *r = ctx;

	if (opt->flags & OF_PERF)
		return err_set(err, -EINVAL, "only perf has it: %s", opt->help);
	if (opt->flags & OPT_SECRET && r->origin == GIVEN_WORDS)
		value = hide(value, r->arena);
	given_add(r->given, opt, value, r->origin, NULL);
	return 0;
}

static const char *config_path(const struct given *words, const struct given *environment)
{
	const struct given_value *v = given_find(words, "config");

	if (!v)
		v = given_find(environment, "config");
	return v ? v->value : NULL;
}

/* Environment and configuration into o->given; then the words over them. */
static int read_others(struct options *o, const struct given *words, struct err *err)
{
	struct reading environment = { &o->given, GIVEN_ENVIRONMENT, &o->arena };
	int r = opt_read_environment(options_table, note, &environment, err);

	if (r == 0)
		r = configuration_read(config_path(words, &o->given), options_table, &o->given,
				       &o->arena, &o->config_name, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < words->n; i++)
		given_add(&o->given, words->value[i].opt, words->value[i].value, GIVEN_WORDS, NULL);
	return 0;
}

/* --help and its like: answered whatever else is wrong. */
static bool asks_for_text(struct options *o, const struct given *words, struct err *err)
{
	static const char *const names[] = { "help", "help-extended", "version", "completion" };

	for (size_t i = 0; i < N_ELEMENTS(names); i++) {
		const struct given_value *v = given_find(words, names[i]);

		if (v && v->opt->set(o, v->value, err) == 0)
			return true;
	}
	return false;
}

/* ---- what goes together ---- */

bool options_have_target(const struct options *o)
{
	return o->session.argv || o->session.n_pids || o->session.whole_system;
}

static bool is_given_here(const struct options *o, const char *name)
{
	const struct given_value *v = given_find(&o->given, name);

	return v && v->origin != GIVEN_ENVIRONMENT;
}

static int check_target(const struct options *o, struct err *err)
{
	const struct session_options *s = &o->session;

	if (!options_have_target(o) && !o->show_config)
		return err_set(err, -EINVAL,
			       "nothing to record: give a COMMAND, -p PID or -a; see --help");
	if (s->argv && is_given_here(o, "global"))
		return err_set(err, -EINVAL,
			       "-g is --global here: COMMAND and the whole system exclude each "
			       "other (call graphs, perf's -g, are always there: leave it out)");
	if ((s->argv != NULL) + (s->n_pids != 0) + s->whole_system > 1)
		return err_set(err, -EINVAL, "COMMAND, -p and -a exclude each other; see --help");
	if (is_given_here(o, "count") && is_given_here(o, "frequency"))
		return err_set(err, -EINVAL, "--count and --frequency exclude each other");
	if (!s->argv && options_have_target(o) && is_given_here(o, "switch-user"))
		return err_set(err, -EINVAL, "--switch-user is for a COMMAND; see --help");
	if (o->self.realtime > 0 && is_given_here(o, "realtime") && is_given_here(o, "nice"))
		return err_set(err, -EINVAL,
			       "--nice and --realtime exclude each other; see --help");
	if (o->log_output && !strcmp(o->log_output, "stdout") && !strcmp(s->output, "-"))
		return err_set(err, -EINVAL,
			       "--log-mode=stdout and -o - both want standard output");
	return 0;
}

/* "2 (kthreadd) S 0 0 0 0 -1 2129984 ...": the seventh field behind the name has the flags. */
static bool is_kernel_thread(pid_t pid, char *name, size_t cap)
{
	enum { FLAG_KTHREAD = 0x200000, STAT_BYTES_MAX = 4096 };
	AUTO_FREE char *text = NULL;
	unsigned long flags = 0;
	char path[32];
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (io_read_file(path, STAT_BYTES_MAX, &text, &n, NULL) < 0)
		return false;
	char *from = strchr(text, '('), *to = strrchr(text, ')');
	if (!from || !to || sscanf(to + 1, " %*c %*d %*d %*d %*d %*d %lu", &flags) != 1)
		return false;
	snprintf(name, cap, "%.*s", (int)(to - from - 1), from + 1);
	return flags & FLAG_KTHREAD;
}

static int check_pids(const struct options *o, struct err *err)
{
	char name[64];

	for (size_t i = 0; i < o->session.n_pids; i++)
		if (is_kernel_thread(o->pids[i], name, sizeof(name)))
			return err_set(err, -EINVAL,
				       "process %d (%s) is a kernel thread: it has no user code; "
				       "record it with -a",
				       (int)o->pids[i], name);
	return 0;
}

static int check_user(struct options *o, struct err *err)
{
	if (!o->user_name || !o->session.argv)
		return 0;
	o->session.user = &o->user;
	o->session.user_name = o->user_name;
	return user_find(o->user_name, NULL, &o->user, err);
}

/* ---- events ---- */

/*
 * A tracepoint's number comes from a file system that may not be there, or not for this user: that
 * is no wrong usage. It is left out where another event remains.
 */
static int resolve_events(struct options *o, struct err *err)
{
	struct watchers all = o->watchers;

	o->watchers.n = 0;
	for (size_t i = 0; i < all.n; i++) {
		struct watchers one = { .n = 1, .watcher = { all.watcher[i] } };
		int r = watchers_resolve(&one, NULL, err);

		if (r == -ENODEV || r == -EACCES) {
			if (o->refused.code)
				log_warning("%s; left out", o->refused.text);
			o->refused = *err;
		} else if (r < 0) {
			return r;
		} else {
			o->watchers.watcher[o->watchers.n++] = one.watcher[0];
		}
	}
	if (o->refused.code && o->watchers.n) {
		log_warning("%s; left out", o->refused.text);
		o->refused.code = 0;
	}
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
	if (o->count)
		watchers_set_period(&o->watchers, o->count);
	else
		watchers_set_frequency(&o->watchers, o->frequency_hz);
	o->session.watchers = &o->watchers;
	return resolve_events(o, err);
}

/* ---- all of it ---- */

static int check(struct options *o, struct err *err)
{
	int r = check_target(o, err);

	if (r == 0)
		r = long_run_check(&o->session.long_run, o->session.output, err);
	if (r == 0)
		r = check_pids(o, err);
	if (r == 0)
		r = check_user(o, err);
	if (r == 0)
		r = choose_events(o, err);
	return r;
}

static int parse(struct options *o, const struct given *words, struct err *err)
{
	int r;

	if (asks_for_text(o, words, err))
		return 0;
	r = read_others(o, words, err);
	if (r == 0)
		r = given_apply(&o->given, o, err);
	if (r < 0 || o->event_help)
		return r;
	return check(o, err);
}

int options_parse(struct options *o, int argc, char **argv, struct err *err)
{
	struct given words = { 0 };
	struct reading reading = { &words, GIVEN_WORDS, &o->arena };
	int operand, r;

	*o = defaults;
	arena_init(&o->arena);
	o->session.pids = o->pids;
	o->session.self = &o->self;
	r = opt_read_words(options_table, argc, argv, true, note, &reading, &operand, err);
	if (r == 0 && operand < argc)
		o->session.argv = argv + operand;
	if (r == 0)
		r = parse(o, &words, err);
	given_done(&words);
	return r;
}

void options_done(struct options *o)
{
	given_done(&o->given);
	arena_done(&o->arena);
}
