/*
 * One table says what goes in; listing and writing walk the same table. Each member is made in
 * memory, then every noted secret that is still in it is starred out, whatever brought it there.
 */
#include "config.h"

#include "record/doctor/bundle.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/bits.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "record/doctor/apart.h"
#include "record/doctor/checks.h"
#include "record/doctor/collect.h"
#include "record/doctor/mask.h"
#include "record/doctor/show.h"
#include "record/doctor/tar.h"

enum { TARGET_TEXT_BYTES = 256 << 10, TARGET_DEADLINE_S = 10 };

extern char **environ;

struct member {
	const char *name, *what;
	void (*fill)(const struct bundle_options *o, const struct checks *c, struct buf *out);
	bool target; /* only with PID */
};

static void fill_version(const struct bundle_options *o, const struct checks *c, struct buf *out)
{
	(void)o, (void)c;
	buf_puts(out, "ddprof-record " PACKAGE_VERSION "\n");
	collect_build(out);
}

static void fill_doctor(const struct bundle_options *o, const struct checks *c, struct buf *out)
{
	(void)o;
	show_json(c, out);
}

static void fill_system(const struct bundle_options *o, const struct checks *c, struct buf *out)
{
	(void)o, (void)c;
	collect_system(out);
}

static void fill_limits(const struct bundle_options *o, const struct checks *c, struct buf *out)
{
	(void)o, (void)c;
	collect_process(getpid(), out);
}

static void fill_environment(const struct bundle_options *o, const struct checks *c,
			     struct buf *out)
{
	(void)o, (void)c;
	collect_environment(environ, out);
}

static void fill_command(const struct bundle_options *o, const struct checks *c, struct buf *out)
{
	struct buf args;

	(void)c;
	buf_init(&args);
	for (char **arg = o->operands; *arg; arg++)
		buf_put(&args, *arg, strlen(*arg) + 1);
	mask_arguments(args.data, args.n, out);
	buf_done(&args);
}

static void fill_log(const struct bundle_options *o, const struct checks *c, struct buf *out)
{
	(void)o, (void)c;
	collect_log(out);
}

/* What a process shows of itself may be in memory or on a mount that never answers. */
struct target_text {
	pid_t pid;
	void (*collect)(pid_t pid, struct buf *out);
	size_t n;
	char text[TARGET_TEXT_BYTES];
};

static void collect_target(void *data)
{
	struct target_text *t = data;
	struct buf out;

	buf_init(&out);
	t->collect(t->pid, &out);
	t->n = MIN(out.n, sizeof(t->text));
	if (t->n)
		memcpy(t->text, out.data, t->n);
}

static void put_target(pid_t pid, void (*collect)(pid_t pid, struct buf *out), struct buf *out)
{
	static struct target_text t;
	struct err err = { .code = 0 };

	t = (struct target_text){ .pid = pid, .collect = collect };
	if (apart_run(collect_target, &t, sizeof(t), TARGET_DEADLINE_S, &err) < 0)
		buf_printf(out, "not readable: %s\n", err.text);
	else
		buf_put(out, t.text, MIN(t.n, sizeof(t.text)));
}

static void fill_target(const struct bundle_options *o, const struct checks *c, struct buf *out)
{
	(void)c;
	put_target(o->pid, collect_process, out);
}

static void fill_target_command(const struct bundle_options *o, const struct checks *c,
				struct buf *out)
{
	(void)c;
	put_target(o->pid, collect_command, out);
}

static const struct member members[] = {
	{ "version.txt", "version of ddprof-record and how it was built", fill_version, false },
	{ "doctor.json", "what doctor --json prints", fill_doctor, false },
	{ "system.txt", "kernel, libc, distribution, perf's settings; no host name", fill_system,
	  false },
	{ "recorder.txt", "limits, capabilities, cgroup, namespaces of this user's processes",
	  fill_limits, false },
	{ "environment.txt", "names of DD_* and DDPROF_* variables that are set, values masked",
	  fill_environment, false },
	{ "command.txt", "what doctor was asked about, secrets masked", fill_command, false },
	{ "record.log", "messages of a recording of itself, one second long", fill_log, false },
	{ "target.txt", "limits, capabilities, cgroup, namespaces of the process", fill_target,
	  true },
	{ "target-command.txt", "command line of the process, secrets masked", fill_target_command,
	  true },
};

static const char folder[] = "ddprof-bundle/";

bool bundle_list(const struct bundle_options *o, FILE *out)
{
	fprintf(out, "%s '%s':\n", o->dry_run ? "would be written into" : "goes into", o->path);
	for (size_t i = 0; i < N_ELEMENTS(members); i++)
		if (!members[i].target || o->pid)
			fprintf(out, "  %s%-20s %s\n", folder, members[i].name, members[i].what);
	return fflush(out) == 0;
}

static void put_member(const struct bundle_options *o, const struct checks *c,
		       const struct member *m, const struct secrets *secrets, struct buf *tar)
{
	struct buf text;
	char name[96];

	buf_init(&text);
	m->fill(o, c, &text);
	if (secrets)
		secrets_hide(secrets, text.data, text.n);
	snprintf(name, sizeof(name), "%s%s", folder, m->name);
	tar_put(tar, name, text.data, text.n, (uint64_t)time(NULL));
	buf_done(&text);
}

int bundle_write(const struct bundle_options *o, const struct checks *c, struct err *err)
{
	struct secrets *secrets = secrets_new();
	struct buf tar;

	if (!secrets)
		return err_set(err, -ENOMEM, "no memory for what is to be masked");
	for (char **variable = environ; *variable; variable++)
		secrets_note_variable(secrets, *variable);
	buf_init(&tar);
	for (size_t i = 0; i < N_ELEMENTS(members); i++)
		if (!members[i].target || o->pid)
			put_member(o, c, &members[i], secrets, &tar);
	tar_end(&tar);
	int r = tar_write(&tar, o->path, err);
	buf_done(&tar);
	secrets_free(secrets);
	return r;
}
