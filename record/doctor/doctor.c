/* Options of the verb, and which looks they ask for. */
#include "record/doctor/doctor.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/log.h"
#include "common/base/opt.h"
#include "record/doctor/apart.h"
#include "record/doctor/bundle.h"
#include "record/doctor/checks.h"
#include "record/doctor/host.h"
#include "record/doctor/show.h"
#include "record/doctor/target.h"

enum { TARGET_DEADLINE_S = 20 };

struct doctor_options {
	bool json, help, dry_run;
	const char *bundle, *output;
};

static int set_json(void *ctx, const char *value, struct err *err)
{
	(void)value, (void)err;
	((struct doctor_options *)ctx)->json = true;
	return 0;
}

static int set_bundle(void *ctx, const char *value, struct err *err)
{
	if (!*value)
		return err_set(err, -EINVAL, "expected a file name");
	((struct doctor_options *)ctx)->bundle = value;
	return 0;
}

static int set_output(void *ctx, const char *value, struct err *err)
{
	if (!*value)
		return err_set(err, -EINVAL, "expected a file name, or '-'");
	((struct doctor_options *)ctx)->output = value;
	return 0;
}

static int set_dry_run(void *ctx, const char *value, struct err *err)
{
	(void)value, (void)err;
	((struct doctor_options *)ctx)->dry_run = true;
	return 0;
}

static int set_help(void *ctx, const char *value, struct err *err)
{
	(void)value, (void)err;
	((struct doctor_options *)ctx)->help = true;
	return 0;
}

static const struct opt table[] = {
	{ 0, "json", NULL, NULL, NULL, set_json, "one JSON object instead of lines", false },
	{ 0, "bundle", "FILE", NULL, NULL, set_bundle,
	  "write what a support ticket asks for, secrets masked, into a new FILE.tar.zst", false },
	{ 0, "dry-run", NULL, NULL, NULL, set_dry_run,
	  "list what --bundle would write, and write nothing", false },
	{ 'o', "output", "FILE", NULL, "ddprof.data", set_output,
	  "the file that a recording would be written to", false },
	{ 'h', "help", NULL, NULL, NULL, set_help, "print this and exit", false },
	{ 0, NULL, NULL, NULL, NULL, NULL, NULL, false },
};

static const struct opt_usage usage = {
	.program = "ddprof-record doctor",
	.synopsis = "ddprof-record doctor [options] [PID | PROGRAM [ARGS...]]",
	.summary = "Tries what a recording needs, on this host or of one target, and says for "
		   "each thing: ok, limited or refused, and what would allow it.",
	.epilogue = "Exit status: 0 it can be recorded, 1 it cannot, 2 wrong usage. "
		    "See ddprof(7), \"Troubleshooting\".",
};

/* 0: no number of a process. */
static pid_t parse_pid(const char *text)
{
	char *end;

	errno = 0;
	long value = strtol(text, &end, 10);
	return isdigit((unsigned char)text[0]) && !*end && !errno && value <= INT32_MAX ?
		       (pid_t)value :
		       0;
}

struct target_work {
	const char *name;
	struct checks checks;
};

static void look_at_target(void *data)
{
	struct target_work *w = data;
	pid_t pid = parse_pid(w->name);

	if (pid)
		process_look(pid, &w->checks);
	else
		program_look(w->name, &w->checks);
}

static void look(const struct doctor_options *o, char **operands, struct checks *ret)
{
	static struct target_work w;
	struct err err = { .code = 0 };

	host_look(o->output, ret);
	if (!operands[0])
		return;
	w = (struct target_work){ .name = operands[0], .checks = *ret };
	if (apart_run(look_at_target, &w, sizeof(w), TARGET_DEADLINE_S, &err) == 0) {
		*ret = w.checks;
		return;
	}
	ret->possible = false;
	check_means(checks_add(ret, CHECK_TARGET, GATE_NOT_KNOWN, "target", "%s", operands[0]),
		    "cannot be looked at: %s", err.text);
	checks_summary(ret, "'%s' cannot be looked at: %s", operands[0], err.text);
}

static int write_bundle(const struct doctor_options *o, char **operands)
{
	struct bundle_options options = {
		.path = o->bundle,
		.dry_run = o->dry_run,
		.operands = operands,
		.pid = operands[0] ? parse_pid(operands[0]) : 0,
	};
	struct err err = { .code = 0 };

	if (!bundle_list(&options, stdout))
		return DOCTOR_CANNOT; /* what is not listed is not written; main says why */
	if (o->dry_run)
		return 0;
	static struct checks checks;
	look(o, operands, &checks);
	if (bundle_write(&options, &checks, &err) < 0) {
		log_error("%s", err.text);
		return DOCTOR_CANNOT;
	}
	printf("written: %s\n", o->bundle);
	return 0;
}

static int show(const struct doctor_options *o, char **operands)
{
	static struct checks checks;
	struct buf out;

	look(o, operands, &checks);
	buf_init(&out);
	if (o->json)
		show_json(&checks, &out);
	else
		show_text(&checks, &out);
	fwrite(out.data, 1, out.n, stdout);
	buf_done(&out);
	return checks.possible ? 0 : DOCTOR_CANNOT;
}

int doctor_run(int argc, char **argv)
{
	struct doctor_options o = { .output = "ddprof.data" };
	struct err err = { .code = 0 };
	int operand;

	if (opt_parse(table, &o, argc, argv, true, &operand, &err) < 0) {
		log_error("doctor: %s", err.text);
		return DOCTOR_USAGE;
	}
	if (o.help) {
		opt_print_help(table, &usage, stdout);
		return 0;
	}
	if (o.dry_run && !o.bundle) {
		log_error("doctor: --dry-run says what --bundle would write: give both");
		return DOCTOR_USAGE;
	}
	return o.bundle ? write_bundle(&o, argv + operand) : show(&o, argv + operand);
}
