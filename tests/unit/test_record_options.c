/* record/options*.c, given.c, configuration.c: the table itself, and who overrules whom. */
#include "record/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record/configuration.h"
#include "tests/unit/check.h"

enum { WORDS_MAX = 10 };

static void table_is_sound(void)
{
	for (const struct opt *a = options_table; a->name; a++) {
		if (!*a->name) {
			CHECK_TRUE(a->help && *a->help);
			continue;
		}
		CHECK_TRUE(a->set && a->help && *a->help, "--%s", a->name);
		CHECK_TRUE(a->help[strlen(a->help) - 1] != '.', "--%s", a->name);
		CHECK_TRUE(!strchr(a->name, '_'), "--%s", a->name);
		CHECK_TRUE(!(a->flags & OPT_SWITCH) || !a->arg, "--%s", a->name);
		for (const struct opt *b = a + 1; b->name; b++) {
			CHECK_TRUE(strcmp(a->name, b->name) != 0 || !*a->name, "--%s", a->name);
			CHECK_TRUE(!a->letter || a->letter != b->letter, "-%c", a->letter);
			CHECK_TRUE(!a->env || !b->env || strcmp(a->env, b->env) != 0, "%s", a->env);
		}
	}
}

/* "stderr|stdout|FILE": what completions offer must be taken. */
static void choices_are_taken(void)
{
	static struct options o;

	for (const struct opt *opt = options_table; opt->name; opt++) {
		const char *at = opt->arg && strchr(opt->arg, '|') ? opt->arg : "";

		for (; *at; at += *at == '|') {
			size_t n = strcspn(at, "|");
			char value[64];
			struct err err = { .code = 0 };

			snprintf(value, sizeof(value), "%.*s", (int)n, at);
			if (strspn(value, "abcdefghijklmnopqrstuvwxyz_") == n)
				CHECK_TRUE(opt->set(&o, value, &err) == 0, "--%s=%s: %s", opt->name,
					   value, err.text);
			at += n;
		}
	}
}

static int parse(struct options *o, const char *const *words, struct err *err)
{
	static char *argv[WORDS_MAX + 2];
	int argc = 1;

	argv[0] = (char *)"ddprof-record";
	for (; words[argc - 1]; argc++)
		argv[argc] = (char *)words[argc - 1];
	argv[argc] = NULL;
	*err = (struct err){ .code = 0 };
	return options_parse(o, argc, argv, err);
}

#define WORDS(...) (const char *const[]){ "--config=none", __VA_ARGS__, NULL }
#define PARSE(o, err, ...) parse(o, WORDS(__VA_ARGS__), err)

static void overruling(void)
{
	static struct options o;
	struct err err;

	setenv("DD_PROFILING_NATIVE_EVENTS", "sCPU;sPF", 1);
	setenv("DD_PROFILING_SAMPLE_STACK_USER", "17", 1);
	CHECK_INT(PARSE(&o, &err, "-e", "sCPU", "-e", "sCS", "--stack_size=16", "true"), 0);
	CHECK_INT(o.watchers.n, 2);
	CHECK_STR(o.watchers.watcher[1].name, "sCS");
	CHECK_INT(o.session.stack_bytes, 16);
	options_done(&o);
	CHECK_INT(PARSE(&o, &err, "true"), -EINVAL);
	CHECK_HAS(err.text, "environment variable DD_PROFILING_SAMPLE_STACK_USER: '17'");
	options_done(&o);
	unsetenv("DD_PROFILING_SAMPLE_STACK_USER");
	CHECK_INT(PARSE(&o, &err, "true"), 0);
	CHECK_STR(o.watchers.watcher[1].name, "sPF");
	options_done(&o);
	unsetenv("DD_PROFILING_NATIVE_EVENTS");
	CHECK_INT(PARSE(&o, &err, "-e", "sCPU", "-e", "sCPU", "true"), -EINVAL);
	CHECK_HAS(err.text, "Duplicate event");
	options_done(&o);
}

static void asking(void)
{
	static struct options o;
	struct err err;

	setenv("DDPROF_FREQUENCY", "wrong", 1);
	CHECK_INT(PARSE(&o, &err, "-F", "0", "--help"), 0);
	CHECK_TRUE(o.help);
	options_done(&o);
	CHECK_INT(PARSE(&o, &err, "--version"), 0);
	CHECK_TRUE(o.version && !o.help);
	options_done(&o);
	unsetenv("DDPROF_FREQUENCY");
	CHECK_INT(PARSE(&o, &err, "-e", "help"), 0);
	CHECK_TRUE(o.event_help);
	options_done(&o);
	CHECK_INT(PARSE(&o, &err, "--show_config"), 0);
	CHECK_TRUE(!options_have_target(&o));
	options_done(&o);
	CHECK_INT(PARSE(&o, &err, "--no-show_config"), -EINVAL);
	options_done(&o);
	CHECK_INT(PARSE(&o, &err, "-g"), 0);
	CHECK_TRUE(o.session.whole_system);
	options_done(&o);
	CHECK_INT(PARSE(&o, &err, "-g", "--global=no", "-p", "1"), 0);
	CHECK_TRUE(!o.session.whole_system && o.session.n_pids == 1);
	options_done(&o);
}

static void contradictions(void)
{
	static const struct {
		const char *words[WORDS_MAX];
		const char *text;
	} rows[] = {
		{ { "-p", "1", "true" }, "exclude each other" },
		{ { "-a", "true" }, "exclude each other" },
		{ { "-a", "-p", "1" }, "exclude each other" },
		{ { "-p", "1,,2" }, "option --pid: '': expected" },
		{ { "-p", "99999999999" }, "option --pid: " },
		{ { "-o", "-", "--log_mode=stdout", "true" }, "standard output" },
		{ { "-p", "1", "--switch-user=root" }, "for a COMMAND" },
		{ { "--nice=-21", "true" }, "--nice: '-21'" },
		{ { "--nice=x", "true" }, "--nice: 'x'" },
		{ { "--nice=", "true" }, "--nice: ''" },
		{ { "-o", "", "true" }, "--output" },
		{ { "-S", "a\nb", "true" }, "--service: control byte 0x0a at 1" },
		{ { "--preset=all", "true" }, "Unknown preset (all)" },
		{ { "--port=65536", "true" }, "'65536': expected 1 to 65535 as a port" },
		{ { "--agentless=maybe", "true" }, "'maybe': expected yes or no" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		static struct options o;
		struct err err;

		CHECK_TRUE(parse(&o, rows[i].words, &err) < 0, "row %zu", i);
		CHECK_HAS(err.text, rows[i].text);
		options_done(&o);
	}
}

/* ---- the file ---- */

static int read_text(const char *text, size_t n, struct given *g, struct arena *arena,
		     struct err *err)
{
	char path[] = "/tmp/ddprof-unit-XXXXXX";
	int fd = mkstemp(path);
	const char *name;

	REQUIRE_TRUE(fd >= 0 && write(fd, text, n) == (ssize_t)n);
	close(fd);
	int r = configuration_read(path, options_table, g, arena, &name, err);
	unlink(path);
	return r;
}

static void file_values(void)
{
	static const char text[] = "frequency = 7\n"
				   "event = [\"sCPU\", \"sPF\"]\n"
				   "event = \"sCS\"\n"
				   "inherit = false\n"
				   "do_export = 0\n"
				   "global = \"no\"\n"
				   "verbose = true\n"
				   "upload-period = 10\n";
	static const char *const want[] = { "frequency=7", "event=sCPU",   "event=sPF",
					    "event=sCS",   "inherit=no",   "do-export=no",
					    "global=no",   "verbose=yes",  "upload-period=10" };
	struct given g = { 0 };
	struct arena arena;
	struct err err = { .code = 0 };

	arena_init(&arena);
	CHECK_INT(read_text(text, strlen(text), &g, &arena, &err), 0);
	CHECK_INT(g.n, sizeof(want) / sizeof(want[0]));
	for (size_t i = 0; i < g.n && i < sizeof(want) / sizeof(want[0]); i++) {
		char got[64];

		snprintf(got, sizeof(got), "%s=%s", g.value[i].opt->name, g.value[i].value);
		CHECK_STR(got, want[i]);
		CHECK_INT(g.value[i].origin, GIVEN_FILE);
	}
	CHECK_HAS(g.value[2].place, ":2:9");
	CHECK_TRUE(given_find(&g, "event") == &g.value[3]);
	CHECK_TRUE(!given_find(&g, "output"));
	given_add(&g, g.value[1].opt, "hCPU", GIVEN_WORDS, NULL);
	CHECK_INT(g.n, 7);
	CHECK_STR(given_find(&g, "event")->value, "hCPU");
	given_done(&g);
	arena_done(&arena);
}

/* A file cut anywhere is values, or an error with a place; never a crash. */
static void file_cut(void)
{
	static const char text[] = "stacks = \"raw\"\nevent = [\"sCPU\",\n \"sPF\"]\npid = 12\n";

	for (size_t n = 0; n <= strlen(text); n++) {
		struct given g = { 0 };
		struct arena arena;
		struct err err = { .code = 0 };

		arena_init(&arena);
		if (read_text(text, n, &g, &arena, &err) < 0)
			CHECK_HAS(err.text, ":");
		given_done(&g);
		arena_done(&arena);
	}
}

/* ---- shown ---- */

static void completions(void)
{
	static const char *const shells[] = { "bash", "zsh", "fish" };

	for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
		char *text = NULL;
		size_t n;
		FILE *out = open_memstream(&text, &n);

		options_complete(shells[i], out);
		fclose(out);
		CHECK_HAS(text, "scrubbed raw none");
		CHECK_HAS(text, "sCPU");
		CHECK_TRUE(!strstr(text, "mmap-pages"), "hidden options are offered");
		free(text);
	}
}

SUITE(record_options, { "names, letters and variables of the table are unique", table_is_sound },
      { "every value that completions offer is taken", choices_are_taken },
      { "a value overrules those of lower origin, unseen by setters", overruling },
      { "asking for help works whatever else is wrong", asking },
      { "wrong and contradicting options name themselves", contradictions },
      { "the configuration gives values with their places", file_values },
      { "a configuration that is cut anywhere is no crash", file_cut },
      { "completions have values and no hidden options", completions }, )
